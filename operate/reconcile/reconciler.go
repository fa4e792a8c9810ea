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

// overlap is how far a run looks back behind where the last one ended: further
// than visibility and the brokers' clocks ever are apart.
const overlap = time.Hour

// Store tells what the store knows of an upload.
type Store interface {
	replay.Tombstones
	// Outcome is how an upload came to its end, whether or not Temporal
	// remembers; nil where it did not.
	Outcome(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Progress, error)
}

// Letters writes dead letters.
type Letters interface {
	// PublishDeadLetter returns once Kafka has acknowledged the letter.
	PublishDeadLetter(ctx context.Context, l events.DeadLetter) error
}

// Deps is what a Reconciler works with. Store, Letters and Links are not
// needed by one that only verifies.
type Deps struct {
	Replayer *replay.Replayer
	Temporal client.Client
	// Payloads decodes with the data converter that Temporal was made with.
	Payloads  workflows.Payloads
	Namespace string
	Store     Store
	Letters   Letters
	Links     activities.Links
	// Outages is told of workflows whose workflow task fails; nil tells nobody
	// but the log.
	Outages activities.OutageReporter
	Log     *slog.Logger
}

// Reconciler compares Kafka and Temporal.
type Reconciler struct {
	deps   Deps
	minAge time.Duration
	log    *slog.Logger
}

// New makes a Reconciler; nothing is connected before it is used. What is
// younger than minAge is taken to be on its way.
func New(minAge time.Duration, deps Deps) *Reconciler {
	return &Reconciler{deps: deps, minAge: minAge, log: deps.Log.With("component", "reconcile")}
}

// Menders are the steps of Reconcile that are this package's.
func (r *Reconciler) Menders() map[activities.ReconcileStep]activities.Mender {
	return map[activities.ReconcileStep]activities.Mender{
		activities.StepMissing: mender(r.mendMissing),
		activities.StepClosed:  mender(r.mendClosed),
		activities.StepLetters: mender(r.mendLetters),
		activities.StepTasks:   mender(r.mendTasks),
	}
}

type mender func(ctx context.Context, p activities.ReconcilePage) (activities.Reconciled, error)

// Mend is activities.Mender's.
func (m mender) Mend(ctx context.Context, p activities.ReconcilePage) (activities.Reconciled, error) {
	return m(ctx, p)
}

// erased reports whether an upload was erased, or is being erased.
func (r *Reconciler) erased(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error) {
	gone, err := r.deps.Store.Erased(ctx, t, id)
	if err != nil || gone {
		return gone, err
	}
	eraser, err := workflows.Describe(ctx, r.deps.Temporal, workflows.EraseWorkflowID(id))
	return eraser.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, err
}

// inputOf is what a run was started with.
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

// encode writes a cursor or a mark.
func encode(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("writing how far the reconciliation has come: %w", err)
	}
	return string(text), nil
}

// decode reads what encode wrote; nothing is the zero value.
func decode[T any](text string) (v T, err error) {
	if text == "" {
		return v, nil
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return v, fmt.Errorf("reading how far the reconciliation has come: %w", err)
	}
	return v, nil
}
