package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"orak"
	"orak/control"
)

// Request has what a request says of its caller: every value of each header.
type Request struct {
	Authorization []string
	// Session has the values of the cookie of a session. It is only read where there is
	// no Authorization.
	Session []string
	// Tenant and Scopes are only read by a Gateway.
	Tenant []string
	Scopes []string
}

// Authenticator says who makes a request. Its errors are *Denial.
type Authenticator interface {
	Authenticate(ctx context.Context, r Request) (Caller, error)
}

// Reason is why a request is denied.
type Reason string

// The reasons.
const (
	// ReasonMissing means that there is no credential.
	ReasonMissing Reason = "missing"
	// ReasonInvalid means that the credential is malformed, wrong, unknown or revoked.
	ReasonInvalid Reason = "invalid"
	// ReasonExpired means that the credential was valid once.
	ReasonExpired Reason = "expired"
	// ReasonUnavailable means that the credential cannot be verified now.
	ReasonUnavailable Reason = "unavailable"
)

// Denial means that a request has no valid credential.
type Denial struct {
	Reason Reason
	// Detail is for the caller. It has nothing of the credential.
	Detail string
	// Err is for the log. It has nothing of the credential; nil for none.
	Err error
}

// Error implements error.
func (d *Denial) Error() string {
	if d.Err != nil {
		return fmt.Sprintf("%s credential: %v", d.Reason, d.Err)
	}
	return fmt.Sprintf("%s credential: %s", d.Reason, d.Detail)
}

// Unwrap returns the cause.
func (d *Denial) Unwrap() error { return d.Err }

// invalid tells the caller nothing about why.
func invalid() *Denial {
	return &Denial{Reason: ReasonInvalid, Detail: "The credential is not valid. It may be wrong, or revoked."}
}

// Directory has the API keys in effect.
type Directory interface {
	Key(id string) (k *control.Key, ok bool)
}

var _ Directory = (*control.View)(nil)

// Verifier verifies the JWTs of an issuer. Its errors are *Denial.
type Verifier interface {
	Verify(ctx context.Context, jwt string) (Caller, error)
}

// Required is the Authenticator of ModeRequired.
type Required struct {
	// Keys has the API keys, which also verify upload tokens.
	Keys Directory
	// JWT verifies other bearers; nil denies them.
	JWT Verifier
	// OIDC lets people log in at the JWTs' issuer; nil does not.
	OIDC *OIDC
}

// maxBearer bounds a credential, in bytes.
const maxBearer = 8 << 10

// Authenticate implements Authenticator.
func (a Required) Authenticate(ctx context.Context, r Request) (Caller, error) {
	now := time.Now()
	if len(r.Authorization) == 0 && len(r.Session) > 0 {
		return a.session(r.Session, now)
	}
	given, err := bearerOf(r.Authorization)
	if err != nil {
		return Caller{}, err
	}
	if !strings.HasPrefix(given, prefix) {
		if a.JWT == nil {
			return Caller{}, invalid()
		}
		return a.JWT.Verify(ctx, given)
	}
	if t, ok := splitToken(given); ok {
		return a.token(t, now)
	}
	id, secret, ok := splitKey(given)
	if !ok {
		return Caller{}, invalid()
	}
	return a.key(id, secret, now)
}

// bearerOf returns the only bearer of a request.
func bearerOf(headers []string) (string, error) {
	if len(headers) == 0 || len(headers) == 1 && headers[0] == "" {
		return "", &Denial{Reason: ReasonMissing, Detail: "Send an API key as the header Authorization: Bearer KEY."}
	}
	if len(headers) > 1 {
		return "", &Denial{Reason: ReasonInvalid, Detail: "The header Authorization may be given only once."}
	}
	scheme, rest, _ := strings.Cut(headers[0], " ")
	rest = strings.Trim(rest, " ")
	if !strings.EqualFold(scheme, "Bearer") || rest == "" || len(rest) > maxBearer || strings.ContainsAny(rest, " ,\t") {
		return "", &Denial{Reason: ReasonInvalid, Detail: "The header Authorization must be Bearer, one space and one credential."}
	}
	return rest, nil
}

// find returns a key, or nobody, and whether it is one that has not expired.
func (a Required) find(id string, now time.Time) (k *control.Key, live, known bool) {
	k, known = a.Keys.Key(id)
	if !known {
		return &nobody, false, false
	}
	return k, k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt), true
}

func (a Required) key(id, secret string, now time.Time) (Caller, error) {
	k, live, known := a.find(id, now)
	if !holds(k, secret, now) || !known {
		return Caller{}, invalid()
	}
	if !live {
		return Caller{}, &Denial{Reason: ReasonExpired, Detail: "The API key has expired."}
	}
	c := callerOf(k)
	c.mint = &minter{id: id, secret: secret, until: k.ExpiresAt}
	return c, nil
}

func callerOf(k *control.Key) Caller {
	c := Caller{ID: "key/" + k.ID, Tenant: k.Tenant, Owner: k.Owner, EveryTenant: k.Tenant == EveryTenant}
	for _, s := range k.Scopes {
		c.Scopes = append(c.Scopes, Scope(s))
	}
	return c
}

// token admits an upload token: as long as its key may upload, and is for its tenant.
func (a Required) token(t token, now time.Time) (Caller, error) {
	k, live, known := a.find(t.key, now)
	var content claims
	if valid := t.verify(k, tokenContext, now, &content); !valid || !known {
		return Caller{}, invalid()
	}
	parent := callerOf(k)
	if !parent.May(ScopeUpload) || parent.Tenant != content.Tenant && !parent.EveryTenant {
		return Caller{}, invalid()
	}
	if _, err := orak.ParseTenant(string(content.Tenant)); err != nil {
		return Caller{}, invalid()
	}
	if !live || now.Unix() >= content.Expires {
		return Caller{}, &Denial{Reason: ReasonExpired, Detail: "The upload token has expired."}
	}
	owner := content.Owner
	if parent.Owner != "" {
		owner = parent.Owner
	}
	return Caller{
		ID: parent.ID + "/" + content.ID, Tenant: content.Tenant, Scopes: []Scope{ScopeUpload},
		Owner: owner, MaxBytes: content.MaxBytes, Token: true,
	}, nil
}

// Open is the Authenticator of ModeNone: everyone may do everything, for the tenant
// that the request names.
type Open struct{}

// Authenticate implements Authenticator.
func (Open) Authenticate(context.Context, Request) (Caller, error) {
	return Caller{ID: "anonymous", Tenant: EveryTenant, Scopes: Scopes, Anonymous: true}, nil
}

// Gateway is the Authenticator of ModeGateway: it trusts the headers of a gateway in
// front, which must set both exactly once.
type Gateway struct{}

// Authenticate implements Authenticator.
func (Gateway) Authenticate(_ context.Context, r Request) (Caller, error) {
	if len(r.Tenant) != 1 || len(r.Scopes) != 1 || r.Tenant[0] == "" {
		return Caller{}, &Denial{Reason: ReasonMissing, Detail: "This server expects the gateway in front of it to say exactly once for which tenant and with which scopes the request is."}
	}
	t := orak.Tenant(r.Tenant[0])
	if _, err := orak.ParseTenant(string(t)); err != nil && t != EveryTenant {
		return Caller{}, &Denial{Reason: ReasonInvalid, Detail: "The gateway in front named a tenant that is not valid."}
	}
	scopes, err := ParseScopes(r.Scopes[0])
	if err != nil {
		return Caller{}, &Denial{Reason: ReasonInvalid, Detail: "The gateway in front named scopes that are not valid."}
	}
	return Caller{ID: "gateway", Tenant: t, Scopes: scopes}, nil
}
