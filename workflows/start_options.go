package workflows

import (
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/activities/messages"
)

// StartOptions returns the options that start the workflow of in exactly once.
// Every starter uses them: the bridge, replay and reconcile. They reject a
// duplicate with WorkflowExecutionAlreadyStarted, share the queue fairly among
// tenants, and set the memo and the search attributes that a status is read
// from before the first workflow task has run.
func StartOptions(in ProcessUploadInput) client.StartWorkflowOptions {
	u := in.Upload
	first := orak.Progress{Upload: u, Status: orak.StatusQueued, UpdatedAt: time.Now().UTC()}
	attributes := []temporal.SearchAttributeUpdate{AttrTenant.ValueSet(string(u.Tenant))}
	if f := in.Refused; f != nil {
		first.Status, first.Stage, first.Failure = orak.StatusDeadLettered, f.Stage, f
		attributes = append(attributes, AttrStage.ValueSet(string(f.Stage)), AttrFailure.ValueSet(string(f.Class)))
	}
	attributes = append(attributes, AttrStatus.ValueSet(string(first.Status)))
	return client.StartWorkflowOptions{
		ID:                    UploadWorkflowID(u.ID),
		TaskQueue:             QueuePipeline,
		Priority:              fair(u),
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		// Without it, ExecuteWorkflow returns an existing run as if it were new.
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo:                                     map[string]any{MemoProgress: first},
		TypedSearchAttributes:                    temporal.NewSearchAttributes(attributes...),
		// The rest is in the current details, which are not in the history.
		StaticSummary: messages.UploadSummary(u),
	}
}
