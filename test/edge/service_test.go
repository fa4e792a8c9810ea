package edge

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
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

// service is one API role in its own process, on real servers.
type service struct {
	*stack.Child
	t *testing.T
	// addr is the API's address, admin that of its metrics.
	addr    string
	admin   string
	servers *stack.Servers
	bucket  string
}

// start runs `orak api` with the given settings ("ORAK_API_MAX_UPLOADS=8")
// until the end of t. A shell runs it after setup, which may lower limits
// ("ulimit -n 64"); an empty setup changes nothing.
func start(t *testing.T, setup string, settings ...string) *service {
	t.Helper()
	binary := os.Getenv(binaryEnv)
	require.NotEmpty(t, binary, "no binary under test: run `go tool task test:edge`, or name one in %s", binaryEnv)
	servers := stack.Start(t)
	s := &service{t: t, servers: servers, bucket: servers.Bucket(t)}
	if setup == "" {
		setup = ":"
	}
	api := stack.StartAPI(t, binary, setup, servers, s.bucket, settings...)
	s.Child, s.addr, s.admin = api.Child, api.Addr, api.Admin
	t.Cleanup(s.end)
	return s
}

func (s *service) end() {
	if err := s.End(syscall.SIGTERM, patience); err != nil {
		s.t.Errorf("the API ended with %v", err)
	}
	if s.t.Failed() {
		log := s.Output()
		s.t.Logf("the end of its log:\n%s", log[max(0, len(log)-20_000):])
	}
}

// status is the status with which the API answers a GET of path; 0 without an
// answer within a second.
func (s *service) status(path string) int { return stack.Status("http://" + s.addr + path) }

// memory is the process's resident set, in bytes.
func (s *service) memory() int64 { return s.figure("VmRSS") }

// peak is the highest resident set so far, in bytes.
func (s *service) peak() int64 { return s.figure("VmHWM") }

func (s *service) figure(field string) int64 {
	s.t.Helper()
	bytes, err := s.Memory(field)
	require.NoError(s.t, err)
	return bytes
}

// descriptors is the number of files and connections that the process has open.
func (s *service) descriptors() int {
	s.t.Helper()
	open, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", s.PID()))
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

// unfinished lists the keys of multipart uploads that are neither completed nor
// aborted.
func (s *service) unfinished() []string {
	s.t.Helper()
	var keys []string
	for o := range s.servers.Store(s.t).ListIncompleteUploads(s.t.Context(), s.bucket, "", true) {
		require.NoError(s.t, o.Err)
		keys = append(keys, o.Key)
	}
	return keys
}

// metric is the value of one of the process's metrics, by its name with labels.
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
