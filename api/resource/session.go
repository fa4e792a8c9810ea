package resource

import (
	"time"

	"orak"
)

// HeaderCSRF has the Session.CSRF of a request that changes something and is
// authenticated by the cookie of a session.
const HeaderCSRF = "X-Orak-CSRF"

// The ways to log in.
const (
	// LoginByKey is with an API key, or a login code that was made with one.
	LoginByKey = "key"
	// LoginByOIDC is at the identity provider of the server.
	LoginByOIDC = "oidc"
)

// Session says who the caller is. Without a valid credential only Authenticated and Ways
// are set.
type Session struct {
	Authenticated bool `json:"authenticated"`
	// Ways are how to log in; more may be added. None means that there is no login: a
	// gateway authenticates callers, or nobody does.
	Ways []string `json:"ways"`
	// Tenant is that of requests which name none.
	Tenant orak.Tenant `json:"tenant,omitempty"`
	// AllTenants says that requests may name any tenant, and EveryTenant where routes
	// accept it.
	AllTenants bool `json:"all_tenants,omitempty"`
	// Scopes are some of upload, read, operate and admin.
	Scopes []string `json:"scopes,omitempty"`
	// Owner is whose recordings the caller may send and know of; empty does not restrict
	// it to one.
	Owner string `json:"owner,omitempty"`
	// By names the credential in records of what was done by whom.
	By string `json:"by,omitempty"`
	// ExpiresAt is when the session ends by itself; zero for a caller without a session.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// CSRF is what requests of a session that change something send as HeaderCSRF; empty
	// for a caller without a session.
	CSRF string `json:"csrf,omitempty"`
	// TemporalUI is the address of the Temporal Web UI; empty if none is configured.
	TemporalUI string `json:"temporal_ui,omitempty"`
}

// LoginRequest asks for a session, with a key or a code.
type LoginRequest struct {
	// Key is an API key.
	Key string `json:"key,omitempty"`
	// Code is a LoginCode.
	Code string `json:"code,omitempty"`
}

// LoginCode logs in once.
type LoginCode struct {
	Code      string    `json:"code"`
	ExpiresAt time.Time `json:"expires_at"`
	// URL is the page of the server that logs in with the code, relative to the server.
	URL string `json:"url"`
}
