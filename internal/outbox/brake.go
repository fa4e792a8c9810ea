package outbox

import (
	"errors"
	"sync"

	"orak"
)

// MaxFailures is the number of failures that ends a pass over the outbox.
const MaxFailures = 8

// Brake ends a pass over the markers of one kind once the store or Kafka is
// unavailable, so that an outage does not cost one attempt per marker. It counts
// failures in two ways, and MaxFailures of either end the pass:
//
//   - failures in a row, of any kind;
//   - failures to reach Kafka since it last acknowledged an event. Markers that
//     are handled without Kafka do not reset this count.
//
// A failure of one marker (no event can be made of it, or Kafka refuses this
// event) is not counted: it says nothing about the others, and enough of them
// would block all markers after them. The zero Brake is ready to use and safe
// for concurrent use.
type Brake struct {
	mu            sync.Mutex
	inRow, unsent int
}

// Count records what Publish returned for one marker.
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

// On reports whether the pass must end.
func (b *Brake) On() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inRow >= MaxFailures || b.unsent >= MaxFailures
}

// Brakes has a Brake for each kind of marker: an erasure needs more than an upload,
// since it is recorded on the main cluster before it is announced. What cannot be
// erased must not keep uploads from being announced. The zero Brakes is ready to use
// and safe for concurrent use.
type Brakes struct{ uploads, erasures Brake }

// Of returns the Brake of the marker's kind.
func (b *Brakes) Of(f Found) *Brake {
	if f.Erasure {
		return &b.erasures
	}
	return &b.uploads
}

// ownFault reports whether err concerns only one marker.
func ownFault(err error) bool {
	var f *orak.Fault
	return errors.As(err, &f) && (f.Class == orak.ClassInternal || f.Class == orak.ClassInput)
}
