package resource

import (
	"time"

	"orak"
)

// HeaderScopes has the scopes of a request, separated by commas. Only a server behind a
// gateway that authenticates callers (--auth=gateway) reads it.
const HeaderScopes = "X-Orak-Scopes"

// APIKey is an API key, without its secret.
type APIKey struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	// Tenant is whose key it is; EveryTenant lets it name any.
	Tenant orak.Tenant `json:"tenant"`
	// Scopes are some of upload, read, operate and admin.
	Scopes []string `json:"scopes"`
	// Owner is whose recordings it sends; empty leaves that to each request.
	Owner     string    `json:"owner,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	// ExpiresAt is zero for a key that does not expire.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// PreviousUntil is until when the secret of before the last rotation is valid; zero
	// if it is not.
	PreviousUntil time.Time `json:"previous_until,omitzero"`
	// ChangedBy and ChangedAt are of its last change.
	ChangedBy string    `json:"changed_by"`
	ChangedAt time.Time `json:"changed_at"`
}

// NewAPIKey is an API key with its credential, which is shown only once.
type NewAPIKey struct {
	APIKey
	// Key is what its holder sends: Authorization: Bearer KEY.
	Key string `json:"key"`
}

// APIKeys are the keys that the caller manages, by tenant and id.
type APIKeys struct {
	Keys []APIKey `json:"keys"`
}

// APIKeyRequest asks for a new key.
type APIKeyRequest struct {
	// Name is for people, at most 100 bytes.
	Name string `json:"name,omitempty"`
	// Tenant is empty for that of the request.
	Tenant orak.Tenant `json:"tenant,omitempty"`
	// Scopes are some of the caller's own.
	Scopes []string `json:"scopes"`
	// Owner is whose recordings it sends, at most 200 bytes; empty leaves that to each
	// request.
	Owner string `json:"owner,omitempty"`
	// ExpiresAt is when it ends; zero is never.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// RotateKeyRequest asks for a new secret of a key.
type RotateKeyRequest struct {
	// OverlapSeconds is for how many seconds the old secret stays valid, at most 30 days; 0
	// ends it at once.
	OverlapSeconds int64 `json:"overlap_seconds"`
}

// UploadTokenRequest asks for an upload token.
type UploadTokenRequest struct {
	// Owner is whose recordings the token sends, at most 200 bytes; empty leaves that
	// to each request.
	Owner string `json:"owner,omitempty"`
	// MaxBytes bounds a recording; 0 leaves it to the server.
	MaxBytes int64 `json:"max_bytes,omitempty"`
	// ExpiresInSeconds is 1 to 3600 seconds; 0 is 600.
	ExpiresInSeconds int64 `json:"expires_in_seconds,omitempty"`
}

// UploadToken is a credential that only sends recordings. It ends with its API key.
type UploadToken struct {
	// Token is what the app sends: Authorization: Bearer TOKEN.
	Token string `json:"token"`
	// ID names it in logs.
	ID        string    `json:"id"`
	ExpiresAt time.Time `json:"expires_at"`
}
