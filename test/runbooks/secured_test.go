package runbooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"orak/test/certs"
	"orak/test/stack"
)

// secured is the environment of processes whose servers all demand TLS, client
// certificates and passwords.
type secured struct {
	t *testing.T
	// path has the commands, and env is a change of the right settings.
	path string
	env  map[string]string
	desk string
	// other is an authority that no server knows, and clients the one that they do.
	other, clients *certs.Authority
	revoked        certs.Pair
}

func startSecured(t *testing.T, path string) *secured {
	t.Helper()
	servers := stack.Start(t)
	ca, clients := certs.NewAuthority(t), certs.NewAuthority(t)
	s := &secured{t: t, path: path, desk: t.TempDir(), other: certs.NewAuthority(t), clients: clients, revoked: clients.Client(t, "revoked")}
	demand := certs.Demand(ca.Server(t, "127.0.0.1"), clients, s.revoked.Serial())
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "orak", "right"), kfake.TLS(withoutProtocols(demand)))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	own := clients.Client(t, "orak")
	s.env = map[string]string{
		"ORAK_KAFKA_BROKERS": strings.Join(broker.ListenAddrs(), ","), "ORAK_KAFKA_TLS": "true", "ORAK_KAFKA_USER": "orak", "ORAK_KAFKA_PASSWORD": "right",
		"ORAK_TEMPORAL_ADDRESS": certs.Front(t, servers.Temporal, demand), "ORAK_TEMPORAL_TLS": "true", "ORAK_TEMPORAL_NAMESPACE": servers.Namespace(t),
		"ORAK_S3_ENDPOINT": certs.Front(t, servers.S3, withoutProtocols(demand)), "ORAK_S3_TLS": "true", "ORAK_S3_BUCKET": servers.Bucket(t),
		"ORAK_S3_ACCESS_KEY": servers.S3AccessKey, "ORAK_S3_SECRET_KEY": servers.S3SecretKey,
		"ORAK_ADMIN_LISTEN": "127.0.0.1:0", "ORAK_LOG_FORMAT": "text", "ORAK_AUTH": "required",
		// Temporal's own command goes to the server itself: its TLS is not what is tested.
		"TEMPORAL_ADDRESS": servers.Temporal,
	}
	for _, server := range []string{"KAFKA", "TEMPORAL", "S3"} {
		s.env["ORAK_"+server+"_TLS_CA"] = ca.File
		s.env["ORAK_"+server+"_TLS_CERT"], s.env["ORAK_"+server+"_TLS_KEY"] = own.CertFile, own.KeyFile
	}
	return s
}

// withoutProtocols is for servers that do not speak HTTP/2.
func withoutProtocols(cfg *tls.Config) *tls.Config {
	cfg = cfg.Clone()
	cfg.NextProtos = nil
	return cfg
}

// environ returns the environment with changes of it.
func (s *secured) environ(changes map[string]string) []string {
	env := stack.Environ("PATH="+s.path+":"+os.Getenv("PATH"), "HOME="+s.desk, "XDG_CACHE_HOME="+s.desk)
	for name, value := range s.env {
		if changed, ok := changes[name]; ok {
			value = changed
		}
		env = append(env, name+"="+value)
	}
	return env
}

// A role with a wrong setting ends within 10 s, and says once which one it is; a command
// of an operator does, too.
func TestSecuredWrongSettingsEndTheStart(t *testing.T) {
	t.Parallel()
	s := startSecured(t, filepath.Dir(stack.Orak(t)))
	spent, strange := s.clients.Expired(t, "orak"), s.other.Client(t, "orak")
	certOf := func(server string, p certs.Pair) map[string]string {
		return map[string]string{"ORAK_" + server + "_TLS_CERT": p.CertFile, "ORAK_" + server + "_TLS_KEY": p.KeyFile}
	}
	for name, c := range map[string]struct {
		command string
		changes map[string]string
		setting string
	}{
		"kafka: authority":     {"orak worker", map[string]string{"ORAK_KAFKA_TLS_CA": s.other.File}, "kafka-tls-ca"},
		"kafka: password":      {"orak bridge", map[string]string{"ORAK_KAFKA_PASSWORD": "guess"}, "kafka-password"},
		"kafka: expired":       {"orak worker", certOf("KAFKA", spent), "kafka-tls-cert"},
		"kafka: foreign":       {"orak worker", certOf("KAFKA", strange), "kafka-tls-cert"},
		"kafka: revoked":       {"orak worker", certOf("KAFKA", s.revoked), "kafka-tls-cert"},
		"temporal: authority":  {"orak worker", map[string]string{"ORAK_TEMPORAL_TLS_CA": s.other.File}, "temporal-tls-ca"},
		"temporal: revoked":    {"orak bridge", certOf("TEMPORAL", s.revoked), "temporal-tls-cert"},
		"temporal: no TLS":     {"orak worker", map[string]string{"ORAK_TEMPORAL_TLS": "", "ORAK_TEMPORAL_TLS_CA": "", "ORAK_TEMPORAL_TLS_CERT": "", "ORAK_TEMPORAL_TLS_KEY": ""}, "temporal-tls"},
		"a command, Kafka":     {"orak offsets show", map[string]string{"ORAK_KAFKA_PASSWORD": "guess"}, "kafka-password"},
		"a command, Temporal":  {"orak reconcile --history", certOf("TEMPORAL", s.revoked), "temporal-tls-cert"},
		"a command, both used": {"orak dlq verify", map[string]string{"ORAK_KAFKA_TLS_CA": s.other.File}, "kafka-tls-ca"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+c.command)
			cmd.Dir, cmd.Env = s.desk, s.environ(c.changes)
			began := time.Now()
			out, err := cmd.CombinedOutput()
			require.Error(t, err, string(out))
			require.Less(t, time.Since(began), 10*time.Second, string(out))
			require.Contains(t, string(out), "check "+c.setting+" (ORAK_", string(out))
			require.NotContains(t, string(out), "guess")
		})
	}
}

// An API takes uploads whether or not it may use Kafka and Temporal: it says what is wrong
// within 10 s, and goes on. The store is waited for, which is said, too.
func TestSecuredAPISaysWhatIsWrongAndGoesOn(t *testing.T) {
	t.Parallel()
	s := startSecured(t, filepath.Dir(stack.Orak(t)))
	for name, c := range map[string]struct {
		changes map[string]string
		setting string
		serves  bool
	}{
		"kafka":    {map[string]string{"ORAK_KAFKA_PASSWORD": "guess"}, "kafka-password", true},
		"temporal": {map[string]string{"ORAK_TEMPORAL_TLS_CERT": s.revoked.CertFile, "ORAK_TEMPORAL_TLS_KEY": s.revoked.KeyFile}, "temporal-tls-cert", true},
		"store":    {map[string]string{"ORAK_S3_TLS_CA": s.other.File}, "s3-tls-ca", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			cmd := exec.CommandContext(t.Context(), "sh", "-c", "exec orak api")
			cmd.Dir, cmd.Env = s.desk, append(s.environ(c.changes), "ORAK_API_ADDR="+address)
			child, err := stack.Run(cmd, func(string) bool { return false })
			require.NoError(t, err)
			t.Cleanup(child.Kill)
			require.Eventually(t, func() bool { return strings.Contains(child.Output(), "check "+c.setting+" (ORAK_") }, 10*time.Second, 50*time.Millisecond, "%s", child.Output())
			require.NotContains(t, child.Output(), "guess")
			if c.serves {
				awaitReady(t, child, "http://"+address)
			}
			select {
			case <-child.Exited():
				require.Fail(t, "the API ended", child.Output())
			default:
			}
		})
	}
}

// freeAddress returns an address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func awaitReady(t *testing.T, child *stack.Child, url string) {
	t.Helper()
	require.Eventually(t, func() bool {
		resp, err := http.Get(url + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, patience, 100*time.Millisecond, "%s", child.Output())
}

// The commands of the page run in its order, in one shell, on an API whose servers all
// demand TLS, client certificates and a password.
func TestSecuredConnectionCommandsWork(t *testing.T) {
	t.Parallel()
	const page = "secure-connections.md"
	text, err := os.ReadFile("../../docs/" + page)
	require.NoError(t, err)
	commands, err := Commands(fstest.MapFS{page: {Data: text}})
	require.NoError(t, err)
	require.Greater(t, len(commands), 5)
	created := InSection(page, string(text), "Show payloads in the Temporal Web UI")
	require.Len(t, created, 1)

	s := startSecured(t, stack.OperatorTools(t))
	s.env["ORAK_API_ADDR"] = freeAddress(t)
	s.env["ORAK_SERVER"] = "http://" + s.env["ORAK_API_ADDR"]
	s.env["TEMPORAL_NAMESPACE"] = s.env["ORAK_TEMPORAL_NAMESPACE"]

	// The exports of the page are settings of the API, too.
	var exports, script strings.Builder
	exports.WriteString("set -eu\n")
	for _, c := range commands {
		switch {
		case strings.HasPrefix(c.Shell, "export "):
			exports.WriteString(c.Shell + "\n")
		case strings.HasPrefix(c.Shell, "printf "), strings.HasPrefix(c.Shell, "chmod "):
			exports.WriteString(c.Shell + "\n")
		default:
			script.WriteString("echo '+ " + strings.ReplaceAll(c.Shell, "'", `'\''`) + "'\n" + c.Shell + "\n")
		}
	}
	api := exec.CommandContext(t.Context(), "sh", "-c", exports.String()+"exec orak api")
	api.Dir, api.Env = s.desk, s.environ(nil)
	child, err := stack.Run(api, func(string) bool { return false })
	require.NoError(t, err)
	t.Cleanup(child.Kill)
	awaitReady(t, child, s.env["ORAK_SERVER"])

	run := exec.CommandContext(t.Context(), "sh", "-c", "set -eu\nexport ORAK_TEMPORAL_CODEC_KEYS_FILE=$PWD/codec-keys\nexport ORAK_API_KEY=\"$("+created[0].Shell+" --json | jq -r .key)\"\n"+script.String())
	run.Dir, run.Env = s.desk, s.environ(nil)
	var out bytes.Buffer
	run.Stdout, run.Stderr = &out, &out
	require.NoError(t, run.Run(), "%s\n%s", out.String(), child.Output())
	require.Contains(t, out.String(), "{}", "the answer of the codec to no payloads")
	keys, err := os.Stat(filepath.Join(s.desk, "codec-keys"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), keys.Mode().Perm())
}
