package auth

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"

	"orak/control"
)

// prefix begins every key and token, so that a scanner of secrets finds them.
const prefix = "orak_"

// idLength is that of a key's id: 60 random bits.
const idLength = 12

// newID returns the id of a new key.
func newID() string { return strings.ToLower(rand.Text())[:idLength] }

// newSecret returns a secret of 260 random bits.
func newSecret() string { return strings.ToLower(rand.Text() + rand.Text()) }

// bearer returns what the holder of a key sends.
func bearer(id, secret string) string { return prefix + id + "_" + secret }

// splitKey returns the parts of a key; ok is false for other texts.
func splitKey(text string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return "", "", false
	}
	id, secret, ok = strings.Cut(rest, "_")
	return id, secret, ok && id != "" && secret != ""
}

// signingKey derives the key that signs a secret's tokens.
func signingKey(secret string) (ed25519.PrivateKey, error) {
	seed, err := hkdf.Key(sha256.New, []byte(secret), nil, tokenContext, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// keep returns what is kept of a secret.
func keep(secret string) (control.Secret, error) {
	key, err := signingKey(secret)
	if err != nil {
		return control.Secret{}, err
	}
	sum := sha256.Sum256([]byte(secret))
	return control.Secret{SHA256: sum[:], TokenKey: key.Public().(ed25519.PublicKey)}, nil
}

// nobody is compared where there is no key, so that an unknown id takes as long as a
// wrong secret.
var nobody = control.Key{Secret: control.Secret{SHA256: make([]byte, sha256.Size), TokenKey: make([]byte, ed25519.PublicKeySize)}}

// secrets returns the two secrets of k that may be valid now: the current one, and the
// one before while it is rotated. A key with one secret has it twice, so that both take
// the same time.
func secrets(k *control.Key, now time.Time) [2]control.Secret {
	if k.Previous != nil && now.Before(k.PreviousUntil) {
		return [2]control.Secret{k.Secret, *k.Previous}
	}
	return [2]control.Secret{k.Secret, k.Secret}
}

// holds reports whether secret is one of k's, in constant time.
func holds(k *control.Key, secret string, now time.Time) bool {
	sum := sha256.Sum256([]byte(secret))
	equal := 0
	for _, s := range secrets(k, now) {
		equal |= subtle.ConstantTimeCompare(sum[:], s.SHA256)
	}
	return equal == 1
}
