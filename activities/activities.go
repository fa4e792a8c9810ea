package activities

import (
	"context"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"orak"
	"orak/activities/messages"
	"orak/events"
)

// Store keeps objects. A store that cannot be reached is a *orak.Fault of
// orak.ClassDependency.
type Store interface {
	// Open opens an object and tells its size in bytes; the caller closes
	// it. An absent one is fs.ErrNotExist.
	Open(ctx context.Context, key string) (body io.ReadCloser, size int64, err error)
	// Put makes an object of size bytes, whole or not at all, and replaces
	// one of the same key.
	Put(ctx context.Context, key string, body io.Reader, size int64, mediaType string) error
	// PutNew is Put of an object that is not there; one that is stays as it is,
	// and is fs.ErrExist.
	PutNew(ctx context.Context, key string, body io.Reader, size int64, mediaType string) error
	// Keys lists the objects whose keys begin with prefix. After an error it
	// ends.
	Keys(ctx context.Context, prefix string) iter.Seq2[string, error]
	// Delete removes an object; an absent one is no error.
	Delete(ctx context.Context, key string) error
}

// Converter turns the recording at src into a 16 kHz mono 16-bit WAV at dst.
// Both are absolute paths in a folder that is the caller's and holds nothing
// else; whatever else Converter writes there is removed with it. What limits
// sets holds in place of its own limits. progress is
// called with the share that is done, 0 to 1, or -1 where it is not known.
// Errors are *orak.Fault.
type Converter interface {
	Convert(ctx context.Context, src, dst string, limits orak.Limits, progress func(done float64)) (orak.Audio, error)
}

// Analyzer reads a 16 kHz mono 16-bit WAV to its end. It leaves
// Analysis.Audio zero. An error of wav itself is returned wrapped.
type Analyzer interface {
	// Identity is what Analysis.Engine would say of an analysis now: as long as
	// it is the same, so are the results. One that is not Known cannot be told
	// beforehand.
	Identity(ctx context.Context) (orak.Engine, error)
	Analyze(ctx context.Context, wav io.Reader, progress func(done float64)) (orak.Analysis, orak.PitchCurve, error)
}

// Prover is an Analyzer whose server can be asked to show that it serves.
type Prover interface {
	// Prove is nil when the server has just analyzed a known good recording of
	// that duration. An error is one of the server's, never of a recording's.
	Prove(ctx context.Context, audio time.Duration) error
}

// Admission lets analyses in as there is a slot and memory for them, in the
// order in which they came. Admit returns once there is room for so much audio,
// or with ctx's error; leave gives the room back. What is to be alone shares the
// engine with no other analysis of this process, and with no other one that is
// to be alone in any.
type Admission interface {
	Admit(ctx context.Context, audio time.Duration, alone bool) (leave func(), err error)
}

// Publisher writes to Kafka, and returns once all in-sync replicas have what
// was written. A broker that cannot be reached is a *orak.Fault of
// orak.ClassDependency.
type Publisher interface {
	PublishEvent(ctx context.Context, topic string, e events.Event) error
	// PublishDeadLetter writes to events.TopicDeadLetters.
	PublishDeadLetter(ctx context.Context, l events.DeadLetter) error
}

// Alerter hands an alert to whoever groups the alerts of its stage and class.
// A repeat with the same Alert.ID is no second alert.
type Alerter interface {
	Raise(ctx context.Context, a messages.Alert) error
}

// Ender ends the workflow of an upload that is being erased.
type Ender interface {
	// End asks the workflow to end as a canceled one does, or at once with
	// force, and reports whether it has ended. Where there is none it sees to
	// it that none can be started. It is called until it says that it is so.
	End(ctx context.Context, in Erasing, force bool) (ended bool, err error)
}

// Notifier posts Markdown to where operators read it. A *orak.Fault says how
// long to wait where the other side did.
type Notifier interface {
	Post(ctx context.Context, markdown string) error
}

// Links makes links into the Temporal Web UI; they are empty where no Web UI
// is configured.
type Links interface {
	WorkflowURL(workflowID, runID string) string
	// QueryURL lists the workflows that a visibility query finds.
	QueryURL(query string) string
}

// Deps is what the activities work with. All are needed but Probes, Menders and
// Metrics.
type Deps struct {
	Store     Store
	Converter Converter
	Analyzer  Analyzer
	// Engines are those that an upload can be run again with, by name; Analyzer
	// is the one that is set.
	Engines map[string]Analyzer
	// Arrival is how long an announced recording may be missing in the store
	// before its announcement is at fault; see Budget.Arrival.
	Arrival time.Duration
	// ComputeAnew turns the reuse of finished analyses off.
	ComputeAnew bool
	// Admission holds analyses back; nil holds none.
	Admission Admission
	Publisher Publisher
	Alerter   Alerter
	Ender     Ender
	Notifier  Notifier
	Parked    Parked
	Links     Links
	// Menders are the steps of Reconcile; a worker without them runs none.
	Menders map[ReconcileStep]Mender
	// Probes ask dependencies whether they serve.
	Probes map[orak.Dependency]Probe
	// Messages words what Notifier posts.
	Messages messages.Writer
	Log      *slog.Logger
	Metrics  prometheus.Registerer
}

// Activities holds every activity as a method; worker registers them.
type Activities struct {
	deps       Deps
	scratchDir string
	log        *slog.Logger
	metrics    *metrics
}

// New makes the activities. Below scratchDir each conversion has a folder of
// its own while it runs; empty means the system's temporary folder.
func New(scratchDir string, deps Deps) *Activities {
	return &Activities{deps: deps, scratchDir: scratchDir, log: deps.Log, metrics: newMetrics(deps.Metrics)}
}
