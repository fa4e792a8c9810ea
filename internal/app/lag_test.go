package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/kafka"
	"orak/test/stack"
)

// within is how long tests wait for what must happen.
const within = 60 * time.Second

// bridgeSettings returns the defaults for a bridge on real servers.
func bridgeSettings(t *testing.T, servers *stack.Servers, args ...string) (cfg Config) {
	t.Helper()
	parser, err := kong.New(&cfg)
	require.NoError(t, err)
	_, err = parser.Parse(append([]string{
		"--kafka-brokers=" + servers.Kafka, "--kafka-replication-factor=1", "--temporal-address=" + servers.Temporal,
		"--temporal-namespace=" + servers.Namespace(t), "--s3-endpoint=" + servers.S3, "--s3-access-key=" + servers.S3AccessKey,
		"--admin-listen=127.0.0.1:0",
	}, args...))
	require.NoError(t, err)
	cfg.Store.SecretKey = servers.S3SecretKey
	if cfg.InstanceID != "" {
		t.Cleanup(func() { leaveGroups(t, cfg) })
	}
	return cfg
}

// leaveGroups removes a process that does not come back from its groups, in which it keeps
// its place for the session timeout: the next test would wait for that.
func leaveGroups(t *testing.T, cfg Config) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(cfg.Kafka.Brokers...))
	require.NoError(t, err)
	defer cl.Close()
	admin := kadm.NewClient(cl)
	ctx := context.Background() // that of the test has ended
	groups, err := admin.DescribeGroups(ctx)
	require.NoError(t, err)
	for _, g := range groups {
		for _, m := range g.Members {
			if m.InstanceID != nil && *m.InstanceID == cfg.InstanceID {
				_, err := admin.LeaveGroup(ctx, kadm.LeaveGroup(g.Group).InstanceIDs(cfg.InstanceID))
				require.NoError(t, err)
			}
		}
	}
}

func TestBridgeExportsLagOfItsOwnAndOfConfiguredGroups(t *testing.T) {
	t.Parallel()
	servers := stack.Start(t)
	cfg := bridgeSettings(t, servers, "--lag-interval=100ms", "--lag-window=1s", "--lag-groups=orak-bridge,listeners", "--instance-id=lag-1")
	log := slog.New(slog.DiscardHandler)
	cl, err := kafka.NewClient(cfg.Kafka, log)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	a, err := Start(t.Context(), cfg, Roles{Bridge: true}, log)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		require.NoError(t, a.Stop(ctx))
	})

	// The bridge ignores the record and commits past it; the listeners do not consume
	// it.
	r := &kgo.Record{Topic: events.TopicUploads, Key: []byte("k"), Headers: []kgo.RecordHeader{
		{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte("1")}, {Key: "ce_source", Value: []byte("/test")},
		{Key: "ce_type", Value: []byte("somebody.elses")},
	}}
	require.NoError(t, cl.ProduceSync(t.Context(), r).FirstErr())
	var at kadm.Offsets
	at.AddOffset(r.Topic, r.Partition, r.Offset, -1)
	require.NoError(t, kadm.NewClient(cl).CommitAllOffsets(t.Context(), "listeners", at))

	var page string
	shows := func(line string) bool {
		resp, err := http.Get("http://" + a.admin.Addr() + "/metrics")
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		page = string(body)
		return regexp.MustCompile(`(?m)^` + line + `$`).MatchString(page)
	}
	for _, line := range []string{
		fmt.Sprintf(`orak_lag_offsets{group=%q,partition="%d",topic=%q} 0`, events.GroupBridge, r.Partition, r.Topic),
		`orak_lag_group_status{group="orak-bridge"} 0`,
		`orak_lag_group_offsets{group="listeners"} [1-9]\d*`, // other tests announce, too
		`orak_lag_group_status{group="listeners"} 6`,
	} {
		require.Eventually(t, func() bool { return shows(line) }, within, 50*time.Millisecond, line)
	}
	require.Contains(t, page, `orak_lag_looks_total{result="ok"}`)
	require.NotContains(t, page, `orak_lag_offsets{group="listeners"`, "partitions of others have no series here")
}
