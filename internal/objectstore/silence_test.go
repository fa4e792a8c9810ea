package objectstore_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/objectstore"
)

func openSilent(t *testing.T, address string) *objectstore.Store {
	t.Helper()
	s, err := objectstore.New(objectstore.Config{Endpoint: address, Bucket: "bucket", AccessKey: "a", SecretKey: "s", StallTimeout: 200 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// requireOutage requires an outage of the store. net/http reports its own time
// limits as context.DeadlineExceeded, which would be taken for the caller's.
func requireOutage(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	f := orak.AsFault(err)
	require.Equal(t, orak.ClassDependency, f.Class, "%v", err)
	require.Equal(t, orak.DependencyStore, f.Dependency)
}

func TestServerThatNeverAnswersIsAnOutage(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	s := openSilent(t, l.Addr().String())
	_, err = s.Stat(t.Context(), "key")
	requireOutage(t, err)
	_, err = s.Put(t.Context(), "key", strings.NewReader("body"), objectstore.PutOptions{Size: 4})
	requireOutage(t, err)
}

func TestServerThatFallsSilentWithinABodyIsAnOutage(t *testing.T) {
	t.Parallel()
	quiet := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		_, _ = w.Write([]byte("the beginning"))
		w.(http.Flusher).Flush()
		<-quiet
	}))
	t.Cleanup(func() { close(quiet); server.Close() })
	body, _, err := openSilent(t, strings.TrimPrefix(server.URL, "http://")).Get(t.Context(), "key")
	require.NoError(t, err)
	defer body.Close()
	_, err = io.ReadAll(body)
	requireOutage(t, err)
}

func TestDeadlineOfTheCallerIsNotAnOutage(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = openSilent(t, l.Addr().String()).Stat(ctx, "key")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var f *orak.Fault
	require.False(t, errors.As(err, &f))
}
