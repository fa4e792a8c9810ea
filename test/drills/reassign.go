package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"

	"orak/api/resource"
	"orak/events"
	"orak/internal/kafka"
)

func reassignDrill() drill {
	return drill{
		name: "reassign", about: events.TopicUploads + " has two replicas, and gets the third by the command that orak topics prints",
		promises: "uploads are taken and processed as before, and no limit of the copy is left",
		blow:     reassign,
	}
}

func reassign(ctx context.Context, s *scene) error {
	if err := s.takeReplicas(ctx, events.TopicUploads); err != nil {
		return err
	}
	mend, err := s.mend(ctx, events.TopicUploads, kafka.RiskReplicas)
	if err != nil {
		return err
	}
	s.say("%s", mend)
	tools, remove, err := s.kafkaTools()
	if err != nil {
		return err
	}
	defer remove()
	paste := func(command string) (string, error) {
		return s.run(ctx, "bash", "-c", "PATH='"+tools+"':\"$PATH\"; "+command)
	}
	if _, err := paste(mend); err != nil {
		return err
	}
	// As docs/runbooks/topics.md says.
	verify := regexp.MustCompile(`--execute --throttle \d+`).ReplaceAllString(mend, "--verify")
	for {
		said, err := paste(verify)
		if err != nil {
			return err
		}
		if !strings.Contains(said, "in progress") {
			s.note("kafka-reassign-partitions.sh --verify: %d partitions are complete", strings.Count(said, "is completed"))
			break
		}
	}
	if err := s.inSync(ctx); err != nil {
		return err
	}
	return errors.Join(s.replicated(ctx, events.TopicUploads), s.unthrottled(ctx))
}

// takeReplicas leaves a topic two replicas of each partition.
func (s *scene) takeReplicas(ctx context.Context, topic string) error {
	const left = 2
	topics, err := s.admin.ListTopics(ctx, topic)
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		return fmt.Errorf("looking for replicas: %w", err)
	}
	var request kadm.AlterPartitionAssignmentsReq
	topics.EachPartition(func(p kadm.PartitionDetail) { request.Assign(topic, p.Partition, p.Replicas[:left]) })
	answers, err := s.admin.AlterPartitionAssignments(ctx, request)
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		return fmt.Errorf("taking a replica away: %w", err)
	}
	return nil
}

// mend is the command that `orak topics` prints for a risk, once it sees it.
func (s *scene) mend(ctx context.Context, topic string, code kafka.RiskCode) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, back)
	defer cancel()
	for {
		out, err := s.orak(ctx, "topics", "--json")
		if err != nil {
			return "", err
		}
		var shown resource.Topics
		if err := json.Unmarshal([]byte(out), &shown); err != nil {
			return "", fmt.Errorf("reading what orak topics says: %w", err)
		}
		for _, t := range shown.Topics {
			for _, r := range t.Risks {
				if t.Name == topic && r.Code == string(code) {
					return r.Mend, nil
				}
			}
		}
	}
}

// kafkaTools makes a folder with the command of Kafka's distribution that is pasted.
func (s *scene) kafkaTools() (folder string, remove func(), err error) {
	broker, err := s.Service(brokers[0])
	if err != nil {
		return "", nil, err
	}
	jars := ""
	for i, arg := range broker.Command {
		if arg == "-cp" {
			jars = broker.Command[i+1]
		}
	}
	if folder, err = os.MkdirTemp("", "kafka-tools-"); err != nil {
		return "", nil, fmt.Errorf("making a folder for Kafka's command: %w", err)
	}
	script := "#!/bin/sh\nexec java -cp '" + jars + "' org.apache.kafka.tools.reassign.ReassignPartitionsCommand \"$@\"\n"
	if err := os.WriteFile(filepath.Join(folder, "kafka-reassign-partitions.sh"), []byte(script), 0o700); err != nil {
		return "", nil, fmt.Errorf("writing Kafka's command: %w", err)
	}
	return folder, func() { _ = os.RemoveAll(folder) }, nil // a temporary folder
}

// replicated checks that every partition of a topic has three replicas.
func (s *scene) replicated(ctx context.Context, topic string) (err error) {
	topics, err := s.admin.ListTopics(ctx, topic)
	if err != nil {
		return fmt.Errorf("looking for replicas: %w", err)
	}
	topics.EachPartition(func(p kadm.PartitionDetail) {
		if len(p.Replicas) != len(brokers) {
			err = errors.Join(err, fmt.Errorf("partition %d has the replicas %v", p.Partition, p.Replicas))
		}
	})
	return err
}

// unthrottled checks that no broker has a limit of copying left.
func (s *scene) unthrottled(ctx context.Context) error {
	configs, err := s.admin.DescribeBrokerConfigs(ctx, 1, 2, 3)
	if err != nil {
		return fmt.Errorf("describing brokers: %w", err)
	}
	for _, broker := range configs {
		for _, c := range broker.Configs {
			if strings.HasSuffix(c.Key, "replication.throttled.rate") && c.Source.String() == "DYNAMIC_BROKER_CONFIG" {
				err = errors.Join(err, fmt.Errorf("broker %s still has %s=%s", broker.Name, c.Key, c.MaybeValue()))
			}
		}
	}
	return err
}
