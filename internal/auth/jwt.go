package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"

	"orak"
)

// clockSkew is how far the issuer's clock may be from ours.
const clockSkew = 30 * time.Second

// maxSubject bounds the part of a subject that becomes a Caller's ID, in bytes.
const maxSubject = 80

// JWTs verifies the JWTs of one issuer (RFC 7519, signed by JWS).
type JWTs struct {
	cfg    JWTConfig
	keys   keyfunc.Keyfunc
	parser *jwt.Parser
	now    func() time.Time
}

var _ Verifier = (*JWTs)(nil)

// JWTDeps are what JWTs uses.
type JWTDeps struct {
	Log *slog.Logger
	// Metrics registers the metrics; nil for none.
	Metrics prometheus.Registerer
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// NewJWTs returns what verifies the JWTs of cfg's issuer, whose keys are fetched at the
// first one. It returns an error where cfg is not valid, or names no issuer.
func NewJWTs(cfg JWTConfig, d JWTDeps) (*JWTs, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if !cfg.Enabled() {
		return nil, errors.New("jwt: no issuer is configured")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	keys, err := keyfunc.New(keyfunc.Options{Storage: newIssuerKeys(cfg, d), UseWhitelist: []jwkset.USE{jwkset.UseSig, ""}})
	if err != nil {
		return nil, fmt.Errorf("jwt: %w", err)
	}
	j := &JWTs{cfg: cfg, keys: keys, now: d.Now}
	j.parser = j.parserFor(cfg.Audience)
	return j, nil
}

// parserFor returns what accepts the issuer's JWTs for an audience.
func (j *JWTs) parserFor(audience string) *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods(j.cfg.Algorithms), jwt.WithIssuer(j.cfg.Issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithLeeway(clockSkew), jwt.WithStrictDecoding(), jwt.WithTimeFunc(j.now),
	)
}

// Verify implements Verifier.
func (j *JWTs) Verify(ctx context.Context, text string) (Caller, error) {
	claims, err := j.claims(ctx, j.parser, text)
	if err != nil {
		return Caller{}, err
	}
	return j.identified(claims)
}

// claims returns those of a JWT that parser accepts. Its errors are *Denial.
func (j *JWTs) claims(ctx context.Context, parser *jwt.Parser, text string) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	_, err := parser.ParseWithClaims(text, claims, func(t *jwt.Token) (any, error) {
		if err := checkHeader(t.Header); err != nil {
			return nil, err
		}
		return j.keys.KeyfuncCtx(ctx)(t)
	})
	if err != nil {
		return nil, denialOf(err)
	}
	return claims, nil
}

// identified is caller, with a *Denial for its error.
func (j *JWTs) identified(claims jwt.MapClaims) (Caller, error) {
	c, err := j.caller(claims)
	if err != nil {
		return Caller{}, &Denial{Reason: ReasonInvalid, Detail: sentenceOf(err), Err: err}
	}
	return c, nil
}

// checkHeader refuses extensions, which a recipient must understand (RFC 7515, 4.1.11),
// and JWTs that do not name their key.
func checkHeader(header map[string]any) error {
	if _, ok := header["crit"]; ok {
		return errors.New("extensions are not understood")
	}
	if kid, ok := header["kid"].(string); !ok || kid == "" {
		return errors.New("no key is named")
	}
	return nil
}

// denialOf turns an error of the parser into one that has nothing of the JWT.
func denialOf(err error) *Denial {
	if errors.Is(err, errKeysUnavailable) {
		return &Denial{Reason: ReasonUnavailable, Detail: "The keys of the issuer of JWTs cannot be fetched now.", Err: errKeysUnavailable}
	}
	for _, known := range []error{
		errUnknownKey, jwt.ErrTokenMalformed, jwt.ErrTokenUnverifiable, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenRequiredClaimMissing,
		jwt.ErrTokenInvalidIssuer, jwt.ErrTokenInvalidAudience, jwt.ErrTokenNotValidYet,
	} {
		if errors.Is(err, known) {
			return &Denial{Reason: ReasonInvalid, Detail: invalid().Detail, Err: known}
		}
	}
	if errors.Is(err, jwt.ErrTokenExpired) {
		return &Denial{Reason: ReasonExpired, Detail: "The JWT has expired.", Err: jwt.ErrTokenExpired}
	}
	return invalid()
}

// caller returns whom verified claims name. Its errors have no claim's value.
func (j *JWTs) caller(claims jwt.MapClaims) (Caller, error) {
	subject, _ := claims["sub"].(string)
	if subject == "" {
		return Caller{}, errors.New("the JWT has no subject")
	}
	c := Caller{ID: "jwt/" + safeSubject(subject), Scopes: scopesOf(claims[j.cfg.ScopesClaim])}
	name, _ := claims[j.cfg.TenantClaim].(string)
	c.Tenant = orak.Tenant(name)
	c.EveryTenant = c.Tenant == EveryTenant
	if _, err := orak.ParseTenant(name); err != nil && !(c.EveryTenant && j.cfg.EveryTenant) {
		return Caller{}, errors.New("the JWT is for no tenant")
	}
	if j.cfg.OwnerClaim == "" {
		return c, nil
	}
	owner, _ := claims[j.cfg.OwnerClaim].(string)
	owner, err := orak.ParseOwner(owner)
	if err != nil || owner == "" {
		return Caller{}, errors.New("the JWT names no owner")
	}
	c.Owner = owner
	return c, nil
}

// scopesOf returns those of a claim's scopes that the API has: a text with spaces
// (RFC 8693, 4.2) or an array. Issuers give other scopes too, such as openid.
func scopesOf(claim any) []Scope {
	var names []string
	switch claim := claim.(type) {
	case string:
		names = strings.Split(claim, " ")
	case []any:
		for _, name := range claim {
			text, _ := name.(string)
			names = append(names, text)
		}
	}
	var scopes []Scope
	for _, s := range Scopes {
		if slices.Contains(names, string(s)) {
			scopes = append(scopes, s)
		}
	}
	return scopes
}

// safeSubject returns subject, or a hash of one that is long or has characters which
// logs and records should not have.
func safeSubject(subject string) string {
	odd := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:|", r))
	}
	if len(subject) <= maxSubject && !strings.ContainsFunc(subject, odd) {
		return subject
	}
	sum := sha256.Sum256([]byte(subject))
	return "~" + hex.EncodeToString(sum[:16])
}

func sentenceOf(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
