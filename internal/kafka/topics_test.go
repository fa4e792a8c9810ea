package kafka_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"orak"
	"orak/events"
	"orak/internal/kafka"
)

func TestTopicsAreCreatedAsDefined(t *testing.T) {
	t.Parallel()
	_, cl, ctx := setup(t)
	require.NoError(t, kafka.EnsureTopics(ctx, cl, events.Topics(), 1), "again")
	adm := kadm.NewClient(cl)
	have, err := adm.ListTopics(ctx)
	require.NoError(t, err)
	for _, want := range events.Topics() {
		require.Len(t, have[want.Name].Partitions, int(want.Partitions))
		configs, err := adm.DescribeTopicConfigs(ctx, want.Name)
		require.NoError(t, err)
		values := map[string]string{}
		for _, c := range configs[0].Configs {
			values[c.Key] = c.MaybeValue()
		}
		if want.Compacted {
			require.Equal(t, "compact", values["cleanup.policy"])
			continue
		}
		require.Equal(t, "delete", values["cleanup.policy"])
		kept, err := kafka.Retention(ctx, cl, want.Name)
		require.NoError(t, err)
		require.Equal(t, want.Retention, kept)
	}
}

func TestDefaultReplicationFactorIsTheBrokers(t *testing.T) {
	t.Parallel()
	_, cl, ctx := setup(t)
	topic := events.Topic{Name: "other", Partitions: 1, Retention: time.Hour}
	require.NoError(t, kafka.EnsureTopics(ctx, cl, []events.Topic{topic}, -1))
}

func TestExistingTopicIsKeptWithAWarning(t *testing.T) {
	t.Parallel()
	c, _, ctx := setup(t)
	var out logBuffer
	cl, err := kafka.NewClient(config(c), slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	changed := events.Topic{Name: events.TopicUploads, Partitions: 24, Retention: time.Hour}
	require.NoError(t, kafka.EnsureTopics(ctx, cl, []events.Topic{changed}, 1))
	require.Contains(t, out.String(), "another number of partitions")
	kept, err := kafka.Retention(ctx, cl, events.TopicUploads)
	require.NoError(t, err)
	require.Equal(t, 7*24*time.Hour, kept)
}

func TestUnreachableBrokersAreADependencyFault(t *testing.T) {
	t.Parallel()
	c, _, _ := setup(t)
	cable := new(network)
	cable.set(false)
	cl := newClient(t, config(c), dialer(cable))
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	requireClass(t, kafka.EnsureTopics(ctx, cl, events.Topics(), 1), orak.ClassDependency)
}

func TestControlTopicOfAnotherCleanupPolicyIsKeptWithAWarning(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	var out logBuffer
	cl, err := kafka.NewClient(config(c), slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, []events.Topic{{Name: events.TopicControl, Partitions: 1, Retention: time.Hour}}, 1))
	require.NotContains(t, out.String(), "another cleanup policy")
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, events.Topics(), 1))
	require.Contains(t, out.String(), "another cleanup policy")
}
