package overview

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/api/resource"
	"orak/internal/temporal"
	"orak/workflows"
)

func TestOutagesHaveBeginEndAndCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work()
	w.up.Store(false)
	w.report(orak.DependencyModelServer, "Connection refused.", time.Hour)
	w.report(orak.DependencyWorkflows, "1 workflow cannot continue: upload-x", time.Hour)
	var found resource.Outages
	w.eventually(func() bool {
		var err error
		found, err = w.Outages(t.Context(), resource.EveryTenant)
		require.NoError(t, err)
		return len(found.Open) == 2 && found.Open[0].Posted && found.Open[1].Posted
	}, "both are open and posted")
	i := slices.IndexFunc(found.Open, func(o resource.Outage) bool { return o.Dependency == string(orak.DependencyModelServer) })
	open := found.Open[i]
	require.Equal(t, "Connection refused.", open.Cause)
	require.EqualValues(t, 3, open.Count)
	require.WithinDuration(t, time.Now().Add(-time.Minute), open.BeganAt, patience)
	require.True(t, open.EndedAt.IsZero())

	one, err := w.Outages(t.Context(), "choir")
	require.NoError(t, err)
	for _, o := range one.Open {
		require.Equal(t, o.Dependency == string(orak.DependencyWorkflows), o.Cause == "", "a cause that names an upload is for those who see all tenants")
	}
	items := w.Attention(t.Context(), resource.EveryTenant).Items
	require.Equal(t, 2, len(slices.DeleteFunc(items, func(i resource.AttentionItem) bool {
		return i.Kind != resource.AttentionOutage || i.Severity != resource.SeverityCritical
	})))

	w.up.Store(true)
	w.report(orak.DependencyModelServer, "Connection refused.", time.Millisecond)
	w.eventually(func() bool {
		found, err = w.Outages(t.Context(), resource.EveryTenant)
		require.NoError(t, err)
		return len(found.Open) == 1 && len(found.Recent) == 1
	}, "one is over")
	over := found.Recent[0]
	require.Equal(t, string(orak.DependencyModelServer), over.Dependency)
	require.EqualValues(t, 6, over.Count)
	require.True(t, over.Posted)
	require.True(t, over.EndedAt.After(over.BeganAt))
}

func TestQueuesHaveBacklogLanesAndWorkers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work()
	w.begin("choir", orak.StatusAnalyzing)
	w.begin("choir", orak.StatusAnalyzing)
	w.begin("band", orak.StatusAnalyzing)
	var found resource.Queues
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the queues were %+v", found)
		}
	})
	queue := func(name, tasks string) resource.Queue {
		i := slices.IndexFunc(found.Queues, func(q resource.Queue) bool { return q.Name == name && q.Tasks == tasks })
		require.GreaterOrEqual(t, i, 0, name)
		return found.Queues[i]
	}
	w.eventually(func() bool {
		var err error
		found, err = w.Queues(t.Context(), resource.EveryTenant)
		require.NoError(t, err)
		return queue(workflows.QueueGPU, tasksActivity).Backlog == 3 && len(found.Running) == 2 && len(queue(workflows.QueuePipeline, tasksWorkflow).Pollers) == 1 && len(found.Workers) == 2
	}, "the backlog is known")
	gpu := queue(workflows.QueueGPU, tasksActivity)
	require.Empty(t, gpu.Pollers)
	require.Nil(t, gpu.Slots, "no worker serves it")
	i := slices.IndexFunc(gpu.Lanes, func(l resource.QueueLane) bool { return l.Lane == "reprocessed" })
	require.GreaterOrEqual(t, i, 0, "%+v", gpu.Lanes)
	require.EqualValues(t, 3, gpu.Lanes[i].Backlog)
	require.Equal(t, []resource.RunningUploads{{Tenant: "choir", Status: orak.StatusAnalyzing, Count: 2}, {Tenant: "band", Status: orak.StatusAnalyzing, Count: 1}}, found.Running)
	require.True(t, found.RunningExact)
	require.Empty(t, found.Unavailable)
	require.NotNil(t, queue(workflows.QueuePipeline, tasksWorkflow).Slots)

	own, err := w.Queues(t.Context(), "band")
	require.NoError(t, err)
	require.Equal(t, []resource.RunningUploads{{Tenant: "band", Status: orak.StatusAnalyzing, Count: 1}}, own.Running)
}

func TestUploadsThatDoNotMoveNeedAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work()
	choir := w.begin("choir", orak.StatusAnalyzing)
	w.begin("band", orak.StatusDeadLettered)
	w.eventually(func() bool {
		found, err := w.Queues(t.Context(), resource.EveryTenant)
		return err == nil && len(found.Running) == 1
	}, "visibility has them")
	require.Empty(t, w.Attention(t.Context(), resource.EveryTenant).Items, "an hour has not passed")

	w.stuckAfter = -time.Minute // also what began just now
	var items []resource.AttentionItem
	w.eventually(func() bool { items = w.Attention(t.Context(), "choir").Items; return len(items) == 1 }, "it is reported")
	require.Equal(t, resource.AttentionStuck, items[0].Kind)
	require.EqualValues(t, 1, items[0].Count)
	require.Equal(t, []orak.UploadID{choir}, items[0].Uploads)
	require.Empty(t, w.Attention(t.Context(), "band").Items, "a dead letter is not stuck")
}

func TestReconciliationsAreListedAndRequested(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.Reconcile(t.Context())
	var f *orak.Fault
	require.True(t, errors.As(err, &f), "%v", err)
	require.Contains(t, f.Message, "No worker has created the schedule")

	w.work()
	_, err = w.client.ScheduleClient().Create(t.Context(), client.ScheduleOptions{
		ID: workflows.ScheduleReconcile, Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: 1000 * time.Hour}}},
		Action: &client.ScheduleWorkflowAction{ID: workflows.ScheduleReconcile, Workflow: workflows.TypeReconcile, Args: []any{workflows.ReconcileInput{}}, TaskQueue: workflows.QueuePipeline},
	})
	require.NoError(t, err)
	requested, err := w.Reconcile(t.Context())
	require.NoError(t, err)
	require.Equal(t, "requested", requested.Status)
	var found resource.Reconciliations
	w.eventually(func() bool {
		found, err = w.Reconciliations(t.Context(), 5)
		require.NoError(t, err)
		return len(found.Runs) == 1 && found.Runs[0].Status == "completed"
	}, "it has run")
	require.False(t, found.NextAt.IsZero())
	require.Equal(t, []resource.ReconcileStep{{Step: "closed", Examined: 4, Restarted: 1, Stuck: 2}}, found.Runs[0].Steps)
	require.Equal(t, []string{"missing"}, found.Runs[0].GaveUp)
	var items []resource.AttentionItem
	w.eventually(func() bool { items = w.Attention(t.Context(), resource.EveryTenant).Items; return len(items) == 1 }, "it needs a person")
	require.Equal(t, "reconcile", items[0].Subject)
	require.Equal(t, "It gave up: missing. 2 uploads restarted too often and parked.", items[0].Detail)
}

func TestTemporalAwayIsNamedAndNotAnEmptyList(t *testing.T) {
	t.Parallel()
	away, err := temporal.Lazy(temporal.Config{Address: "127.0.0.1:1", Namespace: "none"}, newWorld(t).deps.Log, temporal.Telemetry{})
	require.NoError(t, err)
	t.Cleanup(away.Close)
	w := newWorld(t, func(d *Deps) { d.Temporal, d.Metrics = away, prometheus.NewRegistry() })
	began := time.Now()
	found := w.Attention(t.Context(), resource.EveryTenant)
	var parts []string
	for _, u := range found.Unavailable {
		require.Equal(t, "temporal", u.Dependency)
		parts = append(parts, u.Part)
	}
	require.ElementsMatch(t, []string{"outages", "stuck", "reconcile", "workflow_tasks"}, parts)
	require.Less(t, time.Since(began), 2*within)
	_, err = w.Queues(t.Context(), "choir")
	var f *orak.Fault
	require.True(t, errors.As(err, &f), "%v", err)
	require.Equal(t, orak.DependencyTemporal, f.Dependency)
	_, err = w.Outages(t.Context(), "choir")
	require.Error(t, err)
	_, err = w.Reconciliations(t.Context(), 5)
	require.Error(t, err)
	require.Less(t, time.Since(began), 6*within)
}

func TestMoreUploadsThanAreLookedAtAreSaidToBeAtLeastSoMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work()
	for range 3 {
		w.begin("choir", orak.StatusAnalyzing)
	}
	w.eventually(func() bool {
		found, err := w.Queues(t.Context(), resource.EveryTenant)
		return err == nil && len(found.Running) == 1 && found.Running[0].Count == 3
	}, "visibility has them")
	w.stuckAfter, w.mostStuck = -time.Minute, 2 // also what began just now
	stuck := w.Attention(t.Context(), "choir")
	require.Empty(t, stuck.Unavailable)
	require.Len(t, stuck.Items, 1)
	require.EqualValues(t, 2, stuck.Items[0].Count)
	require.True(t, stuck.Items[0].AtLeast)
	require.Equal(t, "At least 2 uploads kept the same status for more than an hour.", stuck.Items[0].Detail)

	w.mostStuck = 10
	all := w.Attention(t.Context(), resource.EveryTenant)
	require.EqualValues(t, 3, all.Items[0].Count)
	require.False(t, all.Items[0].AtLeast)
}
