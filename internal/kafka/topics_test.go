package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

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

func TestExistingTopicsAreKept(t *testing.T) {
	t.Parallel()
	_, cl, ctx := setup(t)
	changed := events.Topic{Name: events.TopicUploads, Partitions: 24, Retention: time.Hour}
	require.NoError(t, kafka.EnsureTopics(ctx, cl, []events.Topic{changed}, 1))
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

func TestTopicThatMayNotBeCreatedIsNamedWithTheCommandThatHelps(t *testing.T) {
	t.Parallel()
	grant := func(operation kmsg.ACLOperation, topic string) kfake.ACL {
		return kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: topic, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: operation, Allow: true}
	}
	acls := []kfake.ACL{grant(kmsg.ACLOperationDescribe, "*")}
	for _, topic := range events.Topics() {
		if topic.Name != events.TopicAudit {
			acls = append(acls, grant(kmsg.ACLOperationCreate, topic.Name))
		}
	}
	const sasl = "SCRAM-SHA-512"
	c := cluster(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser(sasl, "admin", "admin"), kfake.User(sasl, "orak", "secret", acls...))
	as := func(user, password string) *kgo.Client {
		cfg := config(c)
		cfg.User, cfg.Password, cfg.SASL = user, password, sasl
		return newClient(t, cfg)
	}
	cl := as("orak", "secret")
	err := kafka.EnsureTopics(t.Context(), cl, events.Topics(), 1)
	requireClass(t, err, orak.ClassDependency)
	at := "--bootstrap-server " + c.ListenAddrs()[0]
	require.ErrorContains(t, err, "creating topic orak.audit: TOPIC_AUTHORIZATION_FAILED")
	require.ErrorContains(t, err, "`kafka-topics.sh "+at+" --create --topic orak.audit --partitions 1 --config cleanup.policy=delete --config retention.bytes=-1 --config retention.ms=34560000000`")
	require.ErrorContains(t, err, "`kafka-acls.sh "+at+" --add --allow-principal User:NAME --operation Create --operation Describe --topic orak.audit`")
	require.NotContains(t, err.Error(), "secret")

	require.NoError(t, kafka.EnsureTopics(t.Context(), as("admin", "admin"), events.Topics(), 1))
	require.NoError(t, kafka.EnsureTopics(t.Context(), as("orak", "secret"), events.Topics(), 1), "one that is there need not be created")
}
