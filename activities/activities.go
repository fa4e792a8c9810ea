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

// Store keeps objects. The error of a store that cannot be reached is a
// *orak.Fault of orak.ClassDependency.
type Store interface {
	// Open opens an object and returns its size in bytes; the caller closes
	// it. An absent object is fs.ErrNotExist.
	Open(ctx context.Context, key string) (body io.ReadCloser, size int64, err error)
	// Put writes an object of size bytes, completely or not at all, and
	// replaces one of the same key.
	Put(ctx context.Context, key string, body io.Reader, size int64, mediaType string) error
	// PutNew is Put of a new object. An existing one stays as it is; the error
	// is then fs.ErrExist.
	PutNew(ctx context.Context, key string, body io.Reader, size int64, mediaType string) error
	// Keys lists the objects whose keys begin with prefix. It ends after an
	// error.
	Keys(ctx context.Context, prefix string) iter.Seq2[string, error]
	// Delete removes an object; an absent one is no error.
	Delete(ctx context.Context, key string) error
}

// Converter turns the recording at src into a 16 kHz mono 16-bit WAV at dst.
// Both are absolute paths in a folder of the caller that holds nothing else;
// whatever Converter writes there besides is removed with it. limits override
// its own limits. progress is called with the share that is done, 0 to 1, or -1
// where it is not known. Errors are *orak.Fault.
type Converter interface {
	Convert(ctx context.Context, src, dst string, limits orak.Limits, progress func(done float64)) (orak.Audio, error)
}

// Analyzer reads a 16 kHz mono 16-bit WAV to its end. It leaves
// Analysis.Audio zero. An error of wav itself is returned wrapped.
type Analyzer interface {
	// Identity returns what Analysis.Engine of an analysis would be now: as long
	// as it is the same, so are the results. It is not Known where that shows
	// only after an analysis.
	Identity(ctx context.Context) (orak.Engine, error)
	Analyze(ctx context.Context, wav io.Reader, progress func(done float64)) (orak.Analysis, orak.PitchCurve, error)
}

// Prover is an Analyzer whose server can be tested.
type Prover interface {
	// Prove has the server analyze a known good recording of the duration audio.
	// An error is the fault of the server, never of a recording.
	Prove(ctx context.Context, audio time.Duration) error
}

// Admission admits analyses as slots and memory allow, in the order in which
// they asked. Admit returns once there is room for a recording of the duration
// audio, or with the error of ctx; leave frees the room. With alone, the analysis
// shares the engine with no other one of this process, nor with one that is
// alone in another process.
type Admission interface {
	Admit(ctx context.Context, audio time.Duration, alone bool) (leave func(), err error)
}

// Publisher writes to Kafka and returns once all in-sync replicas have the
// record. The error of a broker that cannot be reached is a *orak.Fault of
// orak.ClassDependency.
type Publisher interface {
	PublishEvent(ctx context.Context, topic string, e events.Event) error
	// PublishDeadLetter writes to events.TopicDeadLetters.
	PublishDeadLetter(ctx context.Context, l events.DeadLetter) error
}

// Alerter sends an alert to the digest of its stage and class. A repeat with the
// same Alert.ID is ignored.
type Alerter interface {
	Raise(ctx context.Context, a messages.Alert) error
}

// Ender ends the workflow of an upload that is being erased.
type Ender interface {
	// End cancels the workflow, or terminates it with force, and reports
	// whether it has ended. Where there is none, it prevents that one is
	// started. It is called again until it reports that the workflow has ended.
	End(ctx context.Context, in Erasing, force bool) (ended bool, err error)
}

// Notifier posts Markdown to the operators' chat. Its error may be a *orak.Fault
// with a RetryAfter.
type Notifier interface {
	Post(ctx context.Context, markdown string) error
}

// Links returns links into the Temporal Web UI; they are empty where no Web UI
// is configured.
type Links interface {
	WorkflowURL(workflowID, runID string) string
	// QueryURL links to the list of workflows that a visibility query finds.
	QueryURL(query string) string
}

// Deps are the dependencies of the activities. Only Probes, Menders, Admission,
// Route and Metrics are optional.
type Deps struct {
	Store     Store
	Converter Converter
	Analyzer  Analyzer
	// Engines are those that a reprocess can ask for, by name; Analyzer is the
	// configured one.
	Engines map[string]Analyzer
	// Arrival is how long an announced recording may be missing in the store
	// before its announcement counts as wrong; see Budget.Arrival.
	Arrival time.Duration
	// ComputeAnew disables the reuse of finished analyses.
	ComputeAnew bool
	// Admission delays analyses; nil delays none.
	Admission Admission
	Publisher Publisher
	Alerter   Alerter
	Ender     Ender
	Notifier  Notifier
	// Route returns the Notifier of the alerts of a class; nil means Notifier for all.
	Route  func(context.Context, orak.Class) Notifier
	Parked Parked
	Links  Links
	// Menders are the steps of Reconcile; without them, this worker runs none.
	Menders map[ReconcileStep]Mender
	// Lake compacts the lake; without it, this worker does not.
	Lake LakeCompactor
	// Probes check whether dependencies are available.
	Probes map[orak.Dependency]Probe
	// Messages words what Notifier posts.
	Messages messages.Writer
	Log      *slog.Logger
	Metrics  prometheus.Registerer
}

// Activities has every activity as a method; package worker registers them.
type Activities struct {
	deps       Deps
	scratchDir string
	log        *slog.Logger
	metrics    *metrics
}

// New makes the activities. Each running conversion has a folder of its own in
// scratchDir; empty means the system's temporary folder.
func New(scratchDir string, deps Deps) *Activities {
	return &Activities{deps: deps, scratchDir: scratchDir, log: deps.Log, metrics: newMetrics(deps.Metrics)}
}
