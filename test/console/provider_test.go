package console

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// providerSecret is that of the console at the identity provider.
const providerSecret = "a secret of the console"

// provider is an identity provider that logs in everybody, without a question.
type provider struct {
	key *ecdsa.PrivateKey
	// issuer is its address.
	issuer string

	mu sync.Mutex
	// person is who is at the browser.
	person string
	// nonces are those that each code was asked for with, until it is used.
	nonces map[string]string
}

func newProvider(t testing.TB) *provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return &provider{key: key, person: "alto", nonces: map[string]string{}}
}

// routes adds those of the provider, and one that puts somebody else at the browser.
func (p *provider) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /provider/keys", p.keys)
	mux.HandleFunc("GET /provider/authorize", p.authorize)
	mux.HandleFunc("POST /provider/token", p.exchange)
	mux.HandleFunc("POST /person/{name}", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.person = r.PathValue("name")
		w.WriteHeader(http.StatusNoContent)
	})
}

// env are the settings of a stack where people log in at the provider.
func (p *provider) env() []string {
	return []string{
		"ORAK_JWT_ISSUER=" + p.issuer, "ORAK_JWT_AUDIENCE=https://orak.example.org", "ORAK_JWT_JWKS_URL=" + p.issuer + "/provider/keys",
		"ORAK_JWT_TENANT_CLAIM=tenant", "ORAK_JWT_SCOPES_CLAIM=scope",
		"ORAK_OIDC_CLIENT_ID=orak-console", "ORAK_OIDC_CLIENT_SECRET=" + providerSecret,
		"ORAK_OIDC_AUTH_URL=" + p.issuer + "/provider/authorize", "ORAK_OIDC_TOKEN_URL=" + p.issuer + "/provider/token",
	}
}

func (p *provider) keys(w http.ResponseWriter, _ *http.Request) {
	point, err := p.key.PublicKey.Bytes()
	if err != nil {
		answer(w, err)
		return
	}
	b64 := base64.RawURLEncoding.EncodeToString
	public := map[string]string{"kty": "EC", "crv": "P-256", "kid": "1", "alg": "ES256", "x": b64(point[1:33]), "y": b64(point[33:])}
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{public}})
}

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	code := rand.Text()
	p.mu.Lock()
	p.nonces[code] = q.Get("nonce")
	p.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

func (p *provider) exchange(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	nonce, known := p.nonces[r.FormValue("code")]
	delete(p.nonces, r.FormValue("code"))
	if !known {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": p.issuer, "aud": "orak-console", "sub": p.person, "exp": time.Now().Add(time.Hour).Unix(), "nonce": nonce, "tenant": "choir", "scope": "read upload",
	})
	token.Header["kid"] = "1"
	text, err := token.SignedString(p.key)
	if err != nil {
		answer(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": text})
}
