package api

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/control"
	"orak/internal/auth"
)

// managed is the tenant whose keys the caller manages; auth.EveryTenant for all.
func managed(c *fiber.Ctx) orak.Tenant {
	caller := exchangeOf(c).caller
	if caller.EveryTenant && len(headerValues(c, resource.HeaderTenant)) == 0 {
		return auth.EveryTenant
	}
	return caller.Tenant
}

// keeper returns what manages the keys.
func (s *Server) keeper() (*auth.Keys, error) {
	if s.keys == nil {
		return nil, refuse(codeUnavailable, "This server does not manage API keys.")
	}
	return s.keys, nil
}

// getKeys lists the keys of the caller's tenant.
func (s *Server) getKeys(c *fiber.Ctx) error {
	keys, err := s.keeper()
	if err != nil {
		return err
	}
	answer := resource.APIKeys{Keys: []resource.APIKey{}}
	for _, k := range keys.List(managed(c)) {
		answer.Keys = append(answer.Keys, KeyResource(*k))
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(answer)
}

// postKeys makes a key, with no more than the caller's own scopes and tenant.
func (s *Server) postKeys(c *fiber.Ctx) error {
	keys, err := s.keeper()
	if err != nil {
		return err
	}
	var req resource.APIKeyRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	n := auth.NewKey{Name: req.Name, Owner: req.Owner, Tenant: req.Tenant, ExpiresAt: req.ExpiresAt}
	x := exchangeOf(c)
	if n.Tenant == "" {
		n.Tenant = x.caller.Tenant
	}
	if !x.caller.EveryTenant && n.Tenant != x.caller.Tenant {
		return refuse(codeForeignTenant, "The credential manages only keys of its own tenant.")
	}
	for _, scope := range req.Scopes {
		switch {
		case !slices.Contains(auth.Scopes, auth.Scope(scope)):
			return refuse(codeInvalidRequest, "scopes must be some of upload, read, operate and admin.")
		case !x.caller.May(auth.Scope(scope)):
			return refuse(codeMissingScope, "The credential does not have the scope "+scope+", and so cannot give it to a key.")
		}
		n.Scopes = append(n.Scopes, auth.Scope(scope))
	}
	made, credential, err := keys.Create(c.UserContext(), n, x.by(""))
	if err != nil {
		return keyRefusal(err)
	}
	x.subject = made.ID
	return c.Status(fiber.StatusCreated).JSON(resource.NewAPIKey{APIKey: KeyResource(made), Key: credential})
}

// postRotate gives a key a new secret.
func (s *Server) postRotate(c *fiber.Ctx) error {
	keys, err := s.keeper()
	if err != nil {
		return err
	}
	var req resource.RotateKeyRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	if req.OverlapSeconds < 0 || req.OverlapSeconds > int64(auth.MaxOverlap/time.Second) {
		return refuse(codeInvalidRequest, "overlap_seconds must be 0 to 2592000.")
	}
	id, err := s.managedKey(c, keys)
	if err != nil {
		return err
	}
	rotated, credential, err := keys.Rotate(c.UserContext(), id, time.Duration(req.OverlapSeconds)*time.Second, exchangeOf(c).by(""))
	if err != nil {
		return keyRefusal(err)
	}
	return c.JSON(resource.NewAPIKey{APIKey: KeyResource(rotated), Key: credential})
}

// deleteKey revokes a key.
func (s *Server) deleteKey(c *fiber.Ctx) error {
	keys, err := s.keeper()
	if err != nil {
		return err
	}
	id, err := s.managedKey(c, keys)
	if err != nil {
		return err
	}
	if err := keys.Revoke(c.UserContext(), id, exchangeOf(c).by("")); err != nil {
		return keyRefusal(err)
	}
	return c.SendStatus(http.StatusNoContent)
}

// managedKey returns the id in the path if the caller manages that key. One with scopes
// that the caller lacks may be revoked and not rotated, which would reveal them.
func (s *Server) managedKey(c *fiber.Ctx, keys *auth.Keys) (string, error) {
	k, ok := keys.Get(c.Params("id"))
	caller := exchangeOf(c).caller
	if !ok || !caller.EveryTenant && k.Tenant != caller.Tenant {
		return "", refuse(codeNotFound, "There is no such key.")
	}
	if c.Method() != http.MethodDelete && slices.ContainsFunc(k.Scopes, func(scope string) bool { return !caller.May(auth.Scope(scope)) }) {
		return "", refuse(codeMissingScope, "The key has scopes that the credential lacks.")
	}
	return k.ID, nil
}

// keyRefusal turns an error of auth.Keys into a refusal.
func keyRefusal(err error) error {
	var (
		bad      *auth.BadKey
		conflict *control.Conflict
	)
	switch {
	case errors.As(err, &bad):
		return refuse(codeInvalidRequest, sentence(bad.Error())).because(err)
	case errors.Is(err, auth.ErrNoKey):
		return refuse(codeNotFound, "There is no such key.")
	case errors.Is(err, auth.ErrTooManyKeys):
		return refuse(codeTooManyKeys, sentence(err.Error()))
	case errors.As(err, &conflict):
		return refuse(codeConflict, "Somebody else changed the key at the same moment. Read it again.").because(err)
	default:
		return err
	}
}

// KeyResource returns k as the API shows it, without its secret.
func KeyResource(k control.Key) resource.APIKey {
	r := resource.APIKey{
		ID: k.ID, Name: k.Name, Tenant: k.Tenant, Scopes: k.Scopes, Owner: k.Owner, CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt,
		ChangedBy: k.By, ChangedAt: k.At,
	}
	if k.Previous != nil {
		r.PreviousUntil = k.PreviousUntil
	}
	return r
}
