package check

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// apiServer is a real kube-apiserver on a real etcd, with the objects of KEDA and of the
// Prometheus operator. No controller runs: it validates, stores, and does nothing else.
type apiServer struct {
	url    string
	token  string
	client *http.Client
	// kubeconfig is the path of a file with which other programs reach the server.
	kubeconfig string

	mu    sync.Mutex
	paths map[string]string // apiVersion and kind → path with %s for the name
}

const namespace = "voices"

// startAPIServer returns once the server answers for all kinds.
func startAPIServer(t *testing.T) *apiServer {
	t.Helper()
	dir := t.TempDir()
	peer, client, secure := freePort(t), freePort(t), freePort(t)
	etcd := fmt.Sprintf("http://127.0.0.1:%d", client)
	// Nothing here outlives the test, so nothing need be on disk before an answer.
	run(t, dir, "etcd", "--data-dir", filepath.Join(dir, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", etcd, "--advertise-client-urls", etcd,
		"--listen-peer-urls", fmt.Sprintf("http://127.0.0.1:%d", peer), "--initial-advertise-peer-urls", fmt.Sprintf("http://127.0.0.1:%d", peer),
		"--initial-cluster", fmt.Sprintf("default=http://127.0.0.1:%d", peer))

	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	keyFile := filepath.Join(dir, "accounts.key")
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), 0o600))
	s := &apiServer{url: fmt.Sprintf("https://127.0.0.1:%d", secure), token: rand.Text(), paths: map[string]string{}}
	tokens := filepath.Join(dir, "tokens.csv")
	require.NoError(t, os.WriteFile(tokens, []byte(s.token+",check,check,system:masters\n"), 0o600))
	certificates := filepath.Join(dir, "certificates")
	run(t, dir, "kube-apiserver", "--etcd-servers", etcd, "--secure-port", fmt.Sprint(secure), "--bind-address", "127.0.0.1",
		"--cert-dir", certificates, "--token-auth-file", tokens, "--authorization-mode", "RBAC",
		"--service-account-issuer", "https://check", "--service-account-key-file", keyFile, "--service-account-signing-key-file", keyFile,
		"--service-cluster-ip-range", "10.0.0.0/24",
		// Pods are judged without their accounts' tokens, which a controller would make.
		"--disable-admission-plugins", "ServiceAccount")

	s.client = &http.Client{Timeout: 30 * time.Second}
	ready := assert.Eventually(t, func() bool {
		ca, err := os.ReadFile(filepath.Join(certificates, "apiserver.crt"))
		if err != nil {
			return false
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(ca) {
			return false
		}
		s.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
		_, _, err = s.do(t.Context(), http.MethodGet, "/readyz", "", nil)
		return err == nil
	}, time.Minute, 100*time.Millisecond)
	require.True(t, ready, "the API server is not ready; its log ends with: %s", logOf(dir, "kube-apiserver"))

	s.kubeconfig = filepath.Join(dir, "kubeconfig")
	require.NoError(t, os.WriteFile(s.kubeconfig, fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: check, cluster: {server: "%s", certificate-authority: "%s"}}]
users: [{name: check, user: {token: "%s"}}]
contexts: [{name: check, context: {cluster: check, user: check}}]
current-context: check
`, s.url, filepath.Join(certificates, "apiserver.crt"), s.token), 0o600))

	// Pods of the namespace are held to the strictest of Kubernetes' own standards.
	_, err = s.apply(t.Context(), Object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{
		"name": namespace, "labels": map[string]any{"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest"},
	}}, false)
	require.NoError(t, err)
	// That of values of chart/ci.
	_, err = s.apply(t.Context(), Object{"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": map[string]any{"name": "high"}, "value": 1000}, false)
	require.NoError(t, err)
	s.define(t, module(t, keda)+"/config/crd/bases/*.yaml")
	s.define(t, module(t, operator)+"/example/prometheus-operator-crd/*.yaml")
	return s
}

// define creates the kinds of the files, and waits until the server has them.
func (s *apiServer) define(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		objects, err := Parse(content)
		require.NoError(t, err)
		for _, o := range objects {
			_, err := s.apply(t.Context(), o, false)
			require.NoError(t, err, file)
			group, kind := o.text("spec", "group"), o.text("spec", "names", "kind")
			for _, version := range o.each("spec", "versions") {
				require.Eventually(t, func() bool {
					_, err := s.path(t.Context(), group+"/"+version.text("name"), kind)
					return err == nil
				}, 30*time.Second, 50*time.Millisecond, "%s %s", group, kind)
			}
		}
	}
}

// accepts asks the server to validate an object strictly, and to store nothing. It returns
// a refusal for a warning, too: an unknown or deprecated field is one.
func (s *apiServer) accepts(ctx context.Context, o Object) error {
	warnings, err := s.apply(ctx, o, true)
	if err != nil {
		return &refusal{"the API server", err.Error()}
	}
	if len(warnings) > 0 {
		return &refusal{"the API server", strings.Join(warnings, "; ")}
	}
	return nil
}

func (s *apiServer) apply(ctx context.Context, o Object, dry bool) (warnings []string, err error) {
	at, err := s.path(ctx, o.text("apiVersion"), o.Kind())
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", o, err)
	}
	query := "?fieldManager=check&fieldValidation=Strict&force=true"
	if dry {
		query += "&dryRun=All"
	}
	_, warnings, err = s.do(ctx, http.MethodPatch, fmt.Sprintf(at, o.Name())+query, "application/apply-patch+yaml", body)
	return warnings, err
}

// count returns how many objects of a kind the namespace has.
func (s *apiServer) count(t *testing.T, version, kind string) int {
	t.Helper()
	at, err := s.path(t.Context(), version, kind)
	require.NoError(t, err)
	body, _, err := s.do(t.Context(), http.MethodGet, strings.TrimSuffix(at, "/%s"), "", nil)
	require.NoError(t, err)
	var list struct{ Items []any }
	require.NoError(t, json.Unmarshal(body, &list))
	return len(list.Items)
}

// path returns the path of a kind's objects, from the server's own discovery.
func (s *apiServer) path(ctx context.Context, version, kind string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, known := s.paths[version+" "+kind]; known {
		return at, nil
	}
	base := "/apis/" + version
	if version == "v1" {
		base = "/api/v1"
	}
	body, _, err := s.do(ctx, http.MethodGet, base, "", nil)
	if err != nil {
		return "", err
	}
	var list struct {
		Resources []struct {
			Name, Kind string
			Namespaced bool
		}
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return "", fmt.Errorf("reading %s: %w", base, err)
	}
	for _, r := range list.Resources {
		if r.Kind != kind || strings.Contains(r.Name, "/") {
			continue
		}
		at := base + "/" + r.Name + "/%s"
		if r.Namespaced {
			at = base + "/namespaces/" + namespace + "/" + r.Name + "/%s"
		}
		s.paths[version+" "+kind] = at
		return at, nil
	}
	return "", fmt.Errorf("the server has no %s %s", version, kind)
}

func (s *apiServer) do(ctx context.Context, method, path, mediaType string, body []byte) (answer []byte, warnings []string, err error) {
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	if mediaType != "" {
		request.Header.Set("Content-Type", mediaType)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	if err != nil {
		return nil, nil, err
	}
	if response.StatusCode/100 != 2 {
		var status struct{ Message string }
		_ = json.Unmarshal(answer, &status)
		return nil, nil, fmt.Errorf("%d %s", response.StatusCode, status.Message)
	}
	return answer, response.Header.Values("Warning"), nil
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, name+".log"))
	require.NoError(t, err)
	cmd := exec.Command(program(t, name), args...)
	cmd.Stdout, cmd.Stderr = log, log
	// It ends with the test's process in every case.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
	})
}

func logOf(dir, name string) string {
	content, _ := os.ReadFile(filepath.Join(dir, name+".log"))
	return string(content[max(0, len(content)-2000):])
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// pods returns a pod of each Deployment: the server judges the security of pods, and not
// that of what makes them.
func pods(objects []Object) []Object {
	var found []Object
	for _, o := range objects {
		if o.Kind() != "Deployment" {
			continue
		}
		found = append(found, Object{
			"apiVersion": "v1", "kind": "Pod",
			"metadata": map[string]any{"name": o.Name() + "-1", "namespace": namespace, "labels": o.At("spec", "template", "metadata", "labels")},
			"spec":     o.At("spec", "template", "spec"),
		})
	}
	return found
}

// clone copies objects in depth.
func clone(t *testing.T, objects []Object) []Object {
	t.Helper()
	copies := make([]Object, len(objects))
	for i, o := range objects {
		text, err := yaml.Marshal(map[string]any(o))
		require.NoError(t, err)
		again, err := Parse(text)
		require.NoError(t, err)
		copies[i] = again[0]
	}
	return copies
}
