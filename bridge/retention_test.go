package bridge_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"orak/bridge"
)

// logBuffer is a log that may be written and read at the same time.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *logBuffer) contains(s string) bool { return strings.Contains(b.String(), s) }

// Temporal recognizes a repeated upload for as long as it remembers the closed
// workflow.
func TestNamespaceRetentionShorterThanTheTopicsIsWarnedAbout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	start := func() *logBuffer {
		out := new(logBuffer)
		b.start(func(_ *bridge.Config, d *bridge.Deps) {
			d.Temporal, d.Namespace = b.client(b.address), b.ns
			d.Log = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		return out
	}
	long := start()
	require.Eventually(t, func() bool { return long.contains("retention is in order") }, within, 10*time.Millisecond)

	b.ns += "-short"
	_, err := b.temporal.WorkflowService().RegisterNamespace(b.ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: b.ns, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	require.NoError(t, err)
	short := start()
	require.Eventually(t, func() bool { return short.contains("retention is not longer") }, within, 10*time.Millisecond)
}
