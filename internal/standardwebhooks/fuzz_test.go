package standardwebhooks

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	foreign "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
)

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	s := &Sender{now: func() time.Time { return now }}
	for _, seed := range []string{
		"", "0", "-1", "+7", "120", "9223372036854775807", "99999999999999999999", "1e9", "Fri, 31 Dec 9999 23:59:59 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", now.Add(time.Minute).Format(http.TimeFormat),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		wait := s.retryAfter(http.Header{"Retry-After": {header}})
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.LessOrEqual(t, wait, maxRetryAfter)
	})
}

func FuzzSignatureVerifies(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdef"), "01993e6e/end/1", []byte(`{"type":"x"}`), []byte(`{"type":"y"}`))
	f.Add([]byte{}, "", []byte{}, []byte{0})
	f.Add([]byte("\x00"), "a.b", []byte(".1"), []byte("1."))
	f.Fuzz(func(t *testing.T, secret []byte, id string, body, other []byte) {
		h := http.Header{}
		now := time.Now()
		rotated := append([]byte("the one before "), secret...)
		sign(h, id, now, body, []Secret{secret, rotated})
		for _, s := range []Secret{secret, rotated} {
			wh, err := foreign.NewWebhook(s.Reveal())
			require.NoError(t, err)
			if id == "" {
				require.Error(t, wh.Verify(body, h))
				continue
			}
			require.NoError(t, wh.Verify(body, h))
			require.Equal(t, string(other) != string(body), wh.Verify(other, h) != nil)
		}
		for _, text := range []string{fmt.Sprint(Secret(secret)), fmt.Sprintf("%+v %s", Secret(secret), Secret(secret))} {
			if len(secret) > 8 {
				require.NotContains(t, text, base64.StdEncoding.EncodeToString(secret))
			}
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	good := "a=" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", secretBytes)))
	f.Add(good)
	f.Add(good + "\n" + good)
	f.Add("=")
	f.Add("a-b=" + strings.Repeat("=", 50))
	f.Add("A=" + strings.Repeat("QUJD", 20))
	f.Fuzz(func(t *testing.T, lines string) {
		list := strings.Split(lines, "\n")
		keys, err := ParseKeys(list)
		if err != nil {
			for _, line := range list {
				if _, value, _ := strings.Cut(line, "="); len(value) > 20 {
					require.NotContains(t, err.Error(), value, "the key is shown")
				}
			}
			return
		}
		require.True(t, keys.Usable())
		one, err := keys.Secret(keys.First(), nil, "wh1")
		require.NoError(t, err)
		require.Len(t, one, secretBytes)
		two, err := keys.Secret(keys.First(), nil, "wh2")
		require.NoError(t, err)
		require.NotEqual(t, one, two)
	})
}
