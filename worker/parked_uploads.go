package worker

import (
	"context"
	"fmt"
	"strings"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/workflows"
)

// parked finds parked uploads in Temporal's visibility.
type parked struct {
	client    client.Client
	namespace string
}

var _ activities.Parked = (*parked)(nil)

// FindParked implements activities.Parked.
func (p *parked) FindParked(ctx context.Context, s orak.Stage, c orak.Class) (messages.ParkedUploads, error) {
	query := activities.ParkedQuery(s, c)
	counted, err := p.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: p.namespace, Query: query})
	if err != nil {
		return messages.ParkedUploads{}, fmt.Errorf("counting workflows: %w", err)
	}
	if counted.GetCount() == 0 {
		return messages.ParkedUploads{}, nil
	}
	listed, err := p.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: p.namespace, Query: query, PageSize: messages.MaxSamples,
	})
	if err != nil {
		return messages.ParkedUploads{}, fmt.Errorf("listing workflows: %w", err)
	}
	var samples []orak.UploadID
	var tenants []orak.Tenant
	for _, e := range listed.GetExecutions() {
		id := strings.TrimPrefix(e.GetExecution().GetWorkflowId(), workflows.UploadWorkflowID(""))
		samples = append(samples, orak.UploadID(id))
		tenants = append(tenants, workflows.TenantOf(e))
	}
	// More uploads may have parked between the two requests.
	return messages.ParkedUploads{Count: max(int(counted.GetCount()), len(samples)), Samples: samples, Tenants: tenants}, nil
}
