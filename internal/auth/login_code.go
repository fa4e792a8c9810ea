package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// LoginCodeLife is for how long a login code may be used, once.
const LoginCodeLife = 5 * time.Minute

// The contexts of what is derived from a login code.
const (
	codeNameContext = "orak login code name 1"
	codeKeyContext  = "orak login code key 1"
)

// LoginCode permits its holder to begin one session, in a browser that must not learn the
// API key. It has 130 random bits, and is short enough for the fragment of a URL.
type LoginCode string

// NewLoginCode returns a new code.
func NewLoginCode() LoginCode { return LoginCode(strings.ToLower(rand.Text())) }

// Name is that of what is kept for the code. The code does not follow from it.
func (c LoginCode) Name() string {
	sum := sha256.Sum256([]byte(codeNameContext + "\n" + string(c)))
	return hex.EncodeToString(sum[:])
}

// Seal encrypts the cookie of a session, so that only the code opens it: who can read
// what is kept cannot log in with it.
func (c LoginCode) Seal(cookie string) ([]byte, error) {
	box, err := c.box()
	if err != nil {
		return nil, err
	}
	return box.Seal(nil, nil, []byte(cookie), []byte(c.Name())), nil
}

// errUnsealed means that what is kept for a code was not sealed with it.
var errUnsealed = errors.New("what is kept for the login code was not sealed with it")

// Open returns the cookie that Seal was given.
func (c LoginCode) Open(sealed []byte) (cookie string, err error) {
	box, err := c.box()
	if err != nil {
		return "", err
	}
	text, err := box.Open(nil, nil, sealed, []byte(c.Name()))
	if err != nil {
		return "", errUnsealed
	}
	return string(text), nil
}

func (c LoginCode) box() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(c), nil, codeKeyContext, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
