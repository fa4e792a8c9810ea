package worker_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/temporal"
	"orak/worker"
	"orak/workflows"
)

// line forwards connections to a server, and can be cut.
type line struct {
	net.Listener
	to string

	mu   sync.Mutex
	down bool
	open []net.Conn
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	n := &line{Listener: l, to: to}
	t.Cleanup(func() {
		l.Close()
		n.cut(true)
	})
	go n.serve()
	return n
}

func (n *line) serve() {
	for {
		in, err := n.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", n.to)
		if err != nil {
			in.Close()
			continue
		}
		n.join(in, out)
	}
}

func (n *line) join(in, out net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down {
		in.Close()
		out.Close()
		return
	}
	n.open = append(n.open, in, out)
	for from, to := range map[net.Conn]net.Conn{in: out, out: in} {
		go func() {
			_, _ = io.Copy(to, from) // it ends when either is closed
			to.Close()
		}()
	}
}

// cut disconnects the server, or connects it again.
func (n *line) cut(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
	if down {
		for _, c := range n.open {
			c.Close()
		}
		n.open = nil
	}
}

// While Temporal is unavailable it gets no heartbeats of an attempt, and does not
// learn how it ended. That is no crash as long as the worker survives.
func TestTemporalOutageCostsNoAttempt(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]func(ctx context.Context) error{
		"the attempt goes on": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"the attempt succeeds meanwhile": func(context.Context) error { return nil },
		"the attempt fails meanwhile": func(context.Context) error {
			return &orak.Fault{Class: orak.ClassDependency, Message: "Away."}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.cfg.Budget.Attempts = 1 // a crash would dead-letter the upload
			wire := newLine(t, r.servers.Temporal)
			var once sync.Once
			began, cut := make(chan struct{}), make(chan struct{})
			r.deps.Analyzer = analyze(func(ctx context.Context) (err error) {
				once.Do(func() {
					close(began)
					<-cut
					err = step(ctx)
				})
				return err
			})
			c, err := temporal.Dial(t.Context(), temporal.Config{Address: wire.Addr().String(), Namespace: r.deps.Namespace, DialTimeout: patience}, r.log, temporal.Telemetry{})
			require.NoError(t, err)
			t.Cleanup(c.Close)
			w := worker.New(r.cfg, c, r.deps)
			require.NoError(t, w.Start(t.Context()))
			t.Cleanup(func() { require.NoError(t, w.Stop(context.Background())) })

			u := r.upload([]byte("sound"))
			<-began
			wire.cut(true)
			close(cut)
			require.Eventually(t, func() bool { return r.attempts(u) == 2 }, patience, tick, "the server has timed the attempt out")
			wire.cut(false)
			require.NoError(t, r.closed(u))
			p := r.progress(u)
			require.Equal(t, orak.StatusCompleted, p.Status)
			require.Zero(t, p.Cycle)
		})
	}
}

// attempts returns the server's count of attempts of the pending stage of u.
func (r *rig) attempts(u orak.Upload) int32 {
	r.t.Helper()
	d, err := r.client.DescribeWorkflowExecution(r.t.Context(), workflows.UploadWorkflowID(u.ID), "")
	require.NoError(r.t, err)
	if len(d.PendingActivities) != 1 {
		return 0
	}
	return d.PendingActivities[0].GetAttempt()
}
