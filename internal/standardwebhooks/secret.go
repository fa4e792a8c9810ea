package standardwebhooks

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// secretPrefix is that of a secret as text.
const secretPrefix = "whsec_"

// secretBytes is the length of a secret; Standard Webhooks wants 24 to 64.
const secretBytes = 32

// Secret signs the requests to one webhook. Neither a log nor JSON shows it; Reveal does.
type Secret []byte

// Reveal returns the secret as receivers configure it.
func (s Secret) Reveal() string { return secretPrefix + base64.StdEncoding.EncodeToString(s) }

// String hides the secret.
func (s Secret) String() string { return secretPrefix + "…" }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Keys derive the secrets of webhooks, so that no secret has to be kept. The first one
// is for new secrets, the others for those that were derived from them before.
type Keys struct {
	first string
	byID  map[string][]byte
}

// keyID is the form of the id of a key.
var keyID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// ParseKeys reads keys, each as ID=BASE64 of 32 bytes or more. None is no error; see
// Keys.Usable. An error does not show a key.
func ParseKeys(list []string) (Keys, error) {
	k := Keys{byID: map[string][]byte{}}
	for _, text := range list {
		id, encoded, _ := strings.Cut(text, "=")
		value, err := base64.StdEncoding.DecodeString(encoded)
		if !keyID.MatchString(id) || err != nil || len(value) < secretBytes {
			return Keys{}, fmt.Errorf("key %d: want ID=BASE64 of at least %d random bytes", len(k.byID)+1, secretBytes)
		}
		if _, twice := k.byID[id]; twice {
			return Keys{}, fmt.Errorf("key %q is given twice", id)
		}
		if k.byID[id] = value; k.first == "" {
			k.first = id
		}
	}
	return k, nil
}

// Usable reports whether there is a key.
func (k Keys) Usable() bool { return k.first != "" }

// First returns the id of the key for new secrets.
func (k Keys) First() string { return k.first }

// ErrNoKey means that a secret was derived from a key that is not among the Keys.
var ErrNoKey = errors.New("the key of the webhook's secret is not in webhooks-keys")

// Secret returns the secret of a webhook: what the key id gives for the webhook and the
// salt. Its error is ErrNoKey.
func (k Keys) Secret(id string, salt []byte, webhook string) (Secret, error) {
	key, ok := k.byID[id]
	if !ok {
		return nil, ErrNoKey
	}
	return hkdf.Key(sha256.New, key, salt, "orak webhook "+webhook, secretBytes)
}

// sign sets the headers of Standard Webhooks: one signature for each of secrets.
func sign(h http.Header, id string, at time.Time, body []byte, secrets []Secret) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, 0, len(secrets))
	for _, s := range secrets {
		mac := hmac.New(sha256.New, s)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, stamp)
	h.Set(HeaderSignature, strings.Join(signatures, " "))
}
