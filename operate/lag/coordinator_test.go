package lag

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orak/internal/kafka"
)

// A new cluster has no coordinator until it has created the topic of offsets.
func TestMonitorWarnsOfAMissingCoordinatorOnlyIfItLasts(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster()
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	cluster.ControlKey(int16(kmsg.FindCoordinator), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		resp := req.ResponseKind().(*kmsg.FindCoordinatorResponse)
		for _, key := range req.(*kmsg.FindCoordinatorRequest).CoordinatorKeys {
			one := kmsg.NewFindCoordinatorResponseCoordinator()
			one.Key, one.ErrorCode = key, kerr.CoordinatorNotAvailable.Code
			resp.Coordinators = append(resp.Coordinators, one)
		}
		return resp, nil, true
	})
	var log bytes.Buffer
	const group = "listeners"
	reg := prometheus.NewRegistry()
	m := NewMonitor(Config{Interval: time.Second, Window: time.Minute, Groups: []string{group}},
		kafka.Config{Brokers: cluster.ListenAddrs(), ClientID: "test"}, func(string, Partition) bool { return false }, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), reg)
	sampler, err := NewSampler(m.kafka, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(sampler.Close)
	looks := func() string {
		log.Reset()
		m.look(t.Context(), sampler, NewBoard(m.cfg.Rules()), map[string]Status{})
		require.Contains(t, log.String(), "COORDINATOR_NOT_AVAILABLE")
		return log.String()
	}

	require.NoError(t, m.collector.register(reg))
	m.begun = time.Now()
	require.NotContains(t, looks(), "WARN")
	m.begun = time.Now().Add(-settling)
	require.Contains(t, looks(), "WARN")
}
