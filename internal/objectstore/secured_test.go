package objectstore_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/objectstore"
	"orak/internal/secure"
	"orak/test/certs"
)

// gate is a server in front of the real one, which a test may see through.
type gate struct {
	address string

	mu   sync.Mutex
	seen []*http.Request
}

func (g *gate) requests() []*http.Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen
}

// startGate passes requests on to the real server, over TLS if secured is set.
func startGate(t *testing.T, cfg objectstore.Config, secured *tls.Config) *gate {
	t.Helper()
	g := &gate{}
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	forward := &httputil.ReverseProxy{Transport: transport, ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", cfg.Endpoint
		r.Out.Host = r.In.Host // it is signed
	}}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.seen = append(g.seen, r.Clone(r.Context()))
		g.mu.Unlock()
		forward.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secured == nil {
		server.Start()
	} else {
		server.TLS = secured
		server.StartTLS()
	}
	t.Cleanup(server.Close)
	g.address = server.Listener.Addr().String()
	return g
}

func demanding(server certs.Pair, clients *certs.Authority, revoked string) *tls.Config {
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
	return cfg
}

func through(cfg objectstore.Config, g *gate, ca *certs.Authority) objectstore.Config {
	cfg.Endpoint, cfg.TLS, cfg.CA = g.address, true, ca.File
	return cfg
}

func with(cfg objectstore.Config, p certs.Pair) objectstore.Config {
	cfg.Cert, cfg.Key = p.CertFile, p.KeyFile
	return cfg
}

// unconnected makes a store without a request.
func unconnected(t *testing.T, cfg objectstore.Config) *objectstore.Store {
	t.Helper()
	s, err := objectstore.New(cfg)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func TestStoreIsUsedThroughTLSWithAClientCertificate(t *testing.T) {
	t.Parallel()
	ca, clients := certs.NewAuthority(t), certs.NewAuthority(t)
	cfg := server(t)
	g := startGate(t, cfg, demanding(ca.Server(t, "127.0.0.1"), clients, ""))
	s := unconnected(t, with(through(cfg, g, ca), clients.Client(t, "orak")))
	require.NoError(t, s.EnsureBucket(t.Context()))
	_, err := s.Put(t.Context(), "k", strings.NewReader("hello"), objectstore.PutOptions{Size: 5})
	require.NoError(t, err)
	require.NotEmpty(t, g.requests())
}

// Each of these is an outage of the store, whose error names the setting.
func TestWrongSettingsOfTheStoreAreNamedWithinSeconds(t *testing.T) {
	t.Parallel()
	ca, other, clients := certs.NewAuthority(t), certs.NewAuthority(t), certs.NewAuthority(t)
	base := server(t)
	good, revoked := ca.Server(t, "127.0.0.1"), clients.Client(t, "revoked")
	open := startGate(t, base, demanding(good, nil, ""))
	mutual := startGate(t, base, demanding(good, clients, revoked.Serial()))
	expired := startGate(t, base, demanding(ca.Expired(t, "127.0.0.1"), nil, ""))
	named := startGate(t, base, demanding(ca.Server(t, "s3.example"), nil, ""))
	plain := startGate(t, base, nil)
	key := through(base, open, ca)
	key.SecretKey = "guess"
	user := through(base, open, ca)
	user.AccessKey = "nobody"

	for name, c := range map[string]struct {
		cfg     objectstore.Config
		setting string
		words   string
	}{
		"the server's certificate has expired":  {through(base, expired, ca), "s3-endpoint", "expired"},
		"another authority":                     {through(base, open, other), "s3-tls-ca", "authorities"},
		"another name":                          {through(base, named, ca), "s3-endpoint", "another name"},
		"no client certificate":                 {through(base, mutual, ca), "s3-tls-cert", "client certificate"},
		"a client certificate of another's":     {with(through(base, mutual, ca), other.Client(t, "orak")), "s3-tls-cert", "client certificate"},
		"a client certificate that was revoked": {with(through(base, mutual, ca), revoked), "s3-tls-cert", "refuses"},
		"TLS to a server without":               {through(base, plain, ca), "s3-tls", "does not speak TLS"},
		"a bad secret key":                      {key, "s3-secret-key", ""},
		"an unknown access key":                 {user, "s3-access-key", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			err := unconnected(t, c.cfg).EnsureBucket(t.Context())
			require.ErrorContains(t, err, c.setting)
			require.ErrorContains(t, err, c.words)
			require.NotContains(t, err.Error(), "guess")
			require.Less(t, time.Since(began), 10*time.Second)
			var f *orak.Fault
			require.ErrorAs(t, err, &f)
			require.Equal(t, orak.DependencyStore, f.Dependency)
		})
	}
	spent := with(through(base, mutual, ca), clients.Expired(t, "orak"))
	_, err := objectstore.New(spent)
	require.True(t, secure.IsWrongSetting(err))
	require.ErrorContains(t, err, "s3-tls-cert")
	absent := through(base, open, ca)
	absent.CA = "/nowhere/ca.pem"
	_, err = objectstore.New(absent)
	require.ErrorContains(t, err, "s3-tls-ca")
}

// Every request that makes an object names the encryption, and no other does.
func TestEncryptionIsAskedForWhereverAnObjectIsMade(t *testing.T) {
	t.Parallel()
	for sse, want := range map[string]string{"none": "", "s3": "AES256", "kms": "aws:kms"} {
		t.Run(sse, func(t *testing.T) {
			t.Parallel()
			base := server(t)
			require.NoError(t, unconnected(t, base).EnsureBucket(t.Context()))
			g := startGate(t, base, nil)
			cfg := base
			cfg.Endpoint, cfg.SSE = g.address, sse
			if sse == "kms" {
				cfg.SSEKMSKey = "orak-test"
			}
			s := unconnected(t, cfg)
			small, large := bytes.Repeat([]byte("x"), 1000), bytes.Repeat([]byte("y"), 6<<20)
			_, err := s.Put(t.Context(), "small", bytes.NewReader(small), objectstore.PutOptions{Size: int64(len(small))})
			require.NoError(t, err)
			_, err = s.Put(t.Context(), "large", bytes.NewReader(large), objectstore.PutOptions{Size: -1})
			require.NoError(t, err)
			require.NoError(t, s.Copy(t.Context(), "small", "copy", objectstore.CopyOptions{Size: int64(len(small))}))
			m, err := s.CreateMultipart(t.Context(), "parts", objectstore.PutOptions{})
			require.NoError(t, err)
			part, err := s.PutPart(t.Context(), m, 1, small)
			require.NoError(t, err)
			_, err = s.CompleteMultipart(t.Context(), m, []objectstore.Part{part}, false)
			require.NoError(t, err)
			signed, err := s.PresignPut(t.Context(), "signed", int64(len(small)), "", time.Minute)
			require.NoError(t, err)
			send(t, signed, small)
			for _, key := range []string{"small", "copy", "parts", "signed", "large"} {
				body, _, err := s.Get(t.Context(), key)
				require.NoError(t, err)
				_, err = io.Copy(io.Discard, body)
				require.NoError(t, err)
				require.NoError(t, body.Close())
			}

			makes := map[string]int{}
			for _, r := range g.requests() {
				got := r.Header.Get("X-Amz-Server-Side-Encryption")
				q := r.URL.Query()
				if r.Method == http.MethodPut && !q.Has("partNumber") || r.Method == http.MethodPost && q.Has("uploads") {
					makes[filepath.Base(r.URL.Path)]++
					require.Equal(t, want, got, "%s %s", r.Method, r.URL)
					require.Equal(t, cfg.SSEKMSKey, r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"))
					continue
				}
				require.Empty(t, got, "%s %s", r.Method, r.URL)
			}
			require.Equal(t, map[string]int{"small": 1, "large": 1, "copy": 1, "parts": 1, "signed": 1}, makes)
		})
	}
}

func send(t *testing.T, p objectstore.Presigned, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), p.Method, p.URL, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header = p.Header
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, string(text))
}

// metadata answers as the credential endpoint of a container and as STS do, with the key
// of cfg.
func metadata(t *testing.T, cfg objectstore.Config) string {
	t.Helper()
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err == nil && r.Form.Get("Action") == "AssumeRoleWithWebIdentity" {
			if r.Form.Get("WebIdentityToken") != "a token" || r.Form.Get("RoleArn") != "arn:aws:iam::1:role/orak" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			io.WriteString(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>`+
				cfg.AccessKey+`</AccessKeyId><SecretAccessKey>`+cfg.SecretKey+`</SecretAccessKey><Expiration>`+until+`</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"AccessKeyId":"`+cfg.AccessKey+`","SecretAccessKey":"`+cfg.SecretKey+`","Expiration":"`+until+`","Code":"Success"}`)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestAccessKeyIsFoundAsAWSToolsFindIt(t *testing.T) {
	base := server(t)
	file := filepath.Join(t.TempDir(), "credentials")
	require.NoError(t, os.WriteFile(file, []byte("[default]\naws_access_key_id=wrong\naws_secret_access_key=wrong\n[uploads]\naws_access_key_id="+base.AccessKey+"\naws_secret_access_key="+base.SecretKey+"\n"), 0o600))
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("a token"), 0o600))
	endpoint := metadata(t, base)
	nowhere, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, nowhere.Close())
	for name, env := range map[string]map[string]string{
		"environment":  {"AWS_ACCESS_KEY_ID": base.AccessKey, "AWS_SECRET_ACCESS_KEY": base.SecretKey},
		"file":         {"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_PROFILE": "uploads"},
		"web identity": {"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "arn:aws:iam::1:role/orak", "AWS_ENDPOINT_URL_STS": endpoint},
		"container":    {"AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint + "/creds"},
		"away":         {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://" + nowhere.Addr().String()},
		"none":         {"AWS_WEB_IDENTITY_TOKEN_FILE": token + ".gone", "AWS_ROLE_ARN": "arn:aws:iam::1:role/orak"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HOME", t.TempDir())
			for variable, value := range env {
				t.Setenv(variable, value)
			}
			cfg := base
			cfg.Credentials, cfg.AccessKey, cfg.SecretKey = "aws", "orak", ""
			s := unconnected(t, cfg)
			began := time.Now()
			err := s.EnsureBucket(t.Context())
			if name != "none" && name != "away" {
				require.NoError(t, err)
				signed, err := s.PresignPut(t.Context(), "k", 1, "", 2*time.Hour)
				require.NoError(t, err)
				valid := 2 * time.Hour
				if strings.HasPrefix(env["AWS_CONTAINER_CREDENTIALS_FULL_URI"]+env["AWS_ENDPOINT_URL_STS"], endpoint) {
					valid = time.Hour // as long as the key
				}
				require.WithinDuration(t, began.Add(valid), signed.Until, 10*time.Second)
				return
			}
			require.ErrorContains(t, err, "s3-credentials")
			require.Equal(t, name == "none", secure.IsWrongSetting(err), "%v", err)
			require.Less(t, time.Since(began), 10*time.Second)
			var f *orak.Fault
			require.ErrorAs(t, err, &f)
			require.Equal(t, orak.DependencyStore, f.Dependency)
		})
	}
}

// A key is renewed long before it expires, so that an outage of the server that gives it
// need not be one of the store.
func TestAccessKeyIsUsedUntilItExpiresIfItCannotBeRenewed(t *testing.T) {
	base := server(t)
	var asked atomic.Int32
	until := time.Now().Add(6 * time.Second).UTC().Truncate(time.Second)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) > 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"AccessKeyId":"`+base.AccessKey+`","SecretAccessKey":"`+base.SecretKey+`","Expiration":"`+until.Format(time.RFC3339)+`","Code":"Success"}`)
	}))
	t.Cleanup(s.Close)
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", s.URL+"/creds")
	cfg := base
	cfg.Credentials, cfg.AccessKey, cfg.SecretKey = "aws", "orak", ""
	store := unconnected(t, cfg)
	require.NoError(t, store.EnsureBucket(t.Context()))
	put := func() error {
		_, err := store.Put(t.Context(), "k", strings.NewReader("hello"), objectstore.PutOptions{Size: 5})
		return err
	}
	require.Eventually(t, func() bool {
		require.NoError(t, put())
		return asked.Load() > 1
	}, time.Until(until), 20*time.Millisecond, "a renewal is tried")
	require.NoError(t, put())
	tries := asked.Load()
	require.NoError(t, put())
	require.Equal(t, tries, asked.Load(), "not once for each request")

	var err error
	require.Eventually(t, func() bool { err = put(); return err != nil }, 10*time.Second, 20*time.Millisecond)
	require.False(t, time.Now().Before(until))
	require.ErrorContains(t, err, "503")
	require.False(t, secure.IsWrongSetting(err))
	var f *orak.Fault
	require.ErrorAs(t, err, &f)
	require.Equal(t, orak.DependencyStore, f.Dependency)
}
