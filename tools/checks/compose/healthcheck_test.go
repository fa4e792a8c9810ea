package compose

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHealthCheckPassesWhenTheRoleIsReady(t *testing.T) {
	t.Parallel()
	out, err := healthcheck(t, serve(t, http.StatusOK, "{}"))
	require.NoError(t, err, out)
	require.Empty(t, out)
}

func TestHealthCheckFailsAndSaysWhy(t *testing.T) {
	t.Parallel()
	out, err := healthcheck(t, serve(t, http.StatusServiceUnavailable, `{"kafka":"unreachable"}`))
	require.Error(t, err)
	require.Contains(t, out, "503 Service Unavailable")
	require.Contains(t, out, `{"kafka":"unreachable"}`)
}

func TestHealthCheckAsksTheFirstPortThatAnswers(t *testing.T) {
	t.Parallel()
	out, err := healthcheck(t, closedPort(t), serve(t, http.StatusOK, ""))
	require.NoError(t, err, out)
}

func TestHealthCheckFailsWhenNothingListens(t *testing.T) {
	t.Parallel()
	port := closedPort(t)
	out, err := healthcheck(t, port)
	require.Error(t, err)
	require.Equal(t, fmt.Sprintf("nothing answers on port %s\n", port), out)
}

func healthcheck(t *testing.T, ports ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(root, "deploy", "healthcheck.sh"), ports...).CombinedOutput()
	return string(out), err
}

// serve answers only /readyz, and returns its port.
func serve(t *testing.T, status int, body string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	return address.Port()
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}
