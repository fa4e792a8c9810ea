package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"orak"
	"orak/control"
)

// MaxTenantKeys is the most keys of one tenant, so that no tenant fills the control
// plane.
const MaxTenantKeys = 100

// MaxOverlap is the longest time for which a rotated secret stays valid.
const MaxOverlap = 30 * 24 * time.Hour

// Errors of Keys.
var (
	// ErrNoKey means that there is no such key.
	ErrNoKey = errors.New("there is no such key")
	// ErrTooManyKeys means that the tenant has MaxTenantKeys.
	ErrTooManyKeys = fmt.Errorf("the tenant has %d keys already: revoke some", MaxTenantKeys)
)

// BadKey means that a key cannot be made as asked. Its text may be shown to people.
type BadKey struct{ Err error }

// Error implements error.
func (e *BadKey) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *BadKey) Unwrap() error { return e.Err }

// Keys makes, rotates and revokes API keys. Besides its own errors, it returns those of
// control.Writer: a *control.Conflict where somebody else was faster, and an *orak.Fault
// of class dependency while Kafka is unavailable. Every process has a change within 2 s.
type Keys struct {
	view   *control.View
	writer *control.Writer
}

// NewKeys returns Keys on the documents of v, which w writes.
func NewKeys(v *control.View, w *control.Writer) *Keys { return &Keys{view: v, writer: w} }

// List returns the keys of a tenant, or all for EveryTenant. The caller must not change
// them.
func (k *Keys) List(t orak.Tenant) []*control.Key { return k.view.APIKeys(t) }

// Get returns a key. The caller must not change it.
func (k *Keys) Get(id string) (*control.Key, bool) { return k.view.Key(id) }

// NewKey is what a new key is for.
type NewKey struct {
	// Name and Owner are as in control.Key.
	Name   string
	Owner  string
	Tenant orak.Tenant
	Scopes []Scope
	// ExpiresAt is in the future; zero is never.
	ExpiresAt time.Time
}

// Create makes a key and returns the credential, which is kept nowhere.
func (k *Keys) Create(ctx context.Context, n NewKey, by string) (made control.Key, credential string, err error) {
	if len(k.List(n.Tenant)) >= MaxTenantKeys && n.Tenant != EveryTenant {
		return control.Key{}, "", ErrTooManyKeys
	}
	id, secret := newID(), newSecret()
	made, err = k.create(ctx, id, secret, n, by)
	return made, bearer(id, secret), err
}

func (k *Keys) create(ctx context.Context, id, secret string, n NewKey, by string) (control.Key, error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(now) {
		return control.Key{}, &BadKey{errors.New("expires_at: it is in the past")}
	}
	kept, err := keep(secret)
	if err != nil {
		return control.Key{}, err
	}
	key := control.Key{
		ID: id, Name: n.Name, Tenant: n.Tenant, Owner: n.Owner, CreatedAt: now, ExpiresAt: n.ExpiresAt.UTC(), Secret: kept,
		Stamp: control.Stamp{By: by},
	}
	for _, s := range Scopes {
		if slices.Contains(n.Scopes, s) {
			key.Scopes = append(key.Scopes, string(s))
		}
	}
	if err := key.Check(); err != nil {
		return control.Key{}, &BadKey{err}
	}
	if n.Owner != "" && slices.ContainsFunc(n.Scopes, func(s Scope) bool { return !callerOf(&key).May(s) }) {
		return control.Key{}, &BadKey{errors.New("scopes: a key of one owner may only have upload and read")}
	}
	return k.writer.PutKey(ctx, key)
}

// Rotate gives a key a new secret and returns the new credential. The old secret stays valid
// for overlap, 0 to MaxOverlap; 0 ends it at once. A secret that was rotated before ends.
func (k *Keys) Rotate(ctx context.Context, id string, overlap time.Duration, by string) (rotated control.Key, credential string, err error) {
	if overlap < 0 || overlap > MaxOverlap {
		return control.Key{}, "", &BadKey{fmt.Errorf("the overlap: want 0 to %v", MaxOverlap)}
	}
	old, ok := k.Get(id)
	if !ok {
		return control.Key{}, "", ErrNoKey
	}
	secret := newSecret()
	kept, err := keep(secret)
	if err != nil {
		return control.Key{}, "", err
	}
	key := *old
	key.By, key.Secret, key.Previous, key.PreviousUntil = by, kept, nil, time.Time{}
	if overlap > 0 {
		key.Previous, key.PreviousUntil = &old.Secret, time.Now().UTC().Add(overlap).Truncate(time.Millisecond)
	}
	rotated, err = k.writer.PutKey(ctx, key)
	return rotated, bearer(id, secret), err
}

// Revoke ends a key, and with it its tokens.
func (k *Keys) Revoke(ctx context.Context, id, by string) error {
	key, ok := k.Get(id)
	if !ok {
		return ErrNoKey
	}
	return k.writer.RemoveKey(ctx, id, key.Version, by)
}

// Ensure makes the key of a credential that NewCredential returned, unless it is there. A key
// that was revoked is not made again: the error is a *control.Conflict.
func (k *Keys) Ensure(ctx context.Context, credential string, n NewKey, by string) error {
	id, secret, ok := splitKey(credential)
	if !ok {
		return &BadKey{errors.New("it is not an API key")}
	}
	if old, ok := k.Get(id); ok && holds(old, secret, time.Now()) {
		return nil
	}
	_, err := k.create(ctx, id, secret, n, by)
	return err
}

// NewCredential returns the credential of a key that Ensure will make.
func NewCredential() string { return bearer(newID(), newSecret()) }
