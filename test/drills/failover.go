package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/test/accounts"
)

func failoverDrill() drill {
	return drill{
		name: "failover", about: "the cluster of " + events.TopicUploads + " is lost for good, while some uploads are announced there and not started",
		promises: "uploads are taken throughout, and every one has its result, once",
		blow:     failover,
		lacks: func(s *scene) string {
			if _, err := s.Service(uploadsCluster); err != nil {
				return "there is one cluster: lay test/drills/failover.yml over docker-compose.yml (rehearse -f)"
			}
			return ""
		},
		account: func(_ *scene, all []*accounts.Upload, seen *accounts.Seen) []accounts.Result {
			return accounts.CheckRestored(all, seen, accounts.Gone{Announcements: true})
		},
	}
}

// uploadsCluster is the cluster, and the broker, that failover.yml adds.
const uploadsCluster = "kafka-uploads"

// failover does what docs/runbooks/kafka-clusters.md says: it moves the producers to the
// standby, starts from the store what only the lost cluster had, and goes back to a new
// one in its place.
func failover(ctx context.Context, s *scene) error {
	const unread = 5 * time.Second
	began := time.Now()
	startBridge, err := s.Hold(ctx, "bridge", syscall.SIGKILL)
	if err != nil {
		return err
	}
	accounts.Pause(ctx, unread)
	startCluster, err := s.hold(ctx, syscall.SIGKILL, uploadsCluster)
	if err != nil {
		return err
	}
	lost := time.Now()
	s.note("%d uploads were taken while no bridge read, until the cluster was lost", len(s.load.taken(began, lost)))
	// It reads the standby, and is not ready before the switch.
	if err := startBridge(); err != nil {
		return err
	}
	if err := s.move(ctx, "standby", "ORAK_KAFKA_STANDBY_BROKERS"); err != nil {
		return err
	}
	s.note("that was %.0f s after the loss", time.Since(lost).Seconds())
	if err := s.emptied(ctx, time.Now()); err != nil {
		return err
	}
	out, err := s.as(ctx, "bridge", "orak", "replay", "--from-store", "--since", "1h", "--yes")
	if err != nil {
		return err
	}
	s.note("orak replay --from-store: %s", summary(out))

	if err := errors.Join(s.lose(uploadsCluster), startCluster(ctx)); err != nil {
		return err
	}
	if err := s.restart(ctx, "bridge"); err != nil { // it makes the topic
		return err
	}
	return s.move(ctx, "primary", "ORAK_KAFKA_UPLOADS_BROKERS")
}

// move switches the producers, and returns once uploads are announced at the place.
func (s *scene) move(ctx context.Context, place, brokers string) error {
	ctx, cancel := context.WithTimeout(ctx, back)
	defer cancel()
	bridge, err := s.Service("bridge")
	if err != nil {
		return err
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(setting(bridge, brokers), ",")...))
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", place, err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	before, err := records(ctx, admin)
	if err != nil {
		return err
	}
	for {
		_, err := s.as(ctx, "bridge", "orak", "kafka", "switch", place, "--by", "drill", "--reason", "drill", "--yes")
		if err == nil {
			break
		}
		s.say("%v", err) // no bridge reads the place yet
		if !accounts.Pause(ctx, time.Second) {
			return errors.Join(ctx.Err(), err)
		}
	}
	switched := time.Now()
	for {
		now, err := records(ctx, admin)
		if err == nil && now > before {
			break
		}
		if !accounts.Pause(ctx, 50*time.Millisecond) {
			return fmt.Errorf("nothing is announced on %s: %w", place, errors.Join(ctx.Err(), err))
		}
	}
	s.note("uploads were announced on %s %.1f s after orak kafka switch ended", place, time.Since(switched).Seconds())
	return nil
}

// records counts what was ever announced on a cluster.
func records(ctx context.Context, admin *kadm.Client) (n int64, err error) {
	ends, err := admin.ListEndOffsets(ctx, events.TopicUploads)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("counting the announcements: %w", err)
	}
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n, nil
}

// emptied returns once no upload waits in the outbox that was taken before a time.
func (s *scene) emptied(ctx context.Context, before time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, back)
	defer cancel()
	for {
		waiting, _, err := s.waiting(ctx, s.load.taken(time.Time{}, before))
		if err == nil && len(waiting) == 0 {
			s.note("all that waited in the outbox was announced %.0f s after that", time.Since(before).Seconds())
			return nil
		}
		if !accounts.Pause(ctx, 500*time.Millisecond) {
			return fmt.Errorf("%d uploads wait in the outbox: %w", len(waiting), errors.Join(ctx.Err(), err))
		}
	}
}
