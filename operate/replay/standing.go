package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"golang.org/x/sync/errgroup"

	"orak"
	"orak/workflows"
)

// concurrency is how many calls to Temporal are underway at once.
const concurrency = 16

// attemptTimeout bounds one call.
const attemptTimeout = 10 * time.Second

// standing is where an upload stands; recent says that its latest run began
// after the replay did.
type standing struct {
	state  State
	recent bool
}

// states asks Temporal about each upload, and the store about those that sel
// would start. Describe is the truth; visibility lags behind it.
func (r *Replayer) states(ctx context.Context, sel Selection, uploads []found, began time.Time) ([]standing, error) {
	all := make([]standing, len(uploads))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for i, f := range uploads {
		group.Go(func() error {
			err := insist(ctx, func(ctx context.Context) (err error) {
				all[i], err = r.describe(ctx, f.id, began)
				return err
			})
			if err != nil || !sel.wants(all[i].state) {
				return err
			}
			erased, err := r.erased(ctx, f.tenant, f.id)
			if erased {
				all[i].state = Erased
			}
			return err
		})
	}
	return all, group.Wait()
}

// erased asks the store for the upload's tombstone.
func (r *Replayer) erased(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error) {
	erased, err := r.deps.Tombstones.Erased(ctx, t, id)
	if err != nil {
		return false, errUnreachable("The object store does not tell which uploads were erased.", fmt.Errorf("looking for the tombstone of %s: %w", id, err))
	}
	return erased, nil
}

func (r *Replayer) describe(ctx context.Context, id orak.UploadID, began time.Time) (standing, error) {
	d, err := workflows.Describe(ctx, r.deps.Temporal, workflows.UploadWorkflowID(id))
	if err != nil {
		return standing{}, err
	}
	if d == nil {
		return standing{state: Missing}, nil
	}
	info := d.GetWorkflowExecutionInfo()
	return standing{state: r.stateOf(info), recent: info.GetStartTime().AsTime().After(began)}, nil
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
		// Continued in a run that is about to begin.
		return Running
	}
}

// insist tries again what an outage or a limit kept from succeeding, for as
// long as patience lasts. A try that began is not cut off by ctx, so that its
// end is known.
func insist(ctx context.Context, try func(context.Context) error) error {
	deadline := time.Now().Add(patience)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTimeout)
		err := try(bounded)
		cancel()
		if err == nil || !passing(err) {
			return err
		}
		if time.Now().Add(wait).After(deadline) {
			return errUnreachable("Temporal cannot be reached.", err)
		}
		if pause(ctx, wait) != nil {
			return context.Cause(ctx)
		}
	}
}

// passing tells errors that time can mend.
func passing(err error) bool {
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

// pause waits; the error is that ctx ended before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
