package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"orak"
	"orak/control"
)

// tokenContext separates the signatures of upload tokens from every other use of a
// secret.
const tokenContext = "orak upload token 1"

// Bounds of upload tokens.
const (
	MinTokenLife     = time.Second
	MaxTokenLife     = time.Hour
	DefaultTokenLife = 10 * time.Minute
)

// claims are the content of an upload token.
type claims struct {
	ID     string      `json:"id"`
	Tenant orak.Tenant `json:"tenant"`
	Owner  string      `json:"owner,omitempty"`
	// MaxBytes is 0 where the token has no bound of its own.
	MaxBytes int64 `json:"max_bytes,omitempty"`
	// Expires is in seconds since 1970.
	Expires int64 `json:"exp"`
}

// minter makes tokens and sessions with the secret of the request's key.
type minter struct {
	id, secret string
	// until is when the key expires; zero is never.
	until time.Time
}

// Token is a new upload token.
type Token struct {
	// Bearer is what the app sends.
	Bearer    string
	ID        string
	ExpiresAt time.Time
}

// TokenOptions are what a token is bound to.
type TokenOptions struct {
	Tenant orak.Tenant
	// Owner is at most orak.MaxOwner bytes; empty leaves it to the request.
	Owner string
	// MaxBytes bounds a recording; 0 leaves it to the server.
	MaxBytes int64
	// Life is MinTokenLife to MaxTokenLife.
	Life time.Duration
}

// ErrNoTokens means that the caller's credential cannot mint tokens: only API keys can.
var ErrNoTokens = errors.New("only an API key mints upload tokens")

// Mint makes an upload token. A bound of the caller's own is kept where o has none, and
// its owner always. The error is ErrNoTokens for a caller without an API key.
func (c Caller) Mint(o TokenOptions, now time.Time) (Token, error) {
	if c.mint == nil || c.Token {
		return Token{}, ErrNoTokens
	}
	if c.Owner != "" {
		o.Owner = c.Owner
	}
	if c.MaxBytes > 0 && (o.MaxBytes == 0 || o.MaxBytes > c.MaxBytes) {
		o.MaxBytes = c.MaxBytes
	}
	expires := now.Add(o.Life).Truncate(time.Second)
	content := claims{ID: strings.ToLower(rand.Text())[:idLength], Tenant: o.Tenant, Owner: o.Owner, MaxBytes: o.MaxBytes, Expires: expires.Unix()}
	text, err := c.mint.sign(tokenContext, content)
	return Token{Bearer: text, ID: content.ID, ExpiresAt: expires}, err
}

// sign returns content as a text that the key's document verifies, for one use only,
// which context names.
func (m *minter) sign(context string, content any) (string, error) {
	key, err := signingKey(m.secret)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(content)
	if err != nil {
		return "", err
	}
	signed := m.id + "." + base64.RawURLEncoding.EncodeToString(text)
	signature := ed25519.Sign(key, []byte(context+"\n"+signed))
	return prefix + signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// token is an upload token or a session that was parsed and not verified.
type token struct {
	key       string // its id
	signed    string
	content   []byte
	signature []byte
}

// splitToken returns the parts of a token; ok is false for other texts.
func splitToken(text string) (t token, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	parts := strings.Split(rest, ".")
	if !ok || len(parts) != 3 {
		return token{}, false
	}
	content, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	if err != nil {
		return token{}, false
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(signature) != ed25519.SignatureSize {
		return token{}, false
	}
	return token{key: parts[0], signed: parts[0] + "." + parts[1], content: content, signature: signature}, true
}

// verify reads the content into c if a secret of k has signed it for the use that
// context names, and reports whether that is so.
func (t token) verify(k *control.Key, context string, now time.Time, c any) bool {
	valid := false
	for _, s := range secrets(k, now) {
		if ed25519.Verify(s.TokenKey, []byte(context+"\n"+t.signed), t.signature) {
			valid = true
		}
	}
	return valid && json.Unmarshal(t.content, c) == nil
}
