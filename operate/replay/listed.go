package replay

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"orak"
	"orak/workflows"
)

// listIDs is the number of uploads that one request to visibility names; listPage
// bounds the runs in an answer. An upload has more than one run if it was parked
// for long, restarted or replayed.
const (
	listIDs  = 200
	listPage = 1000
)

// listings bounds the requests to visibility that run at once.
const listings = 4

// listed returns the latest run of each upload that visibility lists. Visibility
// lists nothing that was not started, but lags behind: an upload that it does not
// list, or lists as running, is in doubt. So is every upload that it fails to
// answer about, or that it lists beside one that Temporal does not have; both are
// logged.
func (r *Replayer) listed(ctx context.Context, uploads []Announcement) (map[orak.UploadID]*workflow.WorkflowExecutionInfo, error) {
	latest := make(map[orak.UploadID]*workflow.WorkflowExecutionInfo, len(uploads))
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(listings)
	for some := range slices.Chunk(uploads, listIDs) {
		group.Go(func() error {
			runs, err := r.list(ctx, some)
			if err == nil {
				err = r.compare(ctx, runs)
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				r.log.WarnContext(ctx, "visibility does not list uploads; describing each of them", "uploads", len(some), "error", err)
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			for _, run := range runs {
				id := orak.UploadID(strings.TrimPrefix(run.GetExecution().GetWorkflowId(), workflows.UploadWorkflowID("")))
				if was := latest[id]; was == nil || was.GetStartTime().AsTime().Before(run.GetStartTime().AsTime()) {
					latest[id] = run
				}
			}
			return nil
		})
	}
	return latest, group.Wait()
}

// list returns all runs of some uploads that visibility lists.
func (r *Replayer) list(ctx context.Context, some []Announcement) (runs []*workflow.WorkflowExecutionInfo, err error) {
	// An id is a UUID, so it needs no quoting.
	ids := make([]string, len(some))
	for i, a := range some {
		ids[i] = "'" + workflows.UploadWorkflowID(a.ID) + "'"
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: r.deps.Namespace, PageSize: listPage, Query: "WorkflowId IN (" + strings.Join(ids, ", ") + ")",
	}
	for {
		page, err := r.deps.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return nil, err
		}
		runs = append(runs, page.GetExecutions()...)
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return runs, nil
		}
	}
}

// errAhead means that visibility has what Temporal itself has not: its database was
// restored from an older backup than that of visibility.
var errAhead = errors.New("visibility lists a workflow that Temporal does not have")

// compare returns errAhead unless Temporal has the latest of runs, which is the first
// that an older backup would lack.
func (r *Replayer) compare(ctx context.Context, runs []*workflow.WorkflowExecutionInfo) error {
	if len(runs) == 0 {
		return nil
	}
	latest := slices.MaxFunc(runs, func(a, b *workflow.WorkflowExecutionInfo) int {
		return a.GetStartTime().AsTime().Compare(b.GetStartTime().AsTime())
	})
	d, err := workflows.Describe(ctx, r.deps.Temporal, latest.GetExecution().GetWorkflowId())
	if err == nil && d == nil {
		return errAhead
	}
	return err
}

// settled reports whether a listed run says enough, so that the upload need not be
// described: its state is one that no later news turns into one that is wanted. A
// completed upload stays so unless somebody starts it again. Where only missing
// uploads are looked for, any run that is closed will do: an upload that is listed as
// open is described, since it may be one that an older backup lacks.
func (p *Plan) settled(info *workflow.WorkflowExecutionInfo, state State) bool {
	if p.unstarted {
		return state != Running && state != Parked
	}
	return info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED && (state == Completed || state == Withdrawn) && !p.Selection.wants(state)
}
