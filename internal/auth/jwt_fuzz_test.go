package auth_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/auth"
)

// requireDenied requires a *Denial, and no caller.
func requireDenied(t *testing.T, got auth.Caller, err error) {
	t.Helper()
	var denial *auth.Denial
	require.True(t, errors.As(err, &denial), "%v", err)
	require.NotEmpty(t, denial.Reason)
	require.Equal(t, auth.Caller{}, got)
}

// Nothing but what the issuer has signed is admitted.
func FuzzJWTIsDeniedUnlessSigned(f *testing.F) {
	i := newIssuer(f)
	key, published := ecKey(f, "one")
	i.publishes(published)
	a := i.verifier()
	good := i.sign(jwt.SigningMethodES256, key, "one", i.claims())
	parts := strings.Split(good, ".")
	claims, err := json.Marshal(i.claims("exp", 99999999999))
	require.NoError(f, err)
	for _, header := range []string{
		`{"alg":"ES256","kid":"one"}`, `{"alg":"none","kid":"one"}`, `{"alg":"HS256","kid":"one"}`, `{"alg":"ES256","kid":"one","crit":["b64"],"b64":false}`,
		`{"alg":"ES256","kid":"two"}`, `{"alg":"ES256"}`, `{"alg":"RS256","kid":"one"}`, `{"alg":1,"kid":[]}`, `null`,
		`{"alg":"ES256","kid":"one","jwk":{"kty":"oct","k":""}}`,
	} {
		for _, signature := range []string{"", parts[2], strings.Repeat("A", 86), "=", parts[2] + "=", "A.A"} {
			f.Add(header, string(claims), signature)
		}
	}
	f.Fuzz(func(t *testing.T, header, claims, signature string) {
		text := b64([]byte(header)) + "." + b64([]byte(claims)) + "." + signature
		got, err := ask(t, a, text)
		if text != good {
			requireDenied(t, got, err)
		}
		got, err = ask(t, a, good)
		require.NoError(t, err, "the issuer's own is still admitted")
		require.Equal(t, orak.Tenant("choir"), got.Tenant)
	})
}

// Whatever claims an issuer signs, the caller is of one valid tenant, with known scopes.
func FuzzJWTClaims(f *testing.F) {
	i := newIssuer(f)
	key, published := ecKey(f, "one")
	i.publishes(published)
	a := i.verifier(func(c *auth.JWTConfig) { c.OwnerClaim = "sub" })
	for _, changes := range [][]any{
		{}, {"exp", nil}, {"exp", "soon"}, {"exp", 1e300}, {"nbf", 99999999999}, {"aud", []string{"x", audience}}, {"aud", map[string]any{}}, {"iss", nil},
		{"tenant", "*"}, {"tenant", []string{"choir"}}, {"tenant", "CHOIR"}, {"sub", nil}, {"sub", "\x00"}, {"sub", strings.Repeat("x", 300)},
		{"scope", []any{"upload", 1}}, {"scope", "admin  upload"}, {"scope", nil}, {"iat", -1},
	} {
		text, err := json.Marshal(i.claims(append([]any{"exp", 99999999999}, changes...)...))
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		claims := jwt.MapClaims{}
		if json.Unmarshal([]byte(text), &claims) != nil {
			return // the other target sends what is not JSON
		}
		token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
		token.Header["kid"] = "one"
		signed, err := token.SignedString(key)
		require.NoError(t, err)
		got, err := ask(t, a, signed)
		if err != nil {
			requireDenied(t, got, err)
			return
		}
		_, err = orak.ParseTenant(string(got.Tenant))
		require.NoError(t, err)
		require.Subset(t, auth.Scopes, append([]auth.Scope{auth.ScopeUpload}, got.Scopes...))
		require.True(t, strings.HasPrefix(got.ID, "jwt/") && len(got.ID) < 100, got.ID)
		require.NotEmpty(t, got.Owner)
		require.False(t, got.EveryTenant || got.Token || got.Anonymous)
		require.Equal(t, issuerName, claims["iss"])
		expires, err := claims.GetExpirationTime()
		require.NoError(t, err)
		require.True(t, expires.After(time.Now().Add(-time.Minute)), "%v", expires)
	})
}
