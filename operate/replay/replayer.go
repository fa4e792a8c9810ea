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

// LowestPriority is what replayed work has.
const LowestPriority = workflows.LowestPriority

// Tombstones tells which uploads were erased, or are being erased.
type Tombstones interface {
	Erased(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error)
}

// Deps is what a replay works with.
type Deps struct {
	// Kafka is how the replay makes clients of its own.
	Kafka    kafka.Config
	Temporal client.Client
	// Payloads decodes with the data converter that Temporal was made with.
	Payloads workflows.Payloads
	// Namespace is the one that Temporal is a client of.
	Namespace  string
	Tombstones Tombstones
	// Recordings is where bucket notifications announce uploads; without it
	// notifications are counted and announce none.
	Recordings bridge.Recordings
	Log        *slog.Logger
}

// Replayer plans and runs replays of the topic of uploads.
type Replayer struct {
	deps Deps
	log  *slog.Logger
}

// New makes a Replayer; nothing is connected before it is used.
func New(deps Deps) *Replayer {
	deps.Kafka.ClientID += "-replay"
	return &Replayer{deps: deps, log: deps.Log.With("component", "replay")}
}

// Progress is told while something goes on: how much of how much is done.
type Progress func(done, total int64)

// Bounds are the offsets of one partition that are read: from Next on, and
// before End.
type Bounds struct {
	Next int64 `json:"next"`
	End  int64 `json:"end"`
}

// left is how many offsets are still to be read.
func (b Bounds) left() int64 { return max(0, b.End-b.Next) }

// answerTimeout bounds one question to Kafka.
const answerTimeout = 15 * time.Second

// patience is how long Temporal may be unreachable before a replay gives up;
// it can be resumed.
const patience = time.Minute

// errUnreachable classifies what only the servers can mend.
func errUnreachable(message string, err error) error {
	var fault *orak.Fault
	if errors.As(err, &fault) {
		return err
	}
	return &orak.Fault{Class: orak.ClassDependency, Message: message, Err: err}
}
