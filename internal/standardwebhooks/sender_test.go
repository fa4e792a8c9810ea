package standardwebhooks_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	foreign "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"orak/internal/standardwebhooks"
)

func open(timeout time.Duration) *standardwebhooks.Sender {
	return standardwebhooks.NewSender(standardwebhooks.Config{Ports: []string{"443"}, AllowInsecure: true, Timeout: timeout}, nil)
}

func TestRequestsVerify(t *testing.T) {
	keys, err := standardwebhooks.ParseKeys([]string{"a=" + strings.Repeat("QUJD", 11) + "QQ=="})
	require.NoError(t, err)
	one, err := keys.Secret("a", []byte("a salt of 16 byt"), "wh1")
	require.NoError(t, err)
	two, err := keys.Secret("a", []byte("a salt of 16 byt"), "wh2")
	require.NoError(t, err)
	require.NotEqual(t, one, two)
	require.NotContains(t, fmt.Sprintf("%v %+v %s", one, one, one), one.Reveal())
	body := []byte(`{"type":"x"}`)
	verified := make(chan error, 2)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, s := range []standardwebhooks.Secret{one, two} {
			wh, err := foreign.NewWebhook(s.Reveal())
			if err == nil {
				err = wh.Verify(body, r.Header)
			}
			verified <- err
		}
	}))
	defer receiver.Close()
	s := open(5 * time.Second)
	defer s.Close()
	_, err = s.Send(t.Context(), standardwebhooks.Request{URL: receiver.URL, ID: "msg/1", Body: body, Secrets: []standardwebhooks.Secret{one, two}})
	require.NoError(t, err)
	require.NoError(t, <-verified)
	require.NoError(t, <-verified)
}

// silent sends nothing until the sender gives up.
func silent(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// A receiver may answer nothing, slowly, endlessly, or with a head that has no end.
func TestBadAnswersAreBounded(t *testing.T) {
	for name, of := range map[string]struct {
		answer func(net.Conn)
		err    error
		status int
	}{
		"never answers":   {silent, standardwebhooks.ErrTimeout, 0},
		"resets":          {func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }, standardwebhooks.ErrConnection, 0},
		"not HTTP":        {func(c net.Conn) { fmt.Fprint(c, "SSH-2.0-x\r\n") }, standardwebhooks.ErrConnection, 0},
		"an endless head": {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)) }, standardwebhooks.ErrConnection, 0},
		"an endless body": {func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 1<<20)) }, nil, 200},
		"a body that hangs": {func(c net.Conn) {
			fmt.Fprint(c, "HTTP/1.1 503 x\r\nContent-Length: 9\r\n\r\n")
			silent(c)
		}, nil, 503},
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer ln.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				if c, err := ln.Accept(); err == nil {
					// An answer before the request would be ignored.
					_, _ = c.Read(make([]byte, 1<<16))
					of.answer(c)
					_ = c.Close()
				}
			}()
			s := open(500 * time.Millisecond)
			defer s.Close()
			began := time.Now()
			answer, err := s.Send(t.Context(), standardwebhooks.Request{URL: "http://" + ln.Addr().String(), ID: "id"})
			require.ErrorIs(t, err, of.err)
			require.Equal(t, of.status, answer.Status)
			require.Less(t, time.Since(began), 1900*time.Millisecond)
			<-done
		})
	}
}

func TestRetryAfterIsRead(t *testing.T) {
	for given, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "x": 0, "99999999999999999999": 0, "999999999999": 365 * 24 * time.Hour,
		time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat): 0,
	} {
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", given)
			w.WriteHeader(http.StatusTooManyRequests)
		}))
		s := open(5 * time.Second)
		answer, err := s.Send(t.Context(), standardwebhooks.Request{URL: receiver.URL, ID: "id"})
		require.NoError(t, err)
		require.Equal(t, want, answer.RetryAfter, given)
		s.Close()
		receiver.Close()
	}
}

func TestTLSNeedsAValidCertificate(t *testing.T) {
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer receiver.Close()
	s := open(5 * time.Second)
	defer s.Close()
	_, err := s.Send(t.Context(), standardwebhooks.Request{URL: receiver.URL, ID: "id"})
	require.ErrorIs(t, err, standardwebhooks.ErrConnection)
	require.ErrorContains(t, err, "certificate")
}

func TestKeysAreChecked(t *testing.T) {
	for _, bad := range []string{"", "a", "a=", "a=c2hvcnQ=", "A=" + strings.Repeat("QUJD", 11), "a=not base64"} {
		_, err := standardwebhooks.ParseKeys([]string{bad})
		require.Error(t, err, bad)
		if bad != "" {
			require.NotContains(t, err.Error(), bad+"x")
		}
	}
	none, err := standardwebhooks.ParseKeys(nil)
	require.NoError(t, err)
	require.False(t, none.Usable())
	_, err = none.Secret("a", nil, "wh")
	require.ErrorIs(t, err, standardwebhooks.ErrNoKey)
}
