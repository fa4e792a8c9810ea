package auth

import (
	"slices"

	"orak"
)

// Scope is a kind of request that a caller may make.
type Scope string

// The scopes. None includes another one.
const (
	// ScopeNone is that of routes for everyone, such as the API's description.
	ScopeNone Scope = ""
	// ScopeUpload sends recordings, and cancels and erases them.
	ScopeUpload Scope = "upload"
	// ScopeRead reads uploads and results.
	ScopeRead Scope = "read"
	// ScopeOperate decides on dead letters, and imports songs.
	ScopeOperate Scope = "operate"
	// ScopeAdmin manages keys, webhooks and settings.
	ScopeAdmin Scope = "admin"
)

// Scopes are all scopes, least first.
var Scopes = []Scope{ScopeUpload, ScopeRead, ScopeOperate, ScopeAdmin}

// Caller is whoever made a request, as its credential says.
type Caller struct {
	// ID names the credential, in logs and in records of what was done by whom. It
	// is no secret.
	ID     string
	Tenant orak.Tenant
	Scopes []Scope
	// Owner is whose recordings the caller may send; "" leaves it to the request.
	Owner string
	// MaxBytes bounds the size of a recording; 0 leaves it to the server.
	MaxBytes int64
}

// May reports whether the caller has scope.
func (c Caller) May(scope Scope) bool {
	return scope == ScopeNone || slices.Contains(c.Scopes, scope)
}
