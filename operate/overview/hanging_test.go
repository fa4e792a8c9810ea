package overview

import (
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/internal/temporal"
)

// silent returns the address of a server that accepts connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	return ln.Addr().String()
}

func TestDependencyThatHangsDelaysNoAnswerForLong(t *testing.T) {
	t.Parallel()
	address := silent(t)
	c, err := temporal.Lazy(temporal.Config{Address: address, Namespace: "none"}, slog.New(slog.DiscardHandler), temporal.Telemetry{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := newWorld(t, func(d *Deps) { d.Temporal, d.Kafka.Brokers, d.Metrics = c, []string{address}, prometheus.NewRegistry() })
	for name, ask := range map[string]func() error{
		"lag":    func() error { _, err := w.Lag(t.Context()); return err },
		"topics": func() error { _, err := w.Topics(t.Context()); return err },
		"queues": func() error { _, err := w.Queues(t.Context(), "choir"); return err },
		"attention": func() error {
			if found := w.Attention(t.Context(), resource.EveryTenant); len(found.Unavailable) < 5 {
				return nil
			}
			return &orak.Fault{Class: orak.ClassDependency}
		},
		"sinks": func() error {
			found, err := w.Sinks(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, found.Unavailable)
			return &orak.Fault{Class: orak.ClassDependency}
		},
		"reconcile": func() error { _, err := w.Reconcile(t.Context()); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			var f *orak.Fault
			require.True(t, errors.As(ask(), &f))
			require.Equal(t, orak.ClassDependency, f.Class)
			require.Less(t, time.Since(began), within+5*time.Second)
		})
	}
}
