package worker_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"orak"
	"orak/internal/modelserver"
	"orak/workflows"
)

// poison is the content of a recording that kills a model server; mortalEnv makes the
// test binary such a server, at that address.
const (
	poison    = 'p'
	mortalEnv = "ORAK_TEST_MORTAL_SERVER"
)

// deadlyIn reports whether a WAV has a sample of the level of poison.
func deadlyIn(wav []byte) bool {
	sample := binary.LittleEndian.AppendUint16(nil, uint16(poison)<<7)
	return len(wav) > 44 && bytes.Equal(wav[len(wav)/2/2*2:][:2], sample)
}

const analyzed = `{"engine":{"name":"mortal","version":"1"},"pitch_curve":{}}`

// runMortal serves until a recording is poison: then the process is killed, as by a
// device driver or for lack of memory.
func runMortal(at string) {
	l, err := net.Listen("tcp", at)
	if err != nil {
		os.Exit(3)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v1/capacity", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"engine":{"name":"mortal","version":"1"},"slots":4,"queue":16}`)
	})
	mux.HandleFunc("POST /v1/analyze", func(w http.ResponseWriter, r *http.Request) {
		wav, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond) // the analysis
		if deadlyIn(wav) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		_, _ = io.WriteString(w, analyzed)
	})
	_ = http.Serve(l, mux)
	os.Exit(4)
}

// mortal is such a server with a supervisor that starts it again.
type mortal struct {
	url    string
	deaths atomic.Int32

	mu  sync.Mutex
	cmd *exec.Cmd
}

func newMortal(t *testing.T) *mortal {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	at := l.Addr().String()
	require.NoError(t, l.Close())
	m := &mortal{url: "http://" + at}
	ctx, cancel := context.WithCancel(context.Background())
	var supervising sync.WaitGroup
	supervising.Go(func() {
		for ctx.Err() == nil {
			cmd := exec.CommandContext(ctx, os.Args[0])
			cmd.Env = append(os.Environ(), mortalEnv+"="+at)
			m.mu.Lock()
			m.cmd = cmd
			err := cmd.Start()
			m.mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			_ = cmd.Wait()
			if ctx.Err() == nil {
				m.deaths.Add(1)
			}
		}
	})
	t.Cleanup(func() { cancel(); supervising.Wait() })
	return m
}

// kill kills the server, which is started again.
func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = m.cmd.Process.Kill()
}

// useURL makes the server at url the model server of the workers and of the gate.
func (r *rig) useURL(url string) {
	client := modelserver.New(modelserver.Config{URL: url, Timeout: time.Minute, Window: 2 * time.Second, Patience: time.Minute})
	r.deps.Analyzer, r.deps.ModelServer = remote{client}, gated{client}
}

func TestRecordingThatKillsTheModelServerIsDeadLetteredAlone(t *testing.T) {
	t.Parallel()
	r, m := newRig(t), newMortal(t)
	r.cfg.GPUSlots = 3
	r.useURL(m.url)
	r.outages(func(context.Context) error { return nil })
	r.start()
	r.start() // two workers, so that the poison is analyzed beside others of another process
	var innocent []orak.Upload
	for range 10 {
		innocent = append(innocent, r.upload([]byte("sss")))
	}
	bad := r.upload([]byte{poison})
	for range 10 {
		innocent = append(innocent, r.upload([]byte("sss")))
	}
	p := r.await(bad, orak.StatusDeadLettered)
	require.Equal(t, orak.ClassModel, p.Failure.Class)
	require.Equal(t, 3, p.Failure.Attempts)
	for _, u := range innocent {
		require.NoError(t, r.closed(u))
		require.Equal(t, orak.StatusCompleted, r.progress(u).Status)
	}
	t.Logf("the server died %d times", m.deaths.Load())
	require.LessOrEqual(t, m.deaths.Load(), int32(4), "once among others, and in each attempt alone")
	r.noOutageLeft()
}

// noOutageLeft waits until no outage of the model server is open.
func (r *rig) noOutageLeft() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	err := r.client.GetWorkflow(ctx, workflows.OutageWorkflowID(orak.DependencyModelServer), "").Get(ctx, nil)
	if missing := (*serviceerror.NotFound)(nil); err != nil {
		require.ErrorAs(r.t, err, &missing, "none was ever reported")
	}
}

func TestModelServerRestartsBlameNoRecording(t *testing.T) {
	t.Parallel()
	r, m := newRig(t), newMortal(t)
	r.cfg.GPUSlots = 4
	r.useURL(m.url)
	r.outages(func(context.Context) error { return nil })
	r.start()
	var uploads []orak.Upload
	for range 20 {
		uploads = append(uploads, r.upload([]byte("ssssss")))
	}
	for i := range 6 {
		r.await(uploads[3*i], orak.StatusCompleted)
		m.kill()
	}
	for _, u := range uploads {
		require.NoError(t, r.closed(u))
		require.Equal(t, orak.StatusCompleted, r.progress(u).Status)
	}
	r.noOutageLeft()
}

// picky refuses poison, or everything, with a status.
func picky(t *testing.T, status int, everything *atomic.Bool) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v1/capacity", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"engine":{"name":"picky","version":"1"},"slots":4,"queue":16}`)
	})
	mux.HandleFunc("POST /v1/analyze", func(w http.ResponseWriter, r *http.Request) {
		wav, err := io.ReadAll(r.Body)
		switch {
		case err != nil:
		case !everything.Load() && !deadlyIn(wav):
			_, _ = io.WriteString(w, analyzed)
		case status == http.StatusOK:
			_, _ = io.WriteString(w, `{"engine":{"name":"picky","version":"1"},"pitch_curve":{"hop_s":0.01,"f0_hz":[-1],"voicing":[7]}}`)
		default:
			w.WriteHeader(status)
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestRefusedRecordingIsDeadLetteredWithoutOutage(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 302, 400, 404, 411, 413, 415, 422, 502} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.useURL(picky(t, status, new(atomic.Bool)).URL)
			r.outages(func(context.Context) error { return nil })
			r.start()
			bad, good := r.upload([]byte{poison}), r.upload([]byte("s"))
			p := r.await(bad, orak.StatusDeadLettered)
			require.Equal(t, orak.ClassModel, p.Failure.Class)
			require.Equal(t, 3, p.Failure.Attempts)
			require.NoError(t, r.closed(good))
			_, err := r.client.DescribeWorkflowExecution(t.Context(), workflows.OutageWorkflowID(orak.DependencyModelServer), "")
			require.ErrorAs(t, err, new(*serviceerror.NotFound))
		})
	}
}

func TestModelServerThatRefusesEverythingIsAnOutage(t *testing.T) {
	t.Parallel()
	for _, status := range []int{404, 500} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var everything atomic.Bool
			everything.Store(true)
			r.useURL(picky(t, status, &everything).URL)
			r.outages(func(context.Context) error { return nil })
			r.start()
			var uploads []orak.Upload
			for range 4 {
				uploads = append(uploads, r.upload([]byte("s")))
			}
			require.Contains(t, r.posted(":rotating_light:"), "The model server has been unavailable since")
			everything.Store(false)
			for _, u := range uploads {
				require.NoError(t, r.closed(u))
				require.Equal(t, orak.StatusCompleted, r.progress(u).Status)
			}
			r.posted(":white_check_mark:")
			r.noOutageLeft()
		})
	}
}
