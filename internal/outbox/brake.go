package outbox

import (
	"errors"
	"sync"

	"orak"
)

// MaxFailures is how many failures end a pass over the outbox.
const MaxFailures = 8

// Brake ends a pass over the outbox once the store or Kafka is unavailable, so
// that an outage is not met once for every marker. It counts failures in two
// ways, and MaxFailures of either are enough:
//
//   - those in a row, of whatever kind;
//   - those to reach Kafka since it last took an event, whatever else happened
//     between them: a marker that asks nothing of Kafka says nothing of it.
//
// A failure that is the marker's own (no event can be made of it, Kafka refuses
// this one) says nothing of the others and is not counted: enough of those
// would otherwise keep back all that is behind them. The zero Brake is ready,
// and safe for concurrent use.
type Brake struct {
	mu            sync.Mutex
	inRow, unsent int
}

// Count takes what Settle returned for one marker.
func (b *Brake) Count(outcome Outcome, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		b.inRow = 0
		if outcome == Published {
			b.unsent = 0
		}
	case ownFault(err):
	default:
		b.inRow++
		if errors.Is(err, ErrUnsent) {
			b.unsent++
		}
	}
}

// On reports whether the pass is to end.
func (b *Brake) On() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inRow >= MaxFailures || b.unsent >= MaxFailures
}

// ownFault reports whether err is about one marker alone.
func ownFault(err error) bool {
	var f *orak.Fault
	return errors.As(err, &f) && (f.Class == orak.ClassInternal || f.Class == orak.ClassInput)
}
