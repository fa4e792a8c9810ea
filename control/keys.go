package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"orak"
	"orak/events"
)

// SchemaKey is the schema of an API key's document.
const SchemaKey = "key/1"

const prefixKey = "key/"

// EveryTenant is the tenant of keys that may name any tenant.
const EveryTenant orak.Tenant = "*"

// Bounds of a key's document: bytes of its name, and a number of scopes.
const (
	MaxKeyName = 100
	maxScopes  = 10
)

// keyID is the form of a key's id.
var keyID = regexp.MustCompile(`^[a-z0-9]{4,40}$`)

// scopeName is the form of a scope. Which scopes there are is not for this package.
var scopeName = regexp.MustCompile(`^[a-z][a-z-]{0,29}$`)

// Secret is what is kept of a key's secret. Neither part reveals it, or lets anybody
// act with the key.
type Secret struct {
	// SHA256 is the digest of the secret, 32 bytes.
	SHA256 []byte `json:"sha256"`
	// TokenKey is the Ed25519 public key that verifies tokens made with the secret,
	// 32 bytes.
	TokenKey []byte `json:"token_key"`
}

func (s Secret) check() error {
	if len(s.SHA256) != 32 || len(s.TokenKey) != 32 {
		return errors.New("secret: want 32 bytes of sha256 and of token_key")
	}
	return nil
}

// Key is the document of an API key.
type Key struct {
	Stamp
	// ID is 4 to 40 of a-z and 0-9. It is no secret.
	ID string `json:"-"`
	// Name is for people, at most MaxKeyName bytes.
	Name string `json:"name"`
	// Tenant is whose key it is; EveryTenant lets it name any.
	Tenant orak.Tenant `json:"tenant"`
	// Scopes are what it permits, at least one.
	Scopes []string `json:"scopes"`
	// Owner is whose recordings it sends and knows of, as orak.ParseOwner takes it; empty
	// leaves that to each request.
	Owner     string    `json:"owner,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	// ExpiresAt is when it ends; zero is never.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Secret    Secret    `json:"secret"`
	// Previous is valid until PreviousUntil, while the secret is rotated.
	Previous      *Secret   `json:"previous,omitempty"`
	PreviousUntil time.Time `json:"previous_until,omitzero"`
}

// Check returns an error that says what is wrong with k, and may be shown to people.
func (k Key) Check() error {
	if !keyID.MatchString(k.ID) {
		return errors.New("id: want 4 to 40 of a-z and 0-9")
	}
	if len(k.Name) > MaxKeyName || !printable(k.Name) {
		return fmt.Errorf("name: want at most %d bytes of text", MaxKeyName)
	}
	if _, err := orak.ParseOwner(k.Owner); err != nil {
		return fmt.Errorf("owner: %w", err)
	}
	if _, err := orak.ParseTenant(string(k.Tenant)); err != nil && k.Tenant != EveryTenant {
		return fmt.Errorf("tenant: %w", err)
	}
	if len(k.Scopes) == 0 || len(k.Scopes) > maxScopes || slices.ContainsFunc(k.Scopes, func(s string) bool { return !scopeName.MatchString(s) }) {
		return fmt.Errorf("scopes: want 1 to %d", maxScopes)
	}
	if k.CreatedAt.IsZero() {
		return errors.New("created_at: missing")
	}
	if k.Previous != nil {
		if err := k.Previous.check(); err != nil {
			return fmt.Errorf("previous: %w", err)
		}
	}
	return k.Secret.check()
}

// printable reports whether text is UTF-8 without control characters.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// keyOf reads the document of a key.
func keyOf(id string, value []byte) (*Key, error) {
	k := Key{ID: id}
	if err := json.Unmarshal(value, &k); err != nil {
		return nil, err
	}
	if k.Schema != SchemaKey {
		return nil, fmt.Errorf("schema: want %s", SchemaKey)
	}
	if err := k.Check(); err != nil {
		return nil, err
	}
	return &k, nil
}

// Key returns a key as it is in effect; ok is false if there is none, or it was
// removed. It may have expired. The caller must not change it.
func (v *View) Key(id string) (k *Key, ok bool) {
	e, ok := v.current().byKey[prefixKey+id]
	return e.key, ok && e.Value != nil && e.key != nil
}

// APIKeys returns the keys of a tenant, or all for EveryTenant, by tenant and id.
func (v *View) APIKeys(t orak.Tenant) []*Key {
	var all []*Key
	for _, e := range v.current().byKey {
		if e.Value != nil && e.key != nil && (t == EveryTenant || t == e.key.Tenant) {
			all = append(all, e.key)
		}
	}
	slices.SortFunc(all, func(a, b *Key) int {
		return strings.Compare(string(a.Tenant)+" "+a.ID, string(b.Tenant)+" "+b.ID)
	})
	return all
}

// PutKey writes a key and returns it once the Writer's View has it in effect. k.Version
// is that of the document that it replaces, 0 for a new key; k.By is who changes it.
// Errors are those of Apply.
func (w *Writer) PutKey(ctx context.Context, k Key) (Key, error) {
	if err := k.Check(); err != nil {
		return Key{}, err
	}
	stamp, err := w.write(ctx, prefixKey+k.ID, k.Version, func(_ entry, s Stamp) ([]byte, error) {
		k.Stamp = s
		k.Schema = SchemaKey
		return json.Marshal(k)
	}, k.act)
	stamp.Schema = SchemaKey
	k.Stamp = stamp
	return k, err
}

// RemoveKey removes a key that is at version seen, and returns once the Writer's View
// has no such key. Errors are those of Apply.
func (w *Writer) RemoveKey(ctx context.Context, id string, seen int64, by string) error {
	_, err := w.write(ctx, prefixKey+id, seen, func(entry, Stamp) ([]byte, error) { return nil, nil }, func(now entry) events.Act {
		a := events.Act{Act: ActRevokeKey, By: by, Tenant: EveryTenant, Subject: id}
		if now.key != nil {
			a.Tenant, a.Detail = now.key.Tenant, now.key.Name
		}
		return a
	})
	return err
}

// act returns what is recorded of k replacing the key that is there now.
func (k Key) act(now entry) events.Act {
	a := events.Act{Act: ActChangeKey, By: k.By, Tenant: k.Tenant, Subject: k.ID, Detail: k.Name}
	switch {
	case now.Value == nil || now.key == nil:
		a.Act = ActCreateKey
	case !bytes.Equal(now.key.Secret.SHA256, k.Secret.SHA256):
		a.Act = ActRotateKey
	}
	return a
}
