package consume

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// askTimeout bounds a question to Kafka, and one report of a stall.
const askTimeout = 10 * time.Second

// maxDump is how much of a goroutine dump goes into the log, in bytes. Equal
// goroutines are one entry of it.
const maxDump = 256 << 10

// Stall says that records wait in partitions whose commits do not move.
type Stall struct {
	// Partitions are those that do not move, by topic and ascending; a member that
	// owns none reports on all of a topic, as -1.
	Partitions map[string][]int32
	// Lag is how many offsets they are behind.
	Lag int64
	// HeldBack is how many of those are behind the start of a transaction that a
	// producer has left open: they cannot be read before it ends.
	HeldBack int64
	// Since is when the first of them was last seen to move.
	Since time.Time
}

func (s Stall) String() string {
	var where []string
	for _, topic := range slices.Sorted(maps.Keys(s.Partitions)) {
		where = append(where, fmt.Sprintf("%v of %s", s.Partitions[topic], topic))
	}
	said := fmt.Sprintf("partitions %s have not moved since %s and are %d records behind",
		strings.Join(where, ", "), s.Since.UTC().Format(time.RFC3339), s.Lag)
	if s.HeldBack > 0 {
		said += fmt.Sprintf("; a producer's open transaction holds back %d of them", s.HeldBack)
	}
	return said
}

// count is how many partitions do not move.
func (s Stall) count() (n int) {
	for _, ids := range s.Partitions {
		n += len(ids)
	}
	return n
}

// position is how far a partition is committed, how long it is, and how much of its
// end an open transaction holds back.
type position struct{ committed, end, held int64 }

// stallWatch remembers since when each partition has not moved.
type stallWatch struct {
	after  time.Duration
	looked time.Time
	seen   map[partition]motion
}

// motion is where a partition was when it last moved, or last had nothing to
// move on to.
type motion struct {
	position
	at time.Time
}

func newStallWatch(after time.Duration) *stallWatch {
	return &stallWatch{after: after, seen: make(map[partition]motion)}
}

// look compares positions with those before; nil means that no partition is
// stalled. A partition that was not there before begins anew.
func (w *stallWatch) look(now time.Time, positions map[partition]position) *Stall {
	seen := make(map[partition]motion, len(positions))
	stall := Stall{Partitions: make(map[string][]int32)}
	for id, p := range positions {
		before, ok := w.seen[id]
		idle := before.committed >= before.end
		if !ok || idle || p.committed != before.committed || p.committed >= p.end {
			before = motion{position: p, at: now}
		}
		seen[id] = before
		if now.Sub(before.at) < w.after {
			continue
		}
		stall.Partitions[id.topic] = append(stall.Partitions[id.topic], id.id)
		stall.Lag += p.end - p.committed
		stall.HeldBack += min(p.held, p.end-p.committed)
		if stall.Since.IsZero() || before.at.Before(stall.Since) {
			stall.Since = before.at
		}
	}
	w.seen, w.looked = seen, now
	if len(stall.Partitions) == 0 {
		return nil
	}
	for _, ids := range stall.Partitions {
		slices.Sort(ids)
	}
	return &stall
}

// blind excludes the time in which Kafka could not be asked.
func (w *stallWatch) blind(now time.Time) {
	for id, m := range w.seen {
		m.at = m.at.Add(now.Sub(w.looked))
		w.seen[id] = m
	}
	w.looked = now
}

// watchStalls asks Kafka, and not what the consumer believes of itself: anything
// that keeps the commits from moving shows there. While Kafka does not answer,
// the last finding stays.
func (c *Consumer) watchStalls(ctx context.Context, cl *kgo.Client) {
	if c.cfg.StallAfter == 0 {
		return
	}
	after := c.cfg.StallAfter
	if !c.batch.keyed() {
		after += c.batch.Linger // a record that waits for its batch is no stall
	}
	watch, adm := newStallWatch(after), kadm.NewClient(cl)
	ticker := time.NewTicker(min(c.cfg.StallAfter/4, 15*time.Second))
	defer ticker.Stop()
	var unreported *Stall
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		positions, err := c.positions(ctx, adm)
		if err != nil {
			watch.blind(time.Now())
			c.faults.WarnContext(ctx, "looking for stalls failed", "error", err)
		} else if stall := watch.look(time.Now(), positions); c.noteStall(ctx, stall) {
			unreported = stall
		}
		if unreported != nil && c.reportStall(ctx, *unreported) {
			unreported = nil
		}
	}
}

// noteStall keeps stall for Ready; begins is true where there was none before.
func (c *Consumer) noteStall(ctx context.Context, stall *Stall) (begins bool) {
	before := c.stall.Swap(stall)
	if stall == nil {
		c.metrics.stalled.Set(0)
		if before != nil {
			c.log.InfoContext(ctx, "stall is over", "topics", c.deps.Topics)
		}
		return false
	}
	c.metrics.stalled.Set(float64(stall.count()))
	if before != nil {
		return false
	}
	c.metrics.stalls.Inc()
	c.log.ErrorContext(ctx, "partitions are stalled", "partitions", stall.Partitions, "lag", stall.Lag,
		"held_back", stall.HeldBack, "since", stall.Since, "goroutines", goroutines())
	return true
}

// reportStall calls Deps.Stalled; false asks for another try.
func (c *Consumer) reportStall(ctx context.Context, stall Stall) bool {
	if c.deps.Stalled == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := c.deps.Stalled(ctx, stall); err != nil {
		c.faults.WarnContext(ctx, "reporting a stall failed; it is tried again", "error", err)
		return false
	}
	return true
}

func goroutines() string {
	var dump bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&dump, 1); err != nil {
		return "dumping goroutines: " + err.Error()
	}
	return string(dump.Next(maxDump))
}

// positions are those of the partitions that this member owns. Where it owns
// none, they are added up by topic as partition -1: a group that has stopped as a
// whole has owners for none.
func (c *Consumer) positions(ctx context.Context, adm *kadm.Client) (map[partition]position, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	lag, err := c.groupPositions(ctx, adm)
	if err != nil {
		return nil, err
	}
	owned := make(map[partition]position)
	for _, s := range c.allSessions() {
		if p, ok := lag[s.partition]; ok {
			owned[s.partition] = p
		}
	}
	if len(owned) > 0 {
		return owned, nil
	}
	sums := make(map[partition]position)
	for at, p := range lag {
		at.id = -1
		sum := sums[at]
		sums[at] = position{committed: sum.committed + p.committed, end: sum.end + p.end, held: sum.held + p.held}
	}
	return sums, nil
}

// groupPositions has every partition of the topics. Where nothing is committed, or
// what is committed is gone, the partition's start counts. What an open transaction
// holds back counts as well: records behind it wait, from any producer.
func (c *Consumer) groupPositions(ctx context.Context, adm *kadm.Client) (map[partition]position, error) {
	starts, err := adm.ListStartOffsets(ctx, c.deps.Topics...)
	if err != nil {
		return nil, fmt.Errorf("listing start offsets: %w", err)
	}
	stable, err := adm.ListCommittedOffsets(ctx, c.deps.Topics...)
	if err != nil {
		return nil, fmt.Errorf("listing stable offsets: %w", err)
	}
	ends, err := adm.ListEndOffsets(ctx, c.deps.Topics...)
	if err != nil {
		return nil, fmt.Errorf("listing end offsets: %w", err)
	}
	commits, err := adm.FetchOffsets(ctx, c.deps.Group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("fetching offsets: %w", err)
	}
	positions := make(map[partition]position)
	ends.Each(func(end kadm.ListedOffset) {
		start, ok := starts.Lookup(end.Topic, end.Partition)
		if end.Err != nil || !ok || start.Err != nil {
			return
		}
		p := position{committed: start.Offset, end: end.Offset}
		if c, ok := commits.Lookup(end.Topic, end.Partition); ok && c.Err == nil {
			p.committed = max(p.committed, c.At)
		}
		if s, ok := stable.Lookup(end.Topic, end.Partition); ok && s.Err == nil {
			p.held = max(0, end.Offset-s.Offset)
		}
		positions[partition{topic: end.Topic, id: end.Partition}] = p
	})
	return positions, nil
}
