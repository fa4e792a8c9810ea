package main

import (
	"context"
	"fmt"

	dto "github.com/prometheus/client_model/go"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"orak/bench/metrics"
)

// history is what Temporal keeps of one completed upload, and what it is asked for it.
type history struct {
	Events int64 `json:"events"`
	Bytes  int64 `json:"bytes"`
	// Activities does not count local ones, of which Temporal knows only the result.
	Activities int `json:"activities"`
	// Calls are the requests of the bridge and the workers, by operation, for each upload.
	Calls map[string]float64 `json:"calls"`
}

func (h history) calls() (sum float64) {
	for _, n := range h.Calls {
		sum += n
	}
	return sum
}

// measureHistory reads the history of the upload that completed last.
func measureHistory(ctx context.Context, f flow) (h history, err error) {
	c := f.temporal()
	list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Completed'", f.workflowType()), PageSize: 1,
	})
	if err != nil || len(list.GetExecutions()) == 0 {
		return history{}, fmt.Errorf("finding a completed workflow of %s: %w", f.name(), err)
	}
	id := list.GetExecutions()[0].GetExecution()
	described, err := c.DescribeWorkflowExecution(ctx, id.GetWorkflowId(), id.GetRunId())
	if err != nil {
		return history{}, fmt.Errorf("describing a workflow of %s: %w", f.name(), err)
	}
	h.Events = described.GetWorkflowExecutionInfo().GetHistoryLength()
	h.Bytes = described.GetWorkflowExecutionInfo().GetHistorySizeBytes()
	events := c.GetWorkflowHistory(ctx, id.GetWorkflowId(), id.GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return history{}, fmt.Errorf("reading a history of %s: %w", f.name(), err)
		}
		if event.GetEventType() == enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED {
			h.Activities++
		}
	}
	return h, nil
}

// calls returns the requests to Temporal that the roles have made, by operation. The
// API makes none for an upload whose status nobody asks for.
func (f *orakFlow) calls() (map[string]float64, error) {
	calls := map[string]float64{}
	for name, r := range f.roles {
		if name == "api" {
			continue
		}
		read, err := metrics.Read(r.admin + "/metrics")
		if err != nil {
			return nil, fmt.Errorf("reading the metrics of %s: %w", name, err)
		}
		// A baseline may be from when the SDK's counters were exported as gauges.
		for _, family := range []string{"temporal_request", "temporal_long_request"} {
			addCalls(read[family], calls)
			addCalls(read[family+"_total"], calls)
		}
	}
	return calls, nil
}

// addCalls adds the counts of a family, which may be nil.
func addCalls(family *dto.MetricFamily, calls map[string]float64) {
	for _, m := range family.GetMetric() {
		for _, label := range m.GetLabel() {
			if label.GetName() == "operation" {
				calls[label.GetValue()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
}

// difference returns the calls between two readings for each of n uploads, without
// operations of which there were none.
func difference(before, after map[string]float64, n int) map[string]float64 {
	each := map[string]float64{}
	for operation, count := range after {
		if made := count - before[operation]; made > 0 {
			each[operation] = made / float64(n)
		}
	}
	return each
}
