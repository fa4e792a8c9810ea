package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"golang.org/x/sync/errgroup"

	"orak"
	"orak/workflows"
)

// concurrency bounds the calls to Temporal that run at once.
const concurrency = 16

// attemptTimeout bounds one call.
const attemptTimeout = 10 * time.Second

// workflowState is the state of an upload's workflow; recent means that the
// latest run began after the replay did.
type workflowState struct {
	state  State
	recent bool
}

// states asks Temporal for the state of each upload, and the store for the
// tombstones of those that the plan would start, and the outcomes of those without a
// workflow. It asks visibility about many at
// once, and describes those that visibility leaves in doubt, since it lags behind.
func (r *Replayer) states(ctx context.Context, p *Plan, uploads []Announcement) ([]workflowState, error) {
	listed, err := r.listed(ctx, uploads)
	if err != nil {
		return nil, err
	}
	all := make([]workflowState, len(uploads))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for i, a := range uploads {
		if info := listed[a.ID]; info != nil {
			if all[i] = r.stateAt(info, p.Began); p.settled(info, all[i].state) {
				continue
			}
		}
		group.Go(func() error {
			err := retry(ctx, func(ctx context.Context) (err error) {
				all[i], err = r.describe(ctx, a.ID, p.Began)
				return err
			})
			if err == nil && all[i].state == Missing {
				all[i].state, err = r.ended(ctx, a.Tenant, a.ID)
			}
			if err != nil || !p.Selection.wants(all[i].state) {
				return err
			}
			erased, err := r.erased(ctx, a.Tenant, a.ID)
			if erased {
				all[i].state = Erased
			}
			return err
		})
	}
	return all, group.Wait()
}

// ended returns the state of an upload without a workflow: Missing unless the store has
// its outcome.
func (r *Replayer) ended(ctx context.Context, t orak.Tenant, id orak.UploadID) (State, error) {
	if r.deps.Outcomes == nil {
		return Missing, nil
	}
	outcome, err := r.deps.Outcomes.Outcome(ctx, t, id)
	if err != nil {
		return "", errUnreachable("The object store cannot be asked which uploads have ended.", fmt.Errorf("looking for the outcome of %s: %w", id, err))
	}
	if outcome == nil {
		return Missing, nil
	}
	return stateOfOutcome(outcome.Status), nil
}

// stateOfOutcome is the state that a workflow with this final status has.
func stateOfOutcome(s orak.Status) State {
	switch s {
	case orak.StatusCompleted:
		return Completed
	case orak.StatusDiscarded, orak.StatusCanceled:
		return Withdrawn
	case orak.StatusErased:
		return Erased
	default: // expired: its workflow failed
		return Failed
	}
}

// erased reports whether the store has the upload's tombstone.
func (r *Replayer) erased(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error) {
	erased, err := r.deps.Tombstones.Erased(ctx, t, id)
	if err != nil {
		return false, errUnreachable("The object store cannot be asked which uploads were erased.", fmt.Errorf("looking for the tombstone of %s: %w", id, err))
	}
	return erased, nil
}

func (r *Replayer) describe(ctx context.Context, id orak.UploadID, began time.Time) (workflowState, error) {
	d, err := workflows.Describe(ctx, r.deps.Temporal, workflows.UploadWorkflowID(id))
	if err != nil {
		return workflowState{}, err
	}
	if d == nil {
		return workflowState{state: Missing}, nil
	}
	return r.stateAt(d.GetWorkflowExecutionInfo(), began), nil
}

func (r *Replayer) stateAt(info *workflow.WorkflowExecutionInfo, began time.Time) workflowState {
	return workflowState{state: r.stateOf(info), recent: info.GetStartTime().AsTime().After(began)}
}

func (r *Replayer) stateOf(info *workflow.WorkflowExecutionInfo) State {
	p, _ := r.deps.Payloads.Progress(info)
	switch info.GetStatus() {
	case enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
		if p.Status == orak.StatusDeadLettered {
			return Parked
		}
		return Running
	case enums.WORKFLOW_EXECUTION_STATUS_FAILED, enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return Failed
	case enums.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return Withdrawn
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		if p.Status == orak.StatusDiscarded || p.Status == orak.StatusCanceled {
			return Withdrawn
		}
		return Completed
	default:
		// Continued as new: the next run is about to begin.
		return Running
	}
}

// retry calls try until it succeeds, fails with an error that is not temporary,
// patience is over, or ctx ends. The end of ctx does not cut off a call, so that
// its result is known.
func retry(ctx context.Context, try func(context.Context) error) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval, wait.Multiplier = 100*time.Millisecond, 5*time.Second, 2
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if ctx.Err() != nil {
			return struct{}{}, backoff.Permanent(context.Cause(ctx))
		}
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTimeout)
		defer cancel()
		err := try(bounded)
		if err != nil && !temporary(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(patience))
	if err != nil && ctx.Err() == nil && temporary(err) {
		return errUnreachable("Temporal cannot be reached.", err)
	}
	return err
}

// temporary reports whether a later attempt can succeed.
func temporary(err error) bool {
	var (
		unavailable *serviceerror.Unavailable
		exhausted   *serviceerror.ResourceExhausted
		deadline    *serviceerror.DeadlineExceeded
		internal    *serviceerror.Internal
		fault       *orak.Fault
	)
	if errors.As(err, &fault) {
		return fault.Class == orak.ClassDependency
	}
	return errors.As(err, &unavailable) || errors.As(err, &exhausted) || errors.As(err, &deadline) ||
		errors.As(err, &internal) || errors.Is(err, context.DeadlineExceeded)
}
