package bridge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
)

// maxDump is how much of a goroutine dump goes into the log, in bytes. Equal
// goroutines are one entry of it.
const maxDump = 256 << 10

// Stall says that records wait in partitions whose commits stand still.
type Stall struct {
	// Partitions are those of the uploads topic that stand still, ascending;
	// a bridge that owns none speaks of all, with -1.
	Partitions []int32
	// Lag is how many offsets they are behind.
	Lag int64
	// Since is when the first of them last moved, as far as was seen.
	Since time.Time
}

func (s Stall) String() string {
	return fmt.Sprintf("partitions %v of %s have not moved since %s and are %d records behind",
		s.Partitions, events.TopicUploads, s.Since.UTC().Format(time.RFC3339), s.Lag)
}

// position is how far a partition is committed, and how long it is.
type position struct{ committed, end int64 }

// stallWatch remembers since when each partition has not moved on.
type stallWatch struct {
	after  time.Duration
	looked time.Time
	seen   map[int32]motion
}

// motion is where a partition was when it last moved, or last had nothing to
// move on to.
type motion struct {
	position
	at time.Time
}

func newStallWatch(after time.Duration) *stallWatch {
	return &stallWatch{after: after, seen: make(map[int32]motion)}
}

// look takes in where the partitions are now; nil means that none stands
// still. A partition that was not there at the look before begins anew.
func (w *stallWatch) look(now time.Time, positions map[int32]position) *Stall {
	seen := make(map[int32]motion, len(positions))
	var stall Stall
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
		stall.Partitions = append(stall.Partitions, id)
		stall.Lag += p.end - p.committed
		if stall.Since.IsZero() || before.at.Before(stall.Since) {
			stall.Since = before.at
		}
	}
	w.seen, w.looked = seen, now
	if len(stall.Partitions) == 0 {
		return nil
	}
	slices.Sort(stall.Partitions)
	return &stall
}

// blind says that Kafka did not tell: time in which nobody could see anything
// move does not count.
func (w *stallWatch) blind(now time.Time) {
	for id, m := range w.seen {
		m.at = m.at.Add(now.Sub(w.looked))
		w.seen[id] = m
	}
	w.looked = now
}

// watchStalls looks at Kafka, and not at what the bridge believes of itself:
// whatever keeps the commits from moving on shows there. While Kafka does not
// answer, what was found last stays.
func (b *Bridge) watchStalls(ctx context.Context, cl *kgo.Client) {
	if b.cfg.StallAfter == 0 {
		return
	}
	watch, adm := newStallWatch(b.cfg.StallAfter), kadm.NewClient(cl)
	ticker := time.NewTicker(min(b.cfg.StallAfter/4, 15*time.Second))
	defer ticker.Stop()
	var untold *Stall
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		positions, err := b.positions(ctx, adm)
		if err != nil {
			watch.blind(time.Now())
			b.faults.warn(b.log, "looking for stalls failed", "error", err)
		} else if stall := watch.look(time.Now(), positions); b.noteStall(stall) {
			untold = stall
		}
		if untold != nil && b.tellStall(ctx, *untold) {
			untold = nil
		}
	}
}

// noteStall keeps stall for Ready; begins is true where there was none before.
func (b *Bridge) noteStall(stall *Stall) (begins bool) {
	before := b.stall.Swap(stall)
	if stall == nil {
		b.metrics.stalled.Set(0)
		if before != nil {
			b.log.Info("the bridge moves on again")
		}
		return false
	}
	b.metrics.stalled.Set(float64(len(stall.Partitions)))
	if before != nil {
		return false
	}
	b.metrics.stalls.Inc()
	b.log.Error("the bridge stands still", "partitions", stall.Partitions, "lag", stall.Lag,
		"since", stall.Since, "goroutines", goroutines())
	return true
}

// tellStall raises the alert; false asks for another try.
func (b *Bridge) tellStall(ctx context.Context, stall Stall) bool {
	if b.deps.Alerter == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.StartTimeout)
	defer cancel()
	if err := b.deps.Alerter.Stalled(ctx, stall); err != nil {
		b.faults.warn(b.log, "raising an alert failed, it is tried again", "error", err)
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

// positions are those of the partitions that this bridge owns. Where it owns
// none, they are added up as partition -1: a group that has stopped as a whole
// has owners for none.
func (b *Bridge) positions(ctx context.Context, adm *kadm.Client) (map[int32]position, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.StartTimeout)
	defer cancel()
	lag, err := b.groupPositions(ctx, adm)
	if err != nil {
		return nil, err
	}
	owned := make(map[int32]position)
	for _, s := range b.allSessions() {
		if p, ok := lag[s.partition.id]; ok {
			owned[s.partition.id] = p
		}
	}
	if len(owned) > 0 {
		return owned, nil
	}
	var sum position
	for _, p := range lag {
		sum.committed += p.committed
		sum.end += p.end
	}
	return map[int32]position{-1: sum}, nil
}

// groupPositions has every partition of the topic. Where nothing is committed,
// or what is committed is gone, the partition's start counts.
func (b *Bridge) groupPositions(ctx context.Context, adm *kadm.Client) (map[int32]position, error) {
	starts, err := adm.ListStartOffsets(ctx, events.TopicUploads)
	if err != nil {
		return nil, fmt.Errorf("listing start offsets: %w", err)
	}
	ends, err := adm.ListEndOffsets(ctx, events.TopicUploads)
	if err != nil {
		return nil, fmt.Errorf("listing end offsets: %w", err)
	}
	commits, err := adm.FetchOffsets(ctx, events.GroupBridge)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("fetching offsets: %w", err)
	}
	positions := make(map[int32]position)
	for id, end := range ends[events.TopicUploads] {
		start, ok := starts.Lookup(events.TopicUploads, id)
		if end.Err != nil || !ok || start.Err != nil {
			continue
		}
		p := position{committed: start.Offset, end: end.Offset}
		if c, ok := commits.Lookup(events.TopicUploads, id); ok && c.Err == nil {
			p.committed = max(p.committed, c.At)
		}
		positions[id] = p
	}
	return positions, nil
}
