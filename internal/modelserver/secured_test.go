package modelserver

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/secure"
	"orak/test/certs"
)

// serveTLS serves readiness to the holder of a token, if one is demanded.
func serveTLS(t *testing.T, server certs.Pair, clients *certs.Authority, revoked, token string) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token != "" && r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{server.Certificate}, MinVersion: tls.VersionTLS12}
	if clients != nil {
		s.TLS.ClientAuth, s.TLS.ClientCAs = tls.RequireAndVerifyClientCert, clients.Pool()
		s.TLS.VerifyConnection = func(c tls.ConnectionState) error {
			if c.PeerCertificates[0].SerialNumber.String() == revoked {
				return errors.New("revoked")
			}
			return nil
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func trusting(url string, ca *certs.Authority) Config {
	cfg := settings(url)
	cfg.CA = ca.File
	return cfg
}

func with(cfg Config, p certs.Pair) Config {
	cfg.Cert, cfg.Key = p.CertFile, p.KeyFile
	return cfg
}

func withToken(cfg Config, token string) Config {
	cfg.Token = token
	return cfg
}

func TestModelServerIsUsedThroughTLSWithATokenAndAClientCertificate(t *testing.T) {
	t.Parallel()
	ca, clients := certs.NewAuthority(t), certs.NewAuthority(t)
	cfg := withToken(with(trusting(serveTLS(t, ca.Server(t, "127.0.0.1"), clients, "", "letmein"), ca), clients.Client(t, "orak")), "letmein")
	require.NoError(t, cfg.Validate())
	require.NoError(t, New(cfg).Ready(t.Context(), ReadyPath))
}

func TestWrongSettingsOfTheModelServerAreNamedWithinSeconds(t *testing.T) {
	t.Parallel()
	ca, other, clients := certs.NewAuthority(t), certs.NewAuthority(t), certs.NewAuthority(t)
	good, revoked := ca.Server(t, "127.0.0.1"), clients.Client(t, "revoked")
	open := serveTLS(t, good, nil, "", "letmein")
	mutual := serveTLS(t, good, clients, revoked.Serial(), "")
	plain := serve(t, answering(http.StatusOK, "")).URL
	absent := settings(open)
	absent.CA = "/nowhere/ca.pem"
	for name, c := range map[string]struct {
		cfg            Config
		setting, words string
	}{
		"the server's certificate has expired":  {trusting(serveTLS(t, ca.Expired(t, "127.0.0.1"), nil, "", ""), ca), "model-server-url", "expired"},
		"another authority":                     {trusting(open, other), "model-server-tls-ca", "authorities"},
		"another name":                          {trusting(serveTLS(t, ca.Server(t, "model.example"), nil, "", ""), ca), "model-server-url", "another name"},
		"no client certificate":                 {trusting(mutual, ca), "model-server-tls-cert", "client certificate"},
		"a client certificate that has expired": {with(trusting(mutual, ca), clients.Expired(t, "orak")), "model-server-tls-cert", "expired"},
		"a client certificate of another's":     {with(trusting(mutual, ca), other.Client(t, "orak")), "model-server-tls-cert", "client certificate"},
		"a client certificate that was revoked": {with(trusting(mutual, ca), revoked), "model-server-tls-cert", "refuses"},
		"no token":                              {trusting(open, ca), "model-server-token", "requires one"},
		"another token":                         {withToken(trusting(open, ca), "guess"), "model-server-token", "refuses it"},
		"TLS to a server without":               {trusting(strings.Replace(plain, "http://", "https://", 1), ca), "model-server-url", "does not speak TLS"},
		"a file that is not there":              {absent, "model-server-tls-ca", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			err := New(c.cfg).Ready(t.Context(), ReadyPath)
			require.Less(t, time.Since(began), 10*time.Second)
			var wrong *secure.WrongSetting
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, c.setting, wrong.Name)
			require.ErrorContains(t, err, c.words)
			require.NotContains(t, err.Error(), "guess")
			f := faultOf(t, err)
			require.Equal(t, orak.ClassDependency, f.Class)
			require.False(t, f.Suspect, "no recording is to blame")
		})
	}
}

func TestSecretsForTheModelServerAreNotSentInClear(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, withToken(settings("http://model.example"), "x").Validate(), "in clear")
	require.NoError(t, withToken(settings("http://127.0.0.1:8090"), "x").Validate())
	require.ErrorContains(t, trusting("http://model.example", certs.NewAuthority(t)).Validate(), "https")
}
