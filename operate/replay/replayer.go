package replay

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"

	"orak"
	"orak/bridge"
	"orak/internal/kafka"
	"orak/workflows"
)

// LowestPriority is the priority of replayed uploads.
const LowestPriority = workflows.LowestPriority

// Tombstones has the tombstones of uploads.
type Tombstones interface {
	// Erased reports whether an upload was erased or is being erased.
	Erased(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error)
}

// Outcomes has how uploads ended, whatever Temporal remembers.
type Outcomes interface {
	// Outcome returns the outcome of an upload; nil if it has none.
	Outcome(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Progress, error)
}

// Deps are the dependencies of a Replayer.
type Deps struct {
	// Kafka configures the clients that the replay makes.
	Kafka    kafka.Config
	Temporal client.Client
	// Payloads decodes with the data converter of Temporal.
	Payloads workflows.Payloads
	// Namespace is the namespace of Temporal.
	Namespace  string
	Tombstones Tombstones
	// Outcomes tells what has ended from what is missing where Temporal has lost or
	// forgotten a workflow; nil takes either for missing.
	Outcomes Outcomes
	// Recordings reads the recordings that a bucket's notifications name; nil
	// ignores notifications.
	Recordings bridge.Recordings
	// Stored reads the recordings themselves, and Active returns which place of the topic of
	// uploads is active; only PlanStored and RunStored need them.
	Stored Stored
	Active func(context.Context) (kafka.Place, error)
	// MaxRecords bounds the records of a plan, which needs about 30 bytes of disk and
	// a byte of memory for each, and 100 MiB of memory; 0 means no bound.
	MaxRecords int64
	Log        *slog.Logger
}

// Replayer plans and runs replays of the topic of uploads.
type Replayer struct {
	deps Deps
	log  *slog.Logger
}

// New returns a Replayer. It connects on first use.
func New(deps Deps) *Replayer {
	deps.Kafka.ClientID += "-replay"
	return &Replayer{deps: deps, log: deps.Log.With("component", "replay")}
}

// Progress is called as work advances: done of total units are done.
type Progress func(done, total int64)

// Bounds are the offsets of one partition to read: from Next up to, but not
// including, End.
type Bounds struct {
	Next int64 `json:"next"`
	End  int64 `json:"end"`
}

// left returns how many offsets are still to be read.
func (b Bounds) left() int64 { return max(0, b.End-b.Next) }

// answerTimeout bounds one request to Kafka.
const answerTimeout = 15 * time.Second

// patience is how long Temporal may be unreachable before a replay gives up. It
// can be resumed.
const patience = time.Minute

// errUnreachable makes err a fault of class dependency, unless it is a fault.
func errUnreachable(message string, err error) error {
	var fault *orak.Fault
	if errors.As(err, &fault) {
		return err
	}
	return &orak.Fault{Class: orak.ClassDependency, Message: message, Err: err}
}
