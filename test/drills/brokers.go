package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"orak/api/resource"
	"orak/events"
	"orak/test/accounts"
)

// back bounds the wait for what was hit, on a machine that may be busy.
const back = 3 * time.Minute

// brokerDrills are those in which no record is ever lost.
func brokerDrills() []drill {
	return []drill{
		{
			name: "broker", about: "kill -9 of one broker of three, which stays away for a while",
			promises: "uploads are taken and processed as before",
			blow:     func(ctx context.Context, s *scene) error { return s.killed(ctx, "kafka-2") },
		},
		{
			name: "leader", about: "kill -9 of the broker that leads most partitions of " + events.TopicUploads,
			promises: "uploads are taken, and processed once others lead",
			blow:     killLeader,
		},
		{
			name: "rolling", about: "a rolling restart of all brokers, each in sync before the next",
			promises: "uploads are taken and processed as before",
			blow:     rollingRestart,
		},
		{
			name: "two-brokers", about: "kill -9 of two brokers of three, which stay away for a while",
			promises: "uploads are taken, and announced once a second broker is back",
			blow:     twoBrokers,
		},
	}
}

// killed kills services, keeps them down for a while, and returns when they are healthy
// again and, if they are brokers, every replica is in sync.
func (s *scene) killed(ctx context.Context, names ...string) error {
	gone := make(chan error, len(names))
	for _, name := range names {
		s.say("kill -9 %s, down for %s", name, s.down)
		go func() { gone <- s.killedOne(ctx, name) }()
	}
	var failed error
	for range names {
		failed = errors.Join(failed, <-gone)
	}
	if failed != nil {
		return failed
	}
	return s.inSync(ctx)
}

func (s *scene) killedOne(ctx context.Context, name string) error {
	start, err := s.Hold(ctx, name, syscall.SIGKILL)
	if err != nil {
		return err
	}
	accounts.Pause(ctx, s.down)
	if err := start(); err != nil {
		return err
	}
	return s.healthy(ctx, name, 0)
}

// healthy returns once a service is healthy in another process.
func (s *scene) healthy(ctx context.Context, name string, before int) error {
	ctx, cancel := context.WithTimeout(ctx, back)
	defer cancel()
	_, err := s.AwaitHealthy(ctx, name, before)
	return err
}

func killLeader(ctx context.Context, s *scene) error {
	leader, err := s.leader(ctx)
	if err != nil {
		return err
	}
	return s.killed(ctx, leader)
}

// leader is the broker that leads most partitions of the topic of uploads.
func (s *scene) leader(ctx context.Context) (string, error) {
	leads, err := s.leads(ctx, events.TopicUploads)
	if err != nil {
		return "", err
	}
	leader := slices.MaxFunc(slices.Sorted(maps.Keys(leads)), func(a, b string) int { return leads[a] - leads[b] })
	s.note("%s leads %d partitions of %s", leader, leads[leader], events.TopicUploads)
	return leader, nil
}

// leads counts the partitions of a topic that each broker leads.
func (s *scene) leads(ctx context.Context, topic string) (map[string]int, error) {
	topics, err := s.admin.ListTopics(ctx, topic)
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("looking for leaders: %w", err)
	}
	leads := map[string]int{}
	topics.EachPartition(func(p kadm.PartitionDetail) { leads[brokerName(p.Leader)]++ })
	return leads, nil
}

// brokers are the services of docker-compose.yml.
var brokers = []string{"kafka-1", "kafka-2", "kafka-3"}

// brokerName is the service of the broker with an id.
func brokerName(id int32) string { return "kafka-" + strconv.Itoa(int(id)) }

func rollingRestart(ctx context.Context, s *scene) error {
	for _, name := range brokers {
		began := time.Now()
		before, err := s.Signal(name, syscall.SIGTERM)
		if err != nil {
			return err
		}
		if err := s.healthy(ctx, name, before.PID); err != nil {
			return err
		}
		if err := s.inSync(ctx); err != nil {
			return err
		}
		s.note("%s was restarted and in sync after %.1f s", name, time.Since(began).Seconds())
	}
	return nil
}

// inSync returns once `orak topics` lacks no replica: before that, no other broker may
// be restarted.
func (s *scene) inSync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, back)
	defer cancel()
	for {
		behind, err := s.behind(ctx)
		if err == nil && behind == 0 {
			return nil
		}
		if !accounts.Pause(ctx, 500*time.Millisecond) {
			return fmt.Errorf("%d partitions are not in sync: %w", behind, errors.Join(ctx.Err(), err))
		}
	}
}

// behind counts the partitions that lack a replica, as `orak topics` shows them.
func (s *scene) behind(ctx context.Context) (n int, err error) {
	out, err := s.orak(ctx, "topics", "--json")
	if err != nil {
		return 0, err
	}
	var shown resource.Topics
	if err := json.Unmarshal([]byte(out), &shown); err != nil {
		return 0, fmt.Errorf("reading what orak topics says: %w", err)
	}
	for _, t := range shown.Topics {
		if t.Missing || t.Error != "" {
			return 0, fmt.Errorf("%s: missing: %t %s", t.Name, t.Missing, t.Error)
		}
		n += t.UnderReplicated
	}
	return n, nil
}

func twoBrokers(ctx context.Context, s *scene) error {
	// What was sent a moment ago may still be announced, or have no marker yet.
	const margin = 3 * time.Second
	began, waits := time.Now(), make(chan error, 1)
	go func() {
		accounts.Pause(ctx, s.down-margin)
		waits <- s.wait(ctx, began.Add(margin), time.Now().Add(-margin))
	}()
	err := s.killed(ctx, "kafka-1", "kafka-3")
	return errors.Join(err, <-waits)
}

// wait checks that every upload that was taken within a time waits in the outbox.
func (s *scene) wait(ctx context.Context, from, to time.Time) error {
	waiting, missing, err := s.waiting(ctx, s.load.taken(from, to))
	switch {
	case err != nil:
		return err
	case len(waiting)+len(missing) == 0:
		return errors.New("no upload was taken while two brokers were away")
	case len(missing) > 0:
		return fmt.Errorf("%d uploads were taken while two brokers were away, and have no marker: %s", len(missing), strings.Join(missing, " "))
	}
	s.note("%d uploads were taken while two brokers were away, and each waited in the outbox", len(waiting))
	return nil
}

// waiting tells the uploads that wait in the outbox from those that do not.
func (s *scene) waiting(ctx context.Context, all []*sending) (waiting, announced []string, err error) {
	reader, err := accounts.Open(s.at)
	if err != nil {
		return nil, nil, err
	}
	defer reader.Close()
	pending, err := reader.Pending(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, one := range all {
		if pending[one.ID] {
			waiting = append(waiting, string(one.ID))
		} else {
			announced = append(announced, string(one.ID))
		}
	}
	return waiting, announced, nil
}
