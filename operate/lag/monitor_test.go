package lag_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"orak/operate/lag"
)

// figure returns a value of a registry, by name and partition; -1 if there is none.
func figure(t require.TestingT, reg *prometheus.Registry, name, partition string) float64 {
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			found := partition == ""
			for _, label := range m.GetLabel() {
				found = found || label.GetName() == "partition" && label.GetValue() == partition
			}
			if found {
				return m.GetGauge().GetValue()
			}
		}
	}
	return -1
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestMonitorExportsLagAndStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(0, time.Now().Add(-time.Hour), "a", "b", "c")
	w.commit(0, 1)
	w.commit(1, 0)
	reg, log := prometheus.NewRegistry(), &lines{}
	cfg := lag.Config{Interval: 100 * time.Millisecond, Window: 200 * time.Millisecond, Groups: []string{group, "none", group}}
	m := lag.NewMonitor(cfg, w.cfg, own(0, 1), slog.New(slog.NewTextHandler(log, nil)), reg)
	require.NoError(t, m.Start(w.ctx))
	require.Error(t, m.Start(w.ctx), "it is started once")

	require.Eventually(t, func() bool {
		return figure(t, reg, "orak_lag_group_status", "") == float64(lag.StatusError.Code())
	}, patience, 20*time.Millisecond)
	require.EqualValues(t, lag.StatusStall.Code(), figure(t, reg, "orak_lag_status", "0"))
	require.EqualValues(t, 2, figure(t, reg, "orak_lag_offsets", "0"))
	require.Greater(t, figure(t, reg, "orak_lag_seconds", "0"), 3000.0)
	require.Zero(t, figure(t, reg, "orak_lag_seconds", "1"))
	require.Zero(t, figure(t, reg, "orak_lag_lost_offsets", "0"))
	require.Eventually(t, func() bool {
		return strings.Contains(log.String(), "consumer group changed its status") && strings.Contains(log.String(), "status=ERROR")
	}, patience, 20*time.Millisecond)

	w.commit(0, 3)
	require.Eventually(t, func() bool { return figure(t, reg, "orak_lag_group_status", "") == 0 }, patience, 20*time.Millisecond)

	require.NoError(t, m.Stop(w.ctx))
	require.NoError(t, m.Stop(w.ctx))
	require.EqualValues(t, -1, figure(t, reg, "orak_lag_offsets", "0"), "no value is better than an old one")
}

// own returns the partitions of a process.
func own(ids ...int32) lag.Owned {
	return func(of string, p lag.Partition) bool { return of == group && slices.Contains(ids, p.ID) }
}

// Many processes export each group, and each partition once: a process that has no
// partition exports the group all the same, so that a group without members is seen.
func TestMonitorExportsPartitionsThatTheProcessOwns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(0, time.Now().Add(-time.Hour), "a", "b", "c")
	w.produce(1, time.Now().Add(-time.Minute), "d")
	w.commit(0, 1)
	w.commit(1, 0)
	cfg := lag.Config{Interval: 100 * time.Millisecond, Window: 200 * time.Millisecond, Groups: []string{group}}
	for ids, series := range map[string]int{"": 0, "0": 4, "0 1": 8} {
		reg := prometheus.NewRegistry()
		var owned []int32
		for _, id := range strings.Fields(ids) {
			owned = append(owned, int32(id[0]-'0'))
		}
		m := lag.NewMonitor(cfg, w.cfg, own(owned...), slog.New(slog.DiscardHandler), reg)
		require.NoError(t, m.Start(w.ctx))
		require.Eventually(t, func() bool { return figure(t, reg, "orak_lag_group_offsets", "") == 3 }, patience, 20*time.Millisecond)
		require.Greater(t, figure(t, reg, "orak_lag_group_seconds", ""), 3000.0)
		require.Zero(t, figure(t, reg, "orak_lag_group_lost_offsets", ""))
		families, err := reg.Gather()
		require.NoError(t, err)
		perPartition := 0
		for _, family := range families {
			for _, one := range family.GetMetric() {
				for _, label := range one.GetLabel() {
					if label.GetName() == "partition" {
						perPartition++
					}
				}
			}
		}
		require.Equal(t, series, perPartition, ids)
		require.NoError(t, m.Stop(w.ctx))
	}
}

func TestMonitorThatWasNeverStartedCanBeStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := lag.NewMonitor(lag.Config{Interval: time.Second, Window: time.Minute}, w.cfg, own(), slog.New(slog.DiscardHandler), nil)
	require.NoError(t, m.Stop(context.Background()))
	require.Error(t, m.Start(w.ctx))
}

func TestConfigRefusesInvalidSettings(t *testing.T) {
	t.Parallel()
	good := lag.Config{Interval: time.Second, Window: time.Minute}
	require.NoError(t, good.Validate())
	for _, bad := range []lag.Config{
		{Interval: time.Millisecond, Window: time.Minute},
		{Interval: time.Minute, Window: time.Minute},
		{Interval: time.Second, Window: time.Minute, Allowed: -1},
		{Interval: time.Second, Window: time.Minute, Groups: []string{"a", ""}},
	} {
		require.Error(t, bad.Validate())
	}
}
