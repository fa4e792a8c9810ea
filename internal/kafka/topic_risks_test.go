package kafka_test

import (
	"encoding/json"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"

	"orak/events"
	"orak/internal/kafka"
)

const day = 24 * time.Hour

// monthly is a Temporal that keeps closed workflows for longer than Kafka its events.
var monthly = kafka.Closed{Namespace: "default", Kept: 30 * day}

func TestTopicsAsDefinedAreNoRisk(t *testing.T) {
	t.Parallel()
	_, cl, ctx := setup(t)
	risks, err := kafka.TopicRisks(ctx, cl, events.Topics(), monthly)
	require.NoError(t, err)
	require.Empty(t, risks, "one broker needs no replicas")
}

func TestMissingTopicsAreNoRisk(t *testing.T) {
	t.Parallel()
	cl := newClient(t, config(cluster(t)))
	risks, err := kafka.TopicRisks(t.Context(), cl, events.Topics(), monthly)
	require.NoError(t, err)
	require.Empty(t, risks, "they are created next")
}

func TestEachRiskOfATopicIsToldWithItsCommand(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct {
		topic      events.Topic
		replicas   int16
		config     map[string]string
		closed     kafka.Closed
		code       kafka.RiskCode
		have, want string
		mend       string
	}{
		"few partitions": {
			topic: events.Topic{Name: events.TopicUploads, Partitions: 3, Retention: 7 * day}, replicas: 3,
			code: kafka.RiskPartitions, have: "3", want: "12", mend: `kafka-topics\.sh .* --alter --topic orak\.uploads --partitions 12`,
		},
		"many partitions": {
			topic: events.Topic{Name: events.TopicUploads, Partitions: 24, Retention: 7 * day}, replicas: 3,
			code: kafka.RiskPartitions, have: "24", want: "12", mend: `^$`,
		},
		"control is not compacted": {
			topic: events.Topic{Name: events.TopicControl, Partitions: 1, Retention: 7 * day}, replicas: 3,
			code: kafka.RiskCleanup, have: "delete", want: "compact", mend: `--entity-name orak\.control --add-config cleanup\.policy=compact`,
		},
		"one replica": {
			topic: events.Topic{Name: events.TopicUploads, Partitions: 12, Retention: 7 * day}, replicas: 1,
			code: kafka.RiskReplicas, have: "1", want: "3", mend: `kafka-reassign-partitions\.sh .*--throttle 50000000`,
		},
		"an acknowledged record on one broker": {
			topic: events.Topic{Name: events.TopicUploads, Partitions: 12, Retention: 7 * day}, replicas: 3,
			config: map[string]string{"min.insync.replicas": "1"},
			code:   kafka.RiskMinInSync, have: "1", want: "2", mend: `min\.insync\.replicas=2`,
		},
		"one broker stops the topic": {
			topic: events.Topic{Name: events.TopicUploads, Partitions: 12, Retention: 7 * day}, replicas: 3,
			config: map[string]string{"min.insync.replicas": "3"},
			code:   kafka.RiskMinInSync, have: "3", want: "2", mend: `min\.insync\.replicas=2`,
		},
		"unclean election": {
			topic: events.Topic{Name: events.TopicUploads, Partitions: 12, Retention: 7 * day}, replicas: 3,
			config: map[string]string{"unclean.leader.election.enable": "true"},
			code:   kafka.RiskUncleanElection, have: "true", want: "false", mend: `unclean\.leader\.election\.enable=false`,
		},
		"short retention": {
			topic: events.Topic{Name: events.TopicUploads, Partitions: 12, Retention: time.Hour}, replicas: 3,
			code: kafka.RiskRetention, have: "1h0m0s", want: "7 days", mend: `retention\.ms=604800000`,
		},
		"acts are kept for another time": {
			topic: events.Topic{Name: events.TopicAudit, Partitions: 1, Retention: day}, replicas: 3,
			code: kafka.RiskRetention, have: "1 day", want: "400 days", mend: `--entity-name orak\.audit --add-config retention\.ms=34560000000`,
		},
		"Temporal forgets first": {
			topic: events.Topic{Name: events.TopicUploads, Partitions: 12, Retention: 7 * day}, replicas: 3,
			closed: kafka.Closed{Namespace: "choir", Kept: 7 * day},
			code:   kafka.RiskRetention, have: "7 days", want: "less than 7 days", mend: `temporal operator namespace update --namespace choir --retention 192h`,
		},
		"events are kept for ever": {
			topic: events.Topic{Name: events.TopicUploads, Partitions: 12}, replicas: 3,
			code: kafka.RiskRetention, have: "for ever", want: "less than 30 days", mend: `retention\.ms=604800000`,
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			cl := newClient(t, config(cluster(t, kfake.NumBrokers(3))))
			if test.closed == (kafka.Closed{}) {
				test.closed = monthly
			}
			settings := map[string]string{"min.insync.replicas": "2", "unclean.leader.election.enable": "false"}
			for name, value := range test.config {
				settings[name] = value
			}
			require.NoError(t, kafka.EnsureTopics(t.Context(), cl, []events.Topic{test.topic}, test.replicas))
			alter(t, kadm.NewClient(cl), test.topic.Name, settings)
			risks, err := kafka.TopicRisks(t.Context(), cl, events.Topics(), test.closed)
			require.NoError(t, err)
			require.Len(t, risks, 1, "%+v", risks)
			r := risks[0]
			require.Equal(t, test.topic.Name, r.Topic)
			require.Equal(t, test.code, r.Code)
			require.Equal(t, []string{test.have, test.want}, []string{r.Have, r.Want})
			require.Regexp(t, test.mend, r.Mend)
			require.NotEmpty(t, r.Meaning)
		})
	}
}

func alter(t *testing.T, adm *kadm.Client, topic string, settings map[string]string) {
	t.Helper()
	var changes []kadm.AlterConfig
	for name, value := range settings {
		changes = append(changes, kadm.AlterConfig{Name: name, Value: &value})
	}
	done, err := adm.AlterTopicConfigs(t.Context(), changes, topic)
	require.NoError(t, err)
	for _, d := range done {
		require.NoError(t, d.Err)
	}
}

// The command that adds replicas keeps those that exist, and puts the others on
// different brokers.
func TestReassignmentKeepsReplicasAndSpreadsTheOthers(t *testing.T) {
	t.Parallel()
	cl := newClient(t, config(cluster(t, kfake.NumBrokers(4))))
	topic := events.Topic{Name: events.TopicUploads, Partitions: 12, Retention: 7 * day}
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, []events.Topic{topic}, 1))
	risks, err := kafka.TopicRisks(t.Context(), cl, []events.Topic{topic}, monthly)
	require.NoError(t, err)
	require.Len(t, risks, 1)
	var plan struct {
		Partitions []struct {
			Partition int32
			Replicas  []int32
		}
	}
	require.NoError(t, json.Unmarshal([]byte(regexp.MustCompile(`'(.*)'`).FindStringSubmatch(risks[0].Mend)[1]), &plan))
	now, err := kadm.NewClient(cl).ListTopics(t.Context(), topic.Name)
	require.NoError(t, err)
	require.Len(t, plan.Partitions, 12)
	share := map[int32]int{}
	for _, p := range plan.Partitions {
		require.Len(t, p.Replicas, 3)
		require.Equal(t, now[topic.Name].Partitions[p.Partition].Replicas, p.Replicas[:1], strconv.Itoa(int(p.Partition)))
		seen := map[int32]bool{}
		for _, broker := range p.Replicas {
			seen[broker] = true
			share[broker]++
		}
		require.Len(t, seen, 3)
	}
	for broker, n := range share {
		require.InDelta(t, 9, n, 4, "broker %d", broker)
	}
}
