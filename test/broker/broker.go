// Package broker gives tests a running Kafka broker, if there is one: go tool task
// test:kafka runs suites against Apache Kafka that otherwise use one kfake for
// each test.
package broker

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Env names the broker, host:port. It belongs to the tests: each of them
// deletes everything on it. Two test binaries cannot share one (go test -p 1).
const Env = "ORAK_TEST_KAFKA"

// within bounds the broker's operations; a killed member keeps its group until
// its session ends.
const within = 60 * time.Second

// turn is held by the test that uses the broker: topics and groups have the
// same names in every test.
var turn sync.Mutex

// Take returns the address of the broker that Env names, emptied, only for t until
// its end. It returns "" if Env is not set.
func Take(t testing.TB) (address string) {
	t.Helper()
	address = os.Getenv(Env)
	if address == "" {
		return ""
	}
	turn.Lock()
	t.Cleanup(turn.Unlock)
	cl, err := kgo.NewClient(kgo.SeedBrokers(address))
	require.NoError(t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	adm := kadm.NewClient(cl)
	for {
		err := wipe(ctx, adm)
		if err == nil {
			return address
		}
		require.NoError(t, ctx.Err(), "emptying the broker: %v", err)
		time.Sleep(50 * time.Millisecond)
	}
}

// AwaitTopic returns once the topic can be used, which on Apache Kafka is a moment
// after its creation.
func AwaitTopic(t testing.TB, adm *kadm.Client, topic string, partitions int) {
	t.Helper()
	require.Eventually(t, func() bool {
		ends, err := adm.ListEndOffsets(t.Context(), topic)
		return err == nil && ends.Error() == nil && len(ends[topic]) == partitions
	}, within, 10*time.Millisecond)
}

// wipe deletes every group and topic except Kafka's own.
func wipe(ctx context.Context, adm *kadm.Client) error {
	groups, err := adm.ListGroups(ctx)
	if err != nil {
		return err
	}
	for _, name := range groups.Groups() {
		if _, err := adm.DeleteGroup(ctx, name); errors.Is(err, kerr.NonEmptyGroup) {
			return errors.Join(err, evictNamed(ctx, adm, name))
		} else if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
			return err
		}
	}
	topics, err := adm.ListTopics(ctx)
	if err != nil {
		return err
	}
	for _, name := range topics.Names() {
		if strings.HasPrefix(name, "__") {
			continue
		}
		if _, err := adm.DeleteTopic(ctx, name); err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
			return err
		}
	}
	return nil
}

// evictNamed removes static members, which stay in the group when they stop.
func evictNamed(ctx context.Context, adm *kadm.Client, group string) error {
	groups, err := adm.DescribeGroups(ctx, group)
	if err != nil {
		return err
	}
	var named []string
	for _, m := range groups[group].Members {
		if m.InstanceID != nil {
			named = append(named, *m.InstanceID)
		}
	}
	if len(named) == 0 {
		return nil
	}
	_, err = adm.LeaveGroup(ctx, kadm.LeaveGroup(group).InstanceIDs(named...))
	return err
}
