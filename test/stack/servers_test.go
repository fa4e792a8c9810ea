package stack

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orak/workflows"
)

func TestNamespaceIsUsableAtOnce(t *testing.T) {
	t.Parallel()
	s := Start(t)
	namespace := s.Namespace(t)
	c := s.Client(t, namespace)

	w := worker.New(c, "queue", worker.Options{})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		return workflow.UpsertTypedSearchAttributes(ctx, workflows.AttrStatus.ValueSet("completed"))
	}, workflow.RegisterOptions{Name: "Upsert"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)

	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		TaskQueue:             "queue",
		TypedSearchAttributes: temporal.NewSearchAttributes(workflows.AttrTenant.ValueSet("choir")),
	}, "Upsert")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	require.NoError(t, run.Get(ctx, nil))
	require.Eventually(t, func() bool {
		n, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: namespace,
			Query:     `OrakStatus = "completed" AND OrakTenant = "choir"`,
		})
		return err == nil && n.Count == 1
	}, 20*time.Second, 20*time.Millisecond)
}
