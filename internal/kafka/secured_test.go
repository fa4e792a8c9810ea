package kafka_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orak/internal/kafka"
	"orak/internal/secure"
	"orak/test/certs"
)

// listening is the server's side of TLS. With clients, it demands a certificate of
// theirs, and refuses that of the serial revoked.
func listening(server certs.Pair, clients *certs.Authority, revoked string) kfake.Opt {
	cfg := &tls.Config{Certificates: []tls.Certificate{server.Certificate}, MinVersion: tls.VersionTLS12}
	if clients != nil {
		cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, clients.Pool()
		cfg.VerifyConnection = func(s tls.ConnectionState) error {
			if s.PeerCertificates[0].SerialNumber.String() == revoked {
				return errors.New("revoked")
			}
			return nil
		}
	}
	return kfake.TLS(cfg)
}

func trusting(c *kfake.Cluster, ca *certs.Authority) kafka.Config {
	cfg := config(c)
	cfg.TLS, cfg.CA = true, ca.File
	return cfg
}

func with(cfg kafka.Config, p certs.Pair) kafka.Config {
	cfg.Cert, cfg.Key = p.CertFile, p.KeyFile
	return cfg
}

// closing is a listener without TLS that ends connections at the first bytes that are no
// request, as Apache Kafka does. kfake waits for the rest. It answers a request with its
// number only.
func closing(t *testing.T) func(*certs.Authority) kafka.Config {
	t.Helper()
	return listener(t, func(head []byte) []byte {
		const handshake = 22 // the type of a TLS record
		if head[0] == handshake {
			return nil
		}
		return append([]byte{0, 0, 0, 4}, head[8:12]...)
	})
}

// away is a proxy whose broker is away: it accepts connections, and ends them.
func away(t *testing.T) func(*certs.Authority) kafka.Config {
	t.Helper()
	return listener(t, func([]byte) []byte { return nil })
}

// listener answers the first 12 bytes of a connection, and ends it.
func listener(t *testing.T, answer func(head []byte) []byte) func(*certs.Authority) kafka.Config {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			head := make([]byte, 12)
			if _, err := io.ReadFull(conn, head); err == nil {
				conn.Write(answer(head))
			}
			conn.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	return func(ca *certs.Authority) kafka.Config {
		return kafka.Config{Brokers: []string{l.Addr().String()}, ClientID: "test", TLS: true, Files: secure.Files{CA: ca.File}}
	}
}

func login(cfg kafka.Config, mechanism, user, password string) kafka.Config {
	cfg.SASL, cfg.User, cfg.Password = mechanism, user, password
	return cfg
}

func withTokenFile(t *testing.T, cfg kafka.Config, token string) kafka.Config {
	t.Helper()
	cfg.SASL, cfg.OAuthTokenFile = "OAUTHBEARER", filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(cfg.OAuthTokenFile, []byte(token+"\n"), 0o600))
	return cfg
}

// takesTokens makes a broker authenticate by OAUTHBEARER, which kfake cannot by itself:
// it answers a wrong token as Apache Kafka does.
func takesTokens(c *kfake.Cluster, accepted func() string) {
	c.ControlKey(int16(kmsg.SASLHandshake), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := req.ResponseKind().(*kmsg.SASLHandshakeResponse)
		resp.SupportedMechanisms = []string{"OAUTHBEARER"}
		if req.(*kmsg.SASLHandshakeRequest).Mechanism != "OAUTHBEARER" {
			resp.ErrorCode = kerr.UnsupportedSaslMechanism.Code
		}
		return resp, nil, true
	})
	c.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		sent := req.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes
		if !bytes.Contains(sent, []byte("auth=Bearer "+accepted()+"\x01")) {
			resp.SASLAuthBytes = []byte(`{"status":"invalid_token"}`)
		}
		return resp, nil, true
	})
}

func TestKafkaIsUsedThroughTLSWithAClientCertificate(t *testing.T) {
	t.Parallel()
	ca, clients := certs.NewAuthority(t), certs.NewAuthority(t)
	c := cluster(t, listening(ca.Server(t, "127.0.0.1"), clients, ""))
	cfg := with(trusting(c, ca), clients.Client(t, "orak"))
	require.NoError(t, cfg.Validate())
	require.NoError(t, kafka.Check(t.Context(), cfg))
	require.NoError(t, newClient(t, cfg).Ping(t.Context()))
}

// Each of these is a time-out of minutes to a client.
func TestWrongSettingsOfKafkaAreNamedWithinSeconds(t *testing.T) {
	t.Parallel()
	ca, other, clients := certs.NewAuthority(t), certs.NewAuthority(t), certs.NewAuthority(t)
	server, revoked := ca.Server(t, "127.0.0.1"), clients.Client(t, "revoked")
	open := cluster(t, listening(server, nil, ""))
	mutual := cluster(t, listening(server, clients, revoked.Serial()))
	expired := cluster(t, listening(ca.Expired(t, "127.0.0.1"), nil, ""))
	named := cluster(t, listening(ca.Server(t, "kafka.example"), nil, ""))
	plain := closing(t)
	scram := cluster(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "orak", "secret"), kfake.Superuser("PLAIN", "orak", "secret"))
	tokens := cluster(t, listening(server, nil, ""))
	takesTokens(tokens, func() string { return "good" })
	absent := withTokenFile(t, trusting(tokens, ca), "good")
	absent.OAuthTokenFile += ".gone"

	for name, c := range map[string]struct {
		cfg     kafka.Config
		setting string
		words   string
	}{
		"the broker's certificate has expired":  {trusting(expired, ca), "kafka-brokers", "expired"},
		"another authority":                     {trusting(open, other), "kafka-tls-ca", "authorities"},
		"another name":                          {trusting(named, ca), "kafka-brokers", "another name"},
		"no client certificate":                 {trusting(mutual, ca), "kafka-tls-cert", "client certificate"},
		"a client certificate that has expired": {with(trusting(mutual, ca), clients.Expired(t, "orak")), "kafka-tls-cert", "expired"},
		"a client certificate of another's":     {with(trusting(mutual, ca), other.Client(t, "orak")), "kafka-tls-cert", "client certificate"},
		"a client certificate that was revoked": {with(trusting(mutual, ca), revoked), "kafka-tls-cert", "refuses"},
		"TLS to a broker without":               {plain(ca), "kafka-tls", "does not speak TLS"},
		"no TLS to a broker that requires it":   {config(open), "kafka-tls", "requires TLS"},
		"a bad password":                        {login(config(scram), "SCRAM-SHA-512", "orak", "guess"), "kafka-password", "refuse"},
		"a bad password in clear":               {login(config(scram), "PLAIN", "orak", "guess"), "kafka-password", "refuse"},
		"an unknown user":                       {login(config(scram), "SCRAM-SHA-512", "nobody", "secret"), "kafka-password", "nobody"},
		"no user":                               {config(scram), "kafka-user", "require SASL"},
		"a mechanism that the broker lacks":     {login(trusting(tokens, ca), "PLAIN", "orak", "secret"), "kafka-sasl", "mechanism"},
		"a token that the broker refuses":       {withTokenFile(t, trusting(tokens, ca), "guess"), "kafka-oauth-token-file", "refuse the token"},
		"a file without a token":                {withTokenFile(t, trusting(tokens, ca), ""), "kafka-oauth-token-file", "no token"},
		"a token file that is not there":        {absent, "kafka-oauth-token-file", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := kafka.Check(ctx, c.cfg)
			var wrong *secure.WrongSetting
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, c.setting, wrong.Name)
			require.ErrorContains(t, err, c.words)
			require.NotContains(t, err.Error(), "guess")
			require.NoError(t, ctx.Err())
		})
	}
}

func TestUnavailableKafkaIsNoWrongSetting(t *testing.T) {
	t.Parallel()
	ca := certs.NewAuthority(t)
	cfg := kafka.Config{Brokers: []string{"127.0.0.1:1"}, ClientID: "test", TLS: true, Files: secure.Files{CA: ca.File}}
	require.NoError(t, kafka.Check(t.Context(), cfg))
	// One broker that works is enough.
	c := cluster(t, listening(ca.Server(t, "127.0.0.1"), nil, ""))
	cfg.Brokers = append(cfg.Brokers, c.ListenAddrs()...)
	require.NoError(t, kafka.Check(t.Context(), cfg))
}

// A proxy in front of brokers, such as a cloud's load balancer, accepts connections while
// there is none.
func TestProxyWithoutBrokersIsNoWrongSetting(t *testing.T) {
	t.Parallel()
	ca := certs.NewAuthority(t)
	over := away(t)(ca)
	require.NoError(t, kafka.Check(t.Context(), over), "TLS")
	clear := over
	clear.TLS, clear.Files = false, secure.Files{}
	require.NoError(t, kafka.Check(t.Context(), clear), "without TLS and SASL")
}

// A seed that needs other settings does no harm as long as another works.
func TestOneBrokerThatWorksIsEnough(t *testing.T) {
	t.Parallel()
	ca := certs.NewAuthority(t)
	named := cluster(t, listening(ca.Server(t, "kafka.example"), nil, ""))
	good := cluster(t, listening(ca.Server(t, "127.0.0.1"), nil, ""))
	cfg := trusting(named, ca)
	require.Error(t, kafka.Check(t.Context(), cfg))
	cfg.Brokers = append(cfg.Brokers, good.ListenAddrs()...)
	require.NoError(t, kafka.Check(t.Context(), cfg))
}

// A token that another program renews is read by the next connection.
func TestTokenFileIsReadForEachConnection(t *testing.T) {
	t.Parallel()
	ca := certs.NewAuthority(t)
	c := cluster(t, listening(ca.Server(t, "127.0.0.1"), nil, ""))
	var accepted atomic.Pointer[string]
	first, second := "first", "second"
	accepted.Store(&first)
	takesTokens(c, func() string { return *accepted.Load() })
	cfg := withTokenFile(t, trusting(c, ca), first)
	require.NoError(t, cfg.Validate())
	require.NoError(t, newClient(t, cfg).Ping(t.Context()))
	accepted.Store(&second)
	require.Error(t, kafka.Check(t.Context(), cfg))
	require.NoError(t, os.WriteFile(cfg.OAuthTokenFile, []byte(second), 0o600))
	require.NoError(t, kafka.Check(t.Context(), cfg))
}

// endpoint is a token endpoint that fails as often as failures says.
func endpoint(t *testing.T, failures *atomic.Int32, asked *atomic.Int32) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		id, secret, _ := r.BasicAuth()
		switch {
		case failures.Add(-1) >= 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "kafka":
			w.WriteHeader(http.StatusBadRequest)
			w.Write([]byte(`{"error":"invalid_scope"}`))
		case id != "orak" || secret != "right":
			w.WriteHeader(http.StatusUnauthorized)
			w.Write([]byte(`{"error":"invalid_client"}`))
		default:
			w.Write([]byte(`{"access_token":"good","token_type":"Bearer","expires_in":3600}`))
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestTokensAreFetchedFromAnEndpointThatMayFail(t *testing.T) {
	t.Parallel()
	ca := certs.NewAuthority(t)
	c := cluster(t, listening(ca.Server(t, "127.0.0.1"), nil, ""))
	takesTokens(c, func() string { return "good" })
	var failures, asked atomic.Int32
	cfg := trusting(c, ca)
	cfg.SASL, cfg.OAuthTokenURL, cfg.OAuthClientID, cfg.OAuthClientSecret, cfg.OAuthScopes = "OAUTHBEARER", endpoint(t, &failures, &asked), "orak", "right", []string{"kafka"}
	require.NoError(t, cfg.Validate())

	failures.Store(2)
	require.NoError(t, kafka.Check(t.Context(), cfg))
	require.EqualValues(t, 3, asked.Load(), "two failures, and the token")

	// An endpoint that goes on failing is an outage, and the attempts are bounded: three
	// for each of the client's two connections.
	asked.Store(0)
	failures.Store(1000)
	require.NoError(t, kafka.Check(t.Context(), cfg))
	require.LessOrEqual(t, asked.Load(), int32(6))

	failures.Store(0)
	for setting, spoil := range map[string]func(*kafka.Config){
		"kafka-oauth-client-secret": func(c *kafka.Config) { c.OAuthClientSecret = "guess" },
		"kafka-oauth-scopes":        func(c *kafka.Config) { c.OAuthScopes = nil },
	} {
		spoilt := cfg
		spoil(&spoilt)
		var wrong *secure.WrongSetting
		err := kafka.Check(t.Context(), spoilt)
		require.ErrorAs(t, err, &wrong)
		require.Equal(t, setting, wrong.Name)
		require.False(t, strings.Contains(err.Error(), "guess"))
	}
}

func TestOAuthSettingsAreValidated(t *testing.T) {
	t.Parallel()
	good := kafka.Config{Brokers: []string{"a:1"}, ReplicationFactor: -1, TLS: true, SASL: "OAUTHBEARER", OAuthTokenFile: "token"}
	require.NoError(t, good.Validate())
	for words, spoil := range map[string]func(*kafka.Config){
		"they need sasl OAUTHBEARER": func(c *kafka.Config) { c.SASL = "PLAIN" },
		"sent in clear":              func(c *kafka.Config) { c.TLS = false },
		"want either":                func(c *kafka.Config) { c.OAuthTokenFile = "" },
		"has none":                   func(c *kafka.Config) { c.User, c.Password = "u", "p" },
		"client-id":                  func(c *kafka.Config) { c.OAuthTokenFile, c.OAuthTokenURL = "", "https://login.example" },
		"https": func(c *kafka.Config) {
			c.OAuthTokenFile, c.OAuthTokenURL, c.OAuthClientID, c.OAuthClientSecret = "", "http://login.example", "id", "secret"
		},
	} {
		c := good
		spoil(&c)
		require.ErrorContains(t, c.Validate(), words)
	}
}
