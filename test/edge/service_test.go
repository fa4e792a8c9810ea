package edge

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"orak/test/stack"
)

// binaryEnv names the orak binary under test.
const binaryEnv = "ORAK_EDGE_BIN"

// patience bounds every wait of these tests, on a busy machine.
const patience = 60 * time.Second

// service is one API role in a process of its own, on real servers.
type service struct {
	t *testing.T
	// addr is the API's address, admin that of its metrics.
	addr    string
	admin   string
	cmd     *exec.Cmd
	servers *stack.Servers
	bucket  string
}

// start runs `orak api` with the given settings ("ORAK_API_MAX_UPLOADS=8")
// until the end of t. It is run by a shell after setup, which may lower limits
// ("ulimit -n 64"); empty changes nothing.
func start(t *testing.T, setup string, settings ...string) *service {
	t.Helper()
	binary := os.Getenv(binaryEnv)
	require.NotEmpty(t, binary, "no binary under test: run `go tool task test:edge`, or name one in %s", binaryEnv)
	servers := stack.Start(t)
	s := &service{t: t, servers: servers, bucket: servers.Bucket(t)}
	if setup == "" {
		setup = ":"
	}
	s.cmd = exec.Command("sh", "-c", setup+` && exec "$0" api`, binary)
	s.cmd.Env = append(environ(),
		"ORAK_API_ADDR=127.0.0.1:0", "ORAK_ADMIN_LISTEN=127.0.0.1:0", "ORAK_LOG_FORMAT=json", "ORAK_S3_ENDPOINT="+servers.S3, "ORAK_S3_BUCKET="+s.bucket,
		"ORAK_S3_ACCESS_KEY="+servers.S3AccessKey, "ORAK_S3_SECRET_KEY="+servers.S3SecretKey,
		"ORAK_KAFKA_BROKERS="+servers.Kafka, "ORAK_TEMPORAL_ADDRESS="+servers.Temporal)
	s.cmd.Env = append(s.cmd.Env, settings...)
	log, err := s.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	addr, admin := make(chan string, 1), make(chan string, 1)
	logged := make(chan []string, 1)
	go follow(log, map[string]chan<- string{"the API serves": addr, "health checks and metrics are served": admin}, logged)
	t.Cleanup(func() { s.end(logged) })
	for _, told := range []struct {
		of   *string
		from <-chan string
	}{{&s.addr, addr}, {&s.admin, admin}} {
		select {
		case *told.of = <-told.from:
		case <-time.After(patience):
			require.Fail(t, "the API does not serve")
		}
	}
	require.Eventually(t, func() bool { return s.status("/readyz") == http.StatusOK }, patience, 50*time.Millisecond, "the API is ready")
	return s
}

// environ is this process's environment without settings of orak.
func environ() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "ORAK_") {
			env = append(env, kv)
		}
	}
	return env
}

// follow reads the log to its end, gives the addresses that its messages name,
// and the last lines.
func follow(log io.Reader, addresses map[string]chan<- string, logged chan<- []string) {
	var lines []string
	for scan := bufio.NewScanner(log); scan.Scan(); {
		lines = append(lines, scan.Text())
		if len(lines) > 100 {
			lines = lines[1:]
		}
		var line struct{ Msg, Addr string }
		if json.Unmarshal(scan.Bytes(), &line) == nil && addresses[line.Msg] != nil {
			addresses[line.Msg] <- line.Addr
		}
	}
	logged <- lines
}

func (s *service) end(logged <-chan []string) {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	defer kill.Stop()
	lines := <-logged
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the API ended with %v", err)
	}
	if s.t.Failed() {
		s.t.Logf("the last of its log:\n%s", strings.Join(lines, "\n"))
	}
}

// status is what a GET of path is answered with; 0 for no answer within a
// second.
func (s *service) status(path string) int {
	quick := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := quick.Get("http://" + s.addr + path)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// memory is the process's resident set, in bytes.
func (s *service) memory() int64 { return s.proc("VmRSS:") }

// peak is the most that memory ever was.
func (s *service) peak() int64 { return s.proc("VmHWM:") }

func (s *service) proc(field string) int64 {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	require.NoError(s.t, err)
	_, rest, found := strings.Cut(string(text), field)
	require.True(s.t, found, field)
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	require.NoError(s.t, err)
	return kib << 10
}

// descriptors is how many files and connections the process has open.
func (s *service) descriptors() int {
	s.t.Helper()
	open, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", s.cmd.Process.Pid))
	require.NoError(s.t, err)
	return len(open)
}

// objects lists the keys in the store.
func (s *service) objects() []string {
	s.t.Helper()
	var keys []string
	for o := range s.servers.Store(s.t).ListObjects(s.t.Context(), s.bucket, minio.ListObjectsOptions{Recursive: true}) {
		require.NoError(s.t, o.Err)
		keys = append(keys, o.Key)
	}
	return keys
}

// unfinished lists the keys of multipart uploads that were begun and neither
// completed nor aborted.
func (s *service) unfinished() []string {
	s.t.Helper()
	var keys []string
	for o := range s.servers.Store(s.t).ListIncompleteUploads(s.t.Context(), s.bucket, "", true) {
		require.NoError(s.t, o.Err)
		keys = append(keys, o.Key)
	}
	return keys
}

// metric is a sample of the process's own metrics, by its name with labels.
func (s *service) metric(name string) float64 {
	s.t.Helper()
	resp, err := http.Get("http://" + s.admin + "/metrics")
	require.NoError(s.t, err)
	defer resp.Body.Close()
	for scan := bufio.NewScanner(resp.Body); scan.Scan(); {
		if value, found := strings.CutPrefix(scan.Text(), name+" "); found {
			n, err := strconv.ParseFloat(value, 64)
			require.NoError(s.t, err)
			return n
		}
	}
	return 0
}
