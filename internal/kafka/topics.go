package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
)

// EnsureTopics creates the topics that are missing, with rf replicas (-1: the brokers'
// default), and does not change those that exist. It may run at any time, and
// concurrently. A topic with another number of partitions works, so that it only
// causes a warning in the client's log; so does a compacted topic that exists with
// another cleanup policy, whose records would be deleted one day. An error is an
// *orak.Fault of class dependency.
//
// Topics are not auto-created, since they would get the brokers' defaults for
// partitions and retention.
func EnsureTopics(ctx context.Context, cl *kgo.Client, topics []events.Topic, rf int16) error {
	adm := kadm.NewClient(cl)
	for _, t := range topics {
		if err := ensureTopic(ctx, adm, t, rf); err != nil {
			return notReady(fmt.Errorf("creating topic %s: %w", t.Name, err))
		}
	}
	if err := warnAboutPartitions(ctx, cl, adm, topics); err != nil {
		return err
	}
	return warnAboutCleanup(ctx, cl, adm, topics)
}

func notReady(err error) *orak.Fault {
	return &orak.Fault{
		Class:      orak.ClassDependency,
		Dependency: orak.DependencyKafka,
		Message:    "The event log is not ready.",
		Err:        err,
	}
}

func ensureTopic(ctx context.Context, adm *kadm.Client, t events.Topic, rf int16) error {
	_, err := adm.CreateTopic(ctx, t.Partitions, rf, topicConfig(t), t.Name)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	return err
}

// compact is the cleanup policy of a compacted topic.
const compact = "compact"

func topicConfig(t events.Topic) map[string]*string {
	if t.Compacted {
		return map[string]*string{"cleanup.policy": kadm.StringPtr(compact)}
	}
	cfg := map[string]*string{
		"cleanup.policy": kadm.StringPtr("delete"),
		"retention.ms":   kadm.StringPtr(strconv.FormatInt(t.Retention.Milliseconds(), 10)),
	}
	if t.Retention == 0 {
		cfg["retention.ms"], cfg["retention.bytes"] = kadm.StringPtr("-1"), kadm.StringPtr("-1")
	}
	if t.Name == events.TopicDeadLetters {
		cfg["max.message.bytes"] = kadm.StringPtr(strconv.Itoa(MaxRecord))
	}
	return cfg
}

func warnAboutPartitions(ctx context.Context, cl *kgo.Client, adm *kadm.Client, topics []events.Topic) error {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.Name
	}
	have, err := adm.ListTopics(ctx, names...)
	if err != nil {
		return notReady(fmt.Errorf("listing topics: %w", err))
	}
	log, _ := cl.OptValue(kgo.WithLogger).(kgo.Logger)
	for _, t := range topics {
		n := len(have[t.Name].Partitions)
		if log != nil && n != 0 && n != int(t.Partitions) {
			log.Log(kgo.LogLevelWarn, "topic has another number of partitions",
				"topic", t.Name, "partitions", n, "want", t.Partitions)
		}
	}
	return nil
}

func warnAboutCleanup(ctx context.Context, cl *kgo.Client, adm *kadm.Client, topics []events.Topic) error {
	var names []string
	for _, t := range topics {
		if t.Compacted {
			names = append(names, t.Name)
		}
	}
	log, _ := cl.OptValue(kgo.WithLogger).(kgo.Logger)
	if len(names) == 0 || log == nil {
		return nil
	}
	configs, err := adm.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return notReady(fmt.Errorf("describing topics: %w", err))
	}
	for _, topic := range configs {
		for _, c := range topic.Configs {
			if c.Key == "cleanup.policy" && c.MaybeValue() != compact {
				log.Log(kgo.LogLevelWarn, "topic has another cleanup policy", "topic", topic.Name, "policy", c.MaybeValue(), "want", compact)
			}
		}
	}
	return nil
}

// Retention returns how long records of topic are kept; 0 means for ever.
func Retention(ctx context.Context, cl *kgo.Client, topic string) (time.Duration, error) {
	configs, err := kadm.NewClient(cl).DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("describing topic %s: %w", topic, err)
	}
	config, err := configs.On(topic, nil)
	if err != nil {
		return 0, fmt.Errorf("describing topic %s: %w", topic, err)
	}
	if config.Err != nil {
		return 0, fmt.Errorf("describing topic %s: %w", topic, config.Err)
	}
	for _, c := range config.Configs {
		if c.Key != "retention.ms" || c.Value == nil {
			continue
		}
		ms, err := strconv.ParseInt(*c.Value, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("describing topic %s: retention.ms: %w", topic, err)
		}
		return max(0, time.Duration(ms)*time.Millisecond), nil
	}
	return 0, fmt.Errorf("describing topic %s: no retention.ms", topic)
}
