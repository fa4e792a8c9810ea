package worker_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"orak"
	"orak/activities/messages"
	"orak/events"
	"orak/workflows"
)

// announced starts the workflow of a recording as the bridge does.
func (r *rig) announced(u orak.Upload) {
	r.t.Helper()
	in := workflows.ProcessUploadInput{Upload: u, Origin: events.Origin{Topic: events.TopicUploads, Partition: 1, Offset: 2, Key: []byte(u.ID), Value: []byte("{}")}}
	_, err := r.client.ExecuteWorkflow(r.t.Context(), workflows.StartOptions(in), workflows.TypeProcessUpload, in)
	require.NoError(r.t, err)
}

// summary returns the static summary of the latest run of a workflow.
func (r *rig) summary(id string) string {
	r.t.Helper()
	d, err := r.client.DescribeWorkflow(r.t.Context(), id, "")
	require.NoError(r.t, err)
	text, err := d.GetStaticSummary()
	require.NoError(r.t, err)
	return text
}

// details returns the current details of the latest run of a workflow, as the Web UI asks
// for them.
func (r *rig) details(id string) string {
	r.t.Helper()
	answer, err := r.client.QueryWorkflow(r.t.Context(), id, "", "__temporal_workflow_metadata")
	require.NoError(r.t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(r.t, answer.Get(&metadata))
	return metadata.GetCurrentDetails()
}

// summaries returns the summaries of the activities and timers in a history, and the bytes
// that all user metadata takes in it.
func (r *rig) summaries(id string) (all map[string]string, bytes int) {
	r.t.Helper()
	all = map[string]string{}
	events := r.client.GetWorkflowHistory(r.t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(r.t, err)
		if e.GetUserMetadata() == nil {
			continue
		}
		bytes += proto.Size(e.GetUserMetadata())
		all[subjectOf(e)] = string(e.GetUserMetadata().GetSummary().GetData())
	}
	return all, bytes
}

func subjectOf(e *historypb.HistoryEvent) string {
	switch {
	case e.GetTimerStartedEventAttributes() != nil:
		return "timer"
	case e.GetActivityTaskScheduledEventAttributes() != nil:
		return e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
	default:
		return "workflow"
	}
}

// savedQueries returns the queries of the runbook.
func savedQueries(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../docs/runbooks/web-ui.md")
	require.NoError(t, err)
	var queries []string
	for _, match := range regexp.MustCompile(`temporal workflow list --query "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		queries = append(queries, match[1])
	}
	require.NotEmpty(t, queries)
	return queries
}

// found returns the ids of the workflows that a query finds.
func (r *rig) found(query string) (ids []string) {
	r.t.Helper()
	page, err := r.client.ListWorkflow(r.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: r.deps.Namespace, Query: query})
	require.NoError(r.t, err, query)
	for _, e := range page.GetExecutions() {
		ids = append(ids, e.GetExecution().GetWorkflowId())
	}
	return ids
}

func TestUploadIsDescribedInWords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deps.Converter = convert(first(inputFault))
	r.start()
	u := r.put([]byte("sound"))
	id := workflows.UploadWorkflowID(u.ID)
	r.announced(u)
	r.await(u, orak.StatusDeadLettered)
	require.Equal(t, "`song.wav` of `choir`, 0.0 kB", r.summary(id))
	parked := r.details(id)
	for _, want := range []string{"**Parked: it waits for a decision**", "`song.wav` of `choir`", "- Failed: `convert` (`input`) after 1 attempt: ", "unless somebody decides: `orak dlq show " + string(u.ID)} {
		require.Contains(t, parked, want)
	}
	require.Eventually(t, func() bool { return slices.Contains(r.found(savedQueries(t)[0]), id) }, patience, tick)
	for _, query := range savedQueries(t) {
		found := r.found(query)
		if strings.Contains(query, "OrakStatus = 'dead_lettered'") && !strings.Contains(query, "OrakTenant") {
			require.Contains(t, found, id, query)
		} else {
			require.NotContains(t, found, id, query)
		}
	}
	digest := workflows.AlertWorkflowID(orak.StageConvert, orak.ClassInput)
	require.Equal(t, messages.AlertSummary(orak.StageConvert, orak.ClassInput), r.summary(digest))

	r.signal(u, workflows.SignalReprocess)
	require.NoError(t, r.closed(u))
	require.Contains(t, r.details(id), "**Completed**")
	all, _ := r.summaries(id)
	require.Equal(t, map[string]string{
		"workflow": "\"`song.wav` of `choir`, 0.0 kB\"", "timer": `"until the warning of its expiry"`,
		"RaiseAlert": `"convert failed (input)"`, "DeadLetter": `"convert failed (input)"`, "Announce": `"orak.upload.reprocessed"`,
	}, all)
}

// A completed upload pays at most 3 % more history for being described.
func TestDescriptionOfAnUploadIsBrief(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	u := r.put([]byte("sound"))
	r.announced(u)
	require.NoError(t, r.closed(u))
	id := workflows.UploadWorkflowID(u.ID)
	d, err := workflows.Describe(t.Context(), r.client, id)
	require.NoError(t, err)
	_, bytes := r.summaries(id)
	whole := d.GetWorkflowExecutionInfo().GetHistorySizeBytes()
	t.Logf("%d of %d bytes", bytes, whole)
	require.Less(t, 100*int64(bytes), 3*whole, "%d of %d bytes", bytes, whole)
}
