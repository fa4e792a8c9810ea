package api

import (
	"errors"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/internal/auth"
)

// postUploadTokens mints an upload token for one user of an app. The request may narrow
// what the API key permits, and never widen it.
func (s *Server) postUploadTokens(c *fiber.Ctx) error {
	t, err := tenantOf(c)
	if err != nil {
		return err
	}
	var req resource.UploadTokenRequest
	if err := decodeJSON(c, &req); err != nil {
		return err
	}
	o := auth.TokenOptions{Tenant: t, Owner: req.Owner, MaxBytes: req.MaxBytes, Life: auth.DefaultTokenLife}
	if req.ExpiresInSeconds != 0 {
		o.Life = time.Duration(req.ExpiresInSeconds) * time.Second
	}
	caller := exchangeOf(c).caller
	switch {
	case req.ExpiresInSeconds < 0 || req.ExpiresInSeconds > int64(auth.MaxTokenLife/time.Second):
		return refuse(codeInvalidRequest, fmt.Sprintf("expires_in_seconds must be 1 to %d.", auth.MaxTokenLife/time.Second))
	case req.MaxBytes < 0:
		return refuse(codeInvalidRequest, "max_bytes must be 1 or more, or be left out.")
	case caller.Owner != "" && req.Owner != "" && req.Owner != caller.Owner:
		return refuse(codeForeignOwner, "The API key only sends recordings of another owner.")
	}
	if _, err := orak.ParseOwner(req.Owner); err != nil {
		return refuse(codeInvalidRequest, "owner: "+err.Error()+".")
	}
	made, err := caller.Mint(o, time.Now())
	if errors.Is(err, auth.ErrNoTokens) {
		return refuse(codeMissingScope, "Only an API key mints upload tokens.").because(err)
	}
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(fiber.StatusCreated).JSON(resource.UploadToken{Token: made.Bearer, ID: caller.ID + "/" + made.ID, ExpiresAt: made.ExpiresAt.UTC()})
}
