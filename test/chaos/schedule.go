package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

// blow is one planned end of a process.
type blow struct {
	// At counts from the beginning of the load.
	At     time.Duration `json:"at"`
	Target string        `json:"target"`
	// Graceful asks the process to end (SIGTERM); otherwise it is killed
	// (SIGKILL).
	Graceful bool `json:"graceful"`
	// Away is how long the process stays down after its end.
	Away time.Duration `json:"away"`
}

// back is when the process is started again.
func (b blow) back() time.Duration { return b.At + b.Away }

// streams separate the random numbers of each purpose: more uploads do not change
// the schedule.
const (
	streamSchedule = iota + 1
	streamUploads
)

func dice(seed, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

const (
	// gracefulShare of the blows are SIGTERM.
	gracefulShare = 0.25
	minAway       = 500 * time.Millisecond
	maxAway       = 15 * time.Second
)

// strike plans n blows within d, with at most together processes down at the same
// time. Each round hits every target once, in another order. The plan follows
// only from the arguments.
func strike(seed uint64, targets []string, n, together int, d time.Duration) []blow {
	rng := dice(seed, streamSchedule)
	longest := min(maxAway, max(d/6, minAway+1))
	var blows []blow
	var round []string
	for i := range n {
		if len(round) == 0 {
			round = slices.Clone(targets)
			rng.Shuffle(len(round), func(a, b int) { round[a], round[b] = round[b], round[a] })
		}
		at := time.Duration((float64(i) + rng.Float64()) / float64(n) * float64(d))
		b := blow{At: at, Target: round[0], Graceful: rng.Float64() < gracefulShare, Away: minAway + rand64(rng, longest-minAway)}
		b.At = postpone(b, blows, together)
		blows, round = append(blows, b), round[1:]
	}
	return blows
}

// rand64 returns a duration between 0 and d.
func rand64(rng *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(d)))
}

// settling is how long a process is spared after its start.
const settling = time.Second

// exclusive reports whether two targets may not be down at the same time: a target
// and itself, and two brokers of Kafka, which keep a majority.
func exclusive(a, b string) bool { return a == b || isBroker(a) && isBroker(b) }

// postpone returns the earliest time of b: after the blows before it, once its
// target is up again and fewer than together processes are down.
func postpone(b blow, before []blow, together int) time.Duration {
	at := b.At
	if len(before) > 0 {
		at = max(at, before[len(before)-1].At)
	}
	for {
		var down []time.Duration
		for _, other := range before {
			if exclusive(other.Target, b.Target) && at < other.back()+settling {
				at = other.back() + settling
			}
		}
		for _, other := range before {
			if other.At <= at && at < other.back() {
				down = append(down, other.back())
			}
		}
		if len(down) < together {
			return at
		}
		at = slices.Min(down)
	}
}
