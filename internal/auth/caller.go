package auth

import (
	"fmt"
	"slices"
	"strings"

	"orak"
	"orak/control"
)

// EveryTenant is the tenant of a caller that may name any.
const EveryTenant = control.EveryTenant

// Scope is a kind of request that a caller may make.
type Scope string

// The scopes. None includes another one.
const (
	// ScopeNone is that of routes for everyone, such as the API's description.
	ScopeNone Scope = ""
	// ScopeAny is that of routes for everyone who has a credential. No credential names it.
	ScopeAny Scope = "any"
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

// ParseScopes reads scopes that are separated by commas or spaces. It returns an error
// for an unknown one, and for none at all.
func ParseScopes(text string) ([]Scope, error) {
	var scopes []Scope
	for _, name := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		if !slices.Contains(Scopes, Scope(name)) {
			return nil, fmt.Errorf("there is no scope %q: want some of upload, read, operate, admin", name)
		}
		if !slices.Contains(scopes, Scope(name)) {
			scopes = append(scopes, Scope(name))
		}
	}
	if len(scopes) == 0 {
		return nil, fmt.Errorf("no scope is given: want some of upload, read, operate, admin")
	}
	return scopes, nil
}

// Caller made a request: who that is, as the credential says.
type Caller struct {
	// ID names the credential, in logs and in records of what was done by whom. It
	// is no secret.
	ID string
	// Tenant is EveryTenant for a caller that may name one; the API replaces it by the
	// one that the request names.
	Tenant orak.Tenant
	Scopes []Scope
	// Owner is whose recordings the caller may send and know of; "" leaves it to the
	// request. Such a caller has no scope beyond ScopeUpload and ScopeRead.
	Owner string
	// MaxBytes bounds the size of a recording; 0 leaves it to the server.
	MaxBytes int64
	// EveryTenant says that the credential is for every tenant.
	EveryTenant bool
	// Token says that the credential is an upload token: it only sends recordings.
	Token bool
	// Anonymous says that nothing was verified.
	Anonymous bool
	// Session is the session whose cookie the caller sent; nil for every other credential.
	Session *Session
	// mint makes upload tokens and sessions with the caller's secret; nil if it may not.
	mint *minter
}

// May reports whether the caller has scope.
func (c Caller) May(scope Scope) bool {
	if scope == ScopeAny {
		return true
	}
	if c.Owner != "" && scope != ScopeUpload && scope != ScopeRead {
		return scope == ScopeNone // the others are for a whole tenant
	}
	return scope == ScopeNone || slices.Contains(c.Scopes, scope)
}

// MayKnow reports whether the caller may know of the recordings of owner.
func (c Caller) MayKnow(owner string) bool { return c.Owner == "" || c.Owner == owner }
