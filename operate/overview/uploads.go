package overview

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"orak"
	"orak/api/resource"
	"orak/workflows"
)

type executionInfo = workflow.WorkflowExecutionInfo

func now() time.Time { return time.Now().UTC() }

// ofTenant restricts a query of visibility to a tenant. Tenants are parsed, and so need
// no quoting.
func ofTenant(query string, t orak.Tenant) string {
	if t == resource.EveryTenant {
		return query
	}
	return fmt.Sprintf("%s AND %s = '%s'", query, workflows.AttrTenant.GetName(), t)
}

// runningQuery finds the uploads of t that are being processed.
func runningQuery(t orak.Tenant) string {
	return ofTenant(fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running' AND %s IN ('%s', '%s', '%s', '%s')", workflows.TypeProcessUpload,
		workflows.AttrStatus.GetName(), orak.StatusQueued, orak.StatusConverting, orak.StatusAnalyzing, orak.StatusPublishing), t)
}

// eachUpload calls do with each workflow that a query finds, with most at most; all is
// false if there are more.
func (o *Overview) eachUpload(ctx context.Context, query string, most int, do func(*executionInfo)) (all bool, err error) {
	var token []byte
	for seen := 0; seen < most; {
		page, err := o.deps.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: o.deps.Namespace, PageSize: int32(min(runningPage, most-seen)), NextPageToken: token, Query: query,
		})
		if err != nil {
			return false, fmt.Errorf("listing workflows: %w", err)
		}
		for _, info := range page.GetExecutions() {
			do(info)
		}
		seen += len(page.GetExecutions())
		if token = page.GetNextPageToken(); len(token) == 0 {
			return true, nil
		}
	}
	return false, nil
}
