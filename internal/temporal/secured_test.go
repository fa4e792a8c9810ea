package temporal_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"orak/internal/secure"
	"orak/internal/temporal"
	"orak/test/certs"
	"orak/test/stack"
)

// front is a TLS server in front of a Temporal server, as a gateway or Temporal Cloud.
type front struct {
	address string
	// presented are the serials of the client certificates of connections, in order.
	presented atomic.Pointer[[]string]
}

// guards are what a front demands.
type guards struct {
	server certs.Pair
	// clients signs the certificates of clients; nil demands none.
	clients *certs.Authority
	// revoked is the serial of a certificate that is refused.
	revoked string
	// key is the API key that is demanded, if it is not empty.
	key string
	// starting refuses everybody that often.
	starting int64
}

func startFront(t *testing.T, g guards) *front {
	t.Helper()
	target, err := url.Parse("http://" + stack.Start(t).Temporal)
	require.NoError(t, err)
	h2c := new(http.Protocols)
	h2c.SetUnencryptedHTTP2(true)
	forward := httputil.NewSingleHostReverseProxy(target)
	transport := &http.Transport{Protocols: h2c}
	t.Cleanup(transport.CloseIdleConnections)
	forward.Transport = transport
	forward.FlushInterval = -1
	f := &front{}
	f.presented.Store(new([]string))
	var asked atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= g.starting || g.key != "" && r.Header.Get("Authorization") != "Bearer "+g.key {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "16") // unauthenticated
			w.Header().Set("Grpc-Message", "Request unauthorized.")
			return
		}
		forward.ServeHTTP(w, r)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{g.server.Certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}}
	if g.clients != nil {
		server.TLS.ClientAuth, server.TLS.ClientCAs = tls.RequireAndVerifyClientCert, g.clients.Pool()
		server.TLS.VerifyConnection = func(s tls.ConnectionState) error {
			serial := s.PeerCertificates[0].SerialNumber.String()
			seen := append(slices.Clone(*f.presented.Load()), serial)
			f.presented.Store(&seen)
			if serial == g.revoked {
				return errors.New("revoked")
			}
			return nil
		}
	}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	f.address = server.Listener.Addr().String()
	return f
}

// through is a configuration that uses a front without a client certificate.
func through(t *testing.T, f *front, ca *certs.Authority) temporal.Config {
	t.Helper()
	return temporal.Config{
		Address: f.address, Namespace: stack.Start(t).Namespace(t), TLS: true,
		Files: secure.Files{CA: ca.File}, DialTimeout: time.Minute,
	}
}

func with(cfg temporal.Config, p certs.Pair) temporal.Config {
	cfg.Cert, cfg.Key = p.CertFile, p.KeyFile
	return cfg
}

func TestTemporalIsUsedThroughTLSWithAClientCertificateAndAKey(t *testing.T) {
	t.Parallel()
	ca, clients := certs.NewAuthority(t), certs.NewAuthority(t)
	f := startFront(t, guards{server: ca.Server(t, "temporal.example"), clients: clients, key: "letmein"})
	cfg := with(through(t, f, ca), clients.Client(t, "orak"))
	cfg.TLSServerName, cfg.APIKey = "temporal.example", "letmein"
	require.NoError(t, temporal.EnsureNamespace(t.Context(), cfg, quiet))
	c, err := temporal.Dial(t.Context(), cfg, quiet, temporal.Telemetry{})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.CheckHealth(t.Context(), &client.CheckHealthRequest{})
	require.NoError(t, err)
}

// Each of these is told at once, although Dial waits a minute for a server.
func TestWrongSettingsOfTemporalAreNamedWithinSeconds(t *testing.T) {
	t.Parallel()
	ca, other, clients := certs.NewAuthority(t), certs.NewAuthority(t), certs.NewAuthority(t)
	good, revoked := ca.Server(t, "127.0.0.1"), clients.Client(t, "revoked")
	open := startFront(t, guards{server: good})
	mutual := startFront(t, guards{server: good, clients: clients, revoked: revoked.Serial()})
	keyed := startFront(t, guards{server: good, key: "letmein"})
	expired := startFront(t, guards{server: ca.Expired(t, "127.0.0.1")})
	named := startFront(t, guards{server: ca.Server(t, "temporal.example")})
	plain := &front{address: stack.Start(t).Temporal}
	missing := through(t, open, ca)
	missing.CA = "/nowhere/ca.pem"
	noPEM := through(t, open, ca)
	noPEM.CA = ca.Server(t, "x").KeyFile
	unmatched := with(through(t, mutual, ca), clients.Client(t, "orak"))
	unmatched.Key = revoked.KeyFile
	system := through(t, open, ca)
	system.CA = ""
	clear := through(t, open, ca)
	clear.TLS, clear.Files = false, secure.Files{}
	wrongKey := through(t, keyed, ca)
	wrongKey.APIKey = "guess"

	for name, c := range map[string]struct {
		cfg     temporal.Config
		setting string
		words   string
	}{
		"the server's certificate has expired":    {through(t, expired, ca), "temporal-address", "expired"},
		"another authority":                       {through(t, open, other), "temporal-tls-ca", "not from one of its authorities"},
		"the system's authorities":                {system, "temporal-tls-ca", "not from one of its authorities"},
		"another name":                            {through(t, named, ca), "temporal-tls-server-name", "another name"},
		"no client certificate":                   {through(t, mutual, ca), "temporal-tls-cert", "client certificate"},
		"a client certificate that has expired":   {with(through(t, mutual, ca), clients.Expired(t, "orak")), "temporal-tls-cert", "expired"},
		"a client certificate of another's":       {with(through(t, mutual, ca), other.Client(t, "orak")), "temporal-tls-cert", "authority"},
		"a client certificate that was revoked":   {with(through(t, mutual, ca), revoked), "temporal-tls-cert", "refuses the client certificate"},
		"a file that is not there":                {missing, "temporal-tls-ca", "no such file"},
		"a file without a certificate":            {noPEM, "temporal-tls-ca", "no certificate"},
		"a key of another certificate":            {unmatched, "temporal-tls-cert", "temporal-tls-key"},
		"no API key":                              {through(t, keyed, ca), "temporal-api-key", "requires credentials"},
		"another API key":                         {wrongKey, "temporal-api-key", "refuses"},
		"TLS to a server without":                 {through(t, plain, ca), "temporal-tls", "does not speak TLS"},
		"no TLS to a server that speaks only TLS": {clear, "temporal-tls", "requires TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := temporal.Dial(ctx, c.cfg, quiet, temporal.Telemetry{})
			var wrong *secure.WrongSetting
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, c.setting, wrong.Name)
			require.ErrorContains(t, err, c.words)
			require.NotContains(t, err.Error(), "guess")
			_, err = temporal.Open(ctx, c.cfg, quiet, temporal.Telemetry{})
			require.ErrorAs(t, err, &wrong)
			require.ErrorAs(t, temporal.EnsureNamespace(ctx, c.cfg, quiet), &wrong)
			require.NoError(t, ctx.Err())
		})
	}
}

// A server that is still starting may refuse everybody for a moment.
func TestTemporalThatRefusesForAMomentIsWaitedFor(t *testing.T) {
	t.Parallel()
	ca := certs.NewAuthority(t)
	cfg := through(t, startFront(t, guards{server: ca.Server(t, "127.0.0.1"), key: "letmein", starting: 5}), ca)
	cfg.APIKey = "letmein"
	c, err := temporal.Dial(t.Context(), cfg, quiet, temporal.Telemetry{})
	require.NoError(t, err)
	c.Close()
}

// A server that is away, or comes later, is no wrong setting.
func TestUnavailableTemporalIsNoWrongSetting(t *testing.T) {
	t.Parallel()
	ca := certs.NewAuthority(t)
	cfg := temporal.Config{Address: "127.0.0.1:1", Namespace: "x", TLS: true, Files: secure.Files{CA: ca.File}, DialTimeout: 200 * time.Millisecond}
	require.NoError(t, temporal.Check(t.Context(), cfg))
	_, err := temporal.Dial(t.Context(), cfg, quiet, temporal.Telemetry{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// A renewed certificate is presented by the next connection, without a restart; and one
// that is half written does no harm.
func TestRenewedClientCertificateIsPresentedByTheNextConnection(t *testing.T) {
	t.Parallel()
	ca, clients := certs.NewAuthority(t), certs.NewAuthority(t)
	f := startFront(t, guards{server: ca.Server(t, "127.0.0.1"), clients: clients})
	first, second := clients.Client(t, "orak"), clients.Client(t, "orak")
	files := secure.Files{CA: ca.File, Cert: first.CertFile, Key: first.KeyFile}
	cfg, err := files.Client("temporal-")
	require.NoError(t, err)
	present := func() string {
		t.Helper()
		before := len(*f.presented.Load())
		_, err := secure.Settings{Prefix: "temporal-"}.ProbeHTTP2(t.Context(), f.address, cfg)
		require.NoError(t, err)
		seen := *f.presented.Load()
		require.Len(t, seen, before+1)
		return seen[before]
	}
	require.Equal(t, first.Serial(), present())
	copyFile(t, second.CertFile, first.CertFile)
	require.Equal(t, first.Serial(), present(), "the key does not fit yet")
	copyFile(t, second.KeyFile, first.KeyFile)
	require.Equal(t, second.Serial(), present())
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, text, 0o600))
}
