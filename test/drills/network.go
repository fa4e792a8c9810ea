package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"orak/events"
	"orak/test/accounts"
)

// networkDrills are those in which every broker lives.
func networkDrills() []drill {
	return []drill{
		{
			name: "partition", about: "the leader of most partitions of " + events.TopicUploads + " lives, and is cut off from all others",
			promises: "uploads are taken, and processed once others lead",
			blow:     partition,
			lacks: func(s *scene) string {
				for _, name := range brokers {
					if b, err := s.Service(name); err != nil || b.Link == "" {
						return "the brokers run on loopback: networks of their own need root and the program ip"
					}
				}
				return ""
			},
		},
		{
			name: "slow-broker", about: fmt.Sprintf("one broker answers slowly: it stands still for %s in each %s", standing, standing+moving),
			promises: "the answers of the API are as fast as before",
			blow:     slowBroker,
		},
	}
}

// partition cuts off the broker that leads most, for as long as others are down. The
// cluster takes it for dead; it believes for a while that it leads.
func partition(ctx context.Context, s *scene) error {
	leader, err := s.leader(ctx)
	if err != nil {
		return err
	}
	before, err := s.Service(leader)
	if err != nil {
		return err
	}
	join, err := s.CutOff(ctx, leader)
	if err != nil {
		return err
	}
	s.say("%s is cut off for %s", leader, s.down)
	accounts.Pause(ctx, s.down)
	if err := join(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	after, err := s.Service(leader)
	if err != nil {
		return err
	}
	if after.PID != before.PID || after.PID == 0 {
		return fmt.Errorf("%s did not live through it: process %d, then %d", leader, before.PID, after.PID)
	}
	s.note("%s lived all the time, and is joined again", leader)
	return s.inSync(ctx)
}

// A slow broker stands still and moves in turns. It keeps its session with the
// controller, which ends after 9 s, and so stays the leader of what it leads.
const (
	standing = 900 * time.Millisecond
	moving   = 100 * time.Millisecond
	// slower is how much slower the API may answer meanwhile: far less than the broker.
	slower = standing / 3
)

// slowBroker makes the broker slow that leads most.
func slowBroker(ctx context.Context, s *scene) error {
	leader, err := s.leader(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	s.say("%s is slow for %s", leader, s.down)
	for time.Since(began) < s.down && ctx.Err() == nil {
		if err := s.standStill(ctx, leader); err != nil {
			return err
		}
		accounts.Pause(ctx, moving)
	}
	if leads, err := s.leads(ctx, events.TopicUploads); err != nil || leads[leader] == 0 {
		return errors.Join(err, fmt.Errorf("%s leads %d partitions, so that it did not slow anything", leader, leads[leader]))
	}
	before, during := s.load.answers(time.Time{}, began), s.load.answers(began, time.Now())
	usual, now := percentile(before, p99), percentile(during, p99)
	s.note("99 of 100 uploads were answered within %.0f ms, before within %.0f ms", now.Seconds()*1000, usual.Seconds()*1000)
	if now > usual+slower {
		return fmt.Errorf("answers became slower: %s in place of %s", now, usual)
	}
	return nil
}

// standStill stops every process of a service for a moment.
func (s *scene) standStill(ctx context.Context, name string) error {
	if _, err := s.Signal(name, syscall.SIGSTOP); err != nil {
		return err
	}
	accounts.Pause(ctx, standing)
	_, err := s.Signal(name, syscall.SIGCONT)
	return err
}

// answers are how long the answers 202 took to requests of a time.
func (l *load) answers(from, to time.Time) (took []time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.all {
		for _, a := range slices.Backward(s.answers) {
			if begun := a.at.Add(-a.took); !s.taken.IsZero() && a.at.Equal(s.taken) && begun.After(from) && begun.Before(to) {
				took = append(took, a.took)
			}
		}
	}
	return took
}
