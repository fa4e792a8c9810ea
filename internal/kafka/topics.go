package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
)

// EnsureTopics creates the topics that are missing, with rf replicas (-1: the brokers'
// default), and does not change those that exist: TopicRisks says what is wrong with
// them. It may run at any time, and concurrently. An error is an *orak.Fault of class
// dependency: for a topic that is missing and may not be created, it has the commands
// that help.
//
// Topics are not auto-created, since they would get the brokers' defaults for
// partitions and retention.
func EnsureTopics(ctx context.Context, cl *kgo.Client, topics []events.Topic, rf int16) error {
	adm := kadm.NewClient(cl)
	for _, t := range topics {
		err := ensureTopic(ctx, adm, t, rf)
		if denied(err) {
			err = permitted(ctx, cl, adm, t, err)
		}
		if err != nil {
			return notReady(fmt.Errorf("creating topic %s: %w", t.Name, err))
		}
	}
	return nil
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

func denied(err error) bool {
	return errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed)
}

// permitted returns nil if the topic, which may not be created, is there: brokers deny its
// creation in the same way then. Otherwise it adds to err what an administrator can do.
func permitted(ctx context.Context, cl *kgo.Client, adm *kadm.Client, t events.Topic, err error) error {
	have, listErr := adm.ListTopics(ctx, t.Name)
	if listErr == nil && have[t.Name].Err == nil && len(have[t.Name].Partitions) > 0 {
		return nil
	}
	brokers, _ := cl.OptValue(kgo.SeedBrokers).([]string)
	at := " --bootstrap-server " + strings.Join(brokers, ",")
	create := "kafka-topics.sh" + at + " --create --topic " + t.Name + " --partitions " + strconv.Itoa(int(t.Partitions))
	configs := topicConfig(t)
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		create += " --config " + name + "=" + *configs[name]
	}
	permit := "kafka-acls.sh" + at + " --add --allow-principal User:NAME --operation Create --operation Describe --topic " + t.Name
	return fmt.Errorf("%w; it is missing, or may not be described: let an administrator create it with `%s`, or permit it with `%s`", err, create, permit)
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
		cfg["retention.ms"] = kadm.StringPtr("-1")
	}
	if t.Name == events.TopicAudit { // it is kept for its time, whatever the brokers' default size
		cfg["retention.bytes"] = kadm.StringPtr("-1")
	}
	if t.Name == events.TopicDeadLetters {
		cfg["max.message.bytes"] = kadm.StringPtr(strconv.Itoa(MaxRecord))
	}
	return cfg
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
