package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/activities"
	"orak/events"
	"orak/operate/replay"
	"orak/workflows"
)

// overlap is how far a run reads back before the end of the last one. It exceeds
// the delay of visibility and the differences of the clocks.
const overlap = time.Hour

// Store has the outcomes and tombstones of uploads.
type Store interface {
	replay.Tombstones
	// Outcome returns the outcome of an upload; nil if it has none.
	Outcome(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Progress, error)
}

// Letters writes dead letters.
type Letters interface {
	// PublishDeadLetter returns once Kafka has acknowledged the letter.
	PublishDeadLetter(ctx context.Context, l events.DeadLetter) error
}

// Place is a cluster that has the topic of uploads.
type Place struct {
	Name     string
	Replayer *replay.Replayer
	// Away reports that it cannot be reached and that nothing depends on it now: it is left
	// out until it is back. nil means never.
	Away func() bool
	// Idle reports that another place is active: an error of this one ends no run. nil means
	// never.
	Idle func() bool
}

// Deps are the dependencies of a Reconciler. Verify does not need Store, Letters and
// Links.
type Deps struct {
	// Replayer reads the main cluster.
	Replayer *replay.Replayer
	// Places are those of the topic of uploads, always in the same order; nil means the
	// main cluster.
	Places   []Place
	Temporal client.Client
	// Payloads decodes with the data converter of Temporal.
	Payloads  workflows.Payloads
	Namespace string
	Store     Store
	Letters   Letters
	Links     activities.Links
	// Outages gets a report of workflows whose workflow task fails; nil means that
	// they are only logged.
	Outages activities.OutageReporter
	// LettersEvery is the interval at which all retained dead letters are compared;
	// the runs between read only new ones. 0: every run compares all.
	LettersEvery time.Duration
	Log          *slog.Logger
}

// Reconciler compares Kafka and Temporal.
type Reconciler struct {
	deps   Deps
	minAge time.Duration
	log    *slog.Logger
}

// New returns a Reconciler, which connects on first use. It leaves alone what is
// younger than minAge, since that may still be in progress.
func New(minAge time.Duration, deps Deps) *Reconciler {
	if deps.Places == nil {
		deps.Places = []Place{{Name: "primary", Replayer: deps.Replayer}}
	}
	return &Reconciler{deps: deps, minAge: minAge, log: deps.Log.With("component", "reconcile")}
}

// Menders returns the steps of Reconcile that this package implements.
func (r *Reconciler) Menders() map[activities.ReconcileStep]activities.Mender {
	return map[activities.ReconcileStep]activities.Mender{
		activities.StepMissing: step(r.startMissing),
		activities.StepClosed:  step(r.restartClosed),
		activities.StepLetters: step(r.rewriteLetters),
		activities.StepTasks:   step(r.reportTasks),
	}
}

type step func(ctx context.Context, p activities.ReconcilePage) (activities.Reconciled, error)

// Mend implements activities.Mender.
func (s step) Mend(ctx context.Context, p activities.ReconcilePage) (activities.Reconciled, error) {
	return s(ctx, p)
}

// erased reports whether an upload was erased or is being erased.
func (r *Reconciler) erased(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error) {
	gone, err := r.deps.Store.Erased(ctx, t, id)
	if err != nil || gone {
		return gone, err
	}
	eraser, err := workflows.Describe(ctx, r.deps.Temporal, workflows.EraseWorkflowID(id))
	return eraser.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, err
}

// inputOf returns the input of a run.
func (r *Reconciler) inputOf(ctx context.Context, workflowID, runID string) (in workflows.ProcessUploadInput, err error) {
	history := r.deps.Temporal.GetWorkflowHistory(ctx, workflowID, runID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := history.Next()
	if err != nil {
		return in, fmt.Errorf("reading the history of %s: %w", workflowID, err)
	}
	input := first.GetWorkflowExecutionStartedEventAttributes().GetInput()
	if err := r.deps.Payloads.Decode(input, &in); err != nil {
		return in, fmt.Errorf("decoding the input of %s: %w", workflowID, err)
	}
	return in, nil
}

// encode encodes a cursor or a mark.
func encode(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encoding the progress of the reconciliation: %w", err)
	}
	return string(text), nil
}

// decode decodes a cursor or a mark; "" is the zero value.
func decode[T any](text string) (v T, err error) {
	if text == "" {
		return v, nil
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return v, fmt.Errorf("decoding the progress of the reconciliation: %w", err)
	}
	return v, nil
}
