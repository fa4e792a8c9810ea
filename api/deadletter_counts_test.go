package api_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"orak"
	"orak/api"
	"orak/api/resource"
	"orak/workflows"
)

func TestDeadLettersAreCounted(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating)
	none := into[resource.DeadLetterCounts](t, b.get("/v1/dead-letters/counts?class=overload"), http.StatusOK)
	require.Zero(t, none.Total)
	require.True(t, none.Exact)
	require.NotNil(t, none.Groups)

	park := func(of orak.Tenant, stage orak.Stage, class orak.Class, message string, age time.Duration) {
		p := progress(of, orak.StatusDeadLettered)
		at := time.Now().Add(-age)
		p.Stage = stage
		p.Failure = &orak.Failure{Stage: stage, Class: class, Message: message, Attempts: 1, FirstAt: at, LastAt: at}
		b.begin(p)
	}
	park("choir", orak.StageConvert, orak.ClassInput, "Not audio.", time.Minute)
	park("choir", orak.StageAnalyze, orak.ClassModel, "It failed.", time.Hour)
	park("choir", orak.StageAnalyze, orak.ClassModel, "It failed.", 30*time.Hour)
	park("band", orak.StageAnalyze, orak.ClassTransient, "Too long.", 40*time.Hour)
	b.begin(progress("choir", orak.StatusAnalyzing))
	b.eventually(func() bool { ids, _ := b.listed(""); return len(ids) == 4 }, "visibility has them")

	all := into[resource.DeadLetterCounts](t, b.get("/v1/dead-letters/counts"), http.StatusOK)
	require.Equal(t, all, into[resource.DeadLetterCounts](t, b.get("/v1/dead-letters/counts"), http.StatusOK), "callers of the same seconds share an answer")
	require.Contains(t, b.gathered(), `orak_api_shared_answers_total{answer="dead_letter_counts",outcome="shared"} 1`)
	require.EqualValues(t, 4, all.Total)
	require.True(t, all.Exact)
	require.EqualValues(t, 4, all.Examined)
	require.Equal(t, []resource.StageCount{{Stage: orak.StageConvert, Count: 1}, {Stage: orak.StageAnalyze, Count: 3}}, all.Stages)
	require.Equal(t, []resource.ClassCount{{Class: orak.ClassInput, Count: 1}, {Class: orak.ClassTransient, Count: 1}, {Class: orak.ClassModel, Count: 2}}, all.Classes)
	for i := range all.Groups {
		require.WithinDuration(t, time.Now().Add(-20*time.Hour), all.Groups[i].Since, 21*time.Hour)
		all.Groups[i].Since = time.Time{}
	}
	require.Equal(t, []resource.DeadLetterGroup{
		{Stage: orak.StageAnalyze, Class: orak.ClassModel, Count: 2}, {Stage: orak.StageAnalyze, Class: orak.ClassTransient, Count: 1},
		{Stage: orak.StageConvert, Class: orak.ClassInput, Count: 1},
	}, all.Groups)
	require.Equal(t, resource.DeadLetterMessage{Stage: orak.StageAnalyze, Class: orak.ClassModel, Message: "It failed.", Count: 2}, all.Messages[0])
	require.Len(t, all.Messages, 3)

	for query, want := range map[string]int64{
		"stage=analyze": 3, "class=model&class=input": 3, "stage=analyze&class=input": 0,
		"older_than=24h": 2, "text=it+failed": 2, "text=it+failed&newer_than=2h": 1, "text=nothing+has+this": 0,
	} {
		got := into[resource.DeadLetterCounts](t, b.get("/v1/dead-letters/counts?"+query), http.StatusOK)
		require.Equal(t, want, got.Total, query)
		require.True(t, got.Exact, query)
		ids, _ := b.listed(query)
		require.Len(t, ids, int(want), "the list agrees with %s", query)
	}
	choir := into[resource.DeadLetterCounts](t, b.get("/v1/dead-letters/counts", tenant("choir")), http.StatusOK)
	require.EqualValues(t, 3, choir.Total)

	problem(t, b.get("/v1/dead-letters/counts?page_size=1"), http.StatusBadRequest, "invalid-request")
}

func TestCountsNeedEveryTenantsPermission(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	problem(t, b.get("/v1/dead-letters/counts", tenant(resource.EveryTenant)), http.StatusForbidden, "all-tenants-off")
}

func TestCountsWithoutTemporalAreUnavailable(t *testing.T) {
	t.Parallel()
	b := setup(t, operating) // its namespace does not exist
	problem(t, b.get("/v1/dead-letters/counts"), http.StatusServiceUnavailable, "unavailable")
}

// That is why there is a request for each group.
func TestVisibilityGroupsByNoAttributeOfOurs(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	counted := func(by string) error {
		_, err := b.client.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: b.deps.Namespace, Query: "WorkflowType = 'ProcessUpload' GROUP BY " + by,
		})
		return err
	}
	require.NoError(t, counted("ExecutionStatus"))
	require.ErrorContains(t, counted(workflows.AttrStage.GetName()), "GROUP BY")
}

// hesitant lists one page, and then no more.
type hesitant struct {
	api.Workflows
	asked *atomic.Int32
}

func (h hesitant) ListWorkflow(ctx context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	if h.asked.Add(1) > 1 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	page, err := h.Workflows.ListWorkflow(ctx, r)
	if err == nil {
		page.NextPageToken = []byte("more")
	}
	return page, err
}

func TestCountThatTakesTooLongIsALowerBound(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	b := setupTemporal(t, operating, func(b *bundle) {
		b.cfg.StatusTimeout = 4 * time.Second
		b.deps.Workflows = hesitant{b.deps.Workflows, &asked}
	})
	b.begin(progress("choir", orak.StatusDeadLettered))
	b.eventually(func() bool {
		counted, err := b.client.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Namespace: b.deps.Namespace, Query: "OrakStatus = 'dead_lettered'"})
		return err == nil && counted.GetCount() == 1
	}, "visibility has it")
	for text, want := range map[string]int64{"not+audio": 1, "nothing+has+this": 0} {
		asked.Store(0)
		got := into[resource.DeadLetterCounts](t, b.get("/v1/dead-letters/counts?text="+text), http.StatusOK)
		require.Equal(t, want, got.Total)
		require.EqualValues(t, 1, got.Examined)
		require.False(t, got.Exact)
	}
}

// reading has each list wait until it is released.
type reading struct {
	api.Workflows
	began   chan struct{}
	release chan struct{}
}

func (r reading) ListWorkflow(ctx context.Context, req *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	r.began <- struct{}{}
	select {
	case <-r.release:
	case <-ctx.Done():
	}
	return r.Workflows.ListWorkflow(ctx, req)
}

func TestCountsThatReadDeadLettersAreBoundedInAllAndForEachTenant(t *testing.T) {
	t.Parallel()
	slow := reading{began: make(chan struct{}, 10), release: make(chan struct{})}
	b := setupTemporal(t, operating, func(b *bundle) {
		b.cfg.MaxCounts, b.cfg.MaxTenantCounts, b.cfg.StatusTimeout = 2, 1, time.Minute
		slow.Workflows = b.deps.Workflows
		b.deps.Workflows = slow
	})
	const counts = "/v1/dead-letters/counts"
	answers := make(chan int, 3)
	ask := func(of orak.Tenant, text string) {
		req := b.request(http.MethodGet, counts+"?text="+text, nil, tenant(of))
		go func() {
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				answers <- 0
				return
			}
			_ = resp.Body.Close()
			answers <- resp.StatusCode
		}()
	}
	ask("choir", "a")
	<-slow.began
	r := b.get(counts+"?text=b", tenant("choir"))
	problem(t, r, http.StatusTooManyRequests, "rate-limited")
	require.Equal(t, "1", r.header.Get("Retry-After"))
	problem(t, b.get(counts+"?older_than=1h", tenant("choir")), http.StatusTooManyRequests, "rate-limited")
	require.EqualValues(t, 0, into[resource.DeadLetterCounts](t, b.get(counts+"?stage=analyze", tenant("choir")), http.StatusOK).Total, "what Temporal counts itself needs no place")

	ask("band", "a")
	<-slow.began
	r = b.get(counts+"?text=a", tenant("duo"))
	problem(t, r, http.StatusServiceUnavailable, "unavailable")
	require.Equal(t, "1", r.header.Get("Retry-After"))
	require.Contains(t, b.gathered(), "orak_api_dead_letter_counts_in_flight 2")
	ask("choir", "a") // the same question shares its answer
	b.eventually(func() bool {
		return strings.Contains(b.gathered(), `orak_api_shared_answers_total{answer="dead_letter_counts",outcome="shared"} 1`)
	}, "it waits for the answer of the first")

	close(slow.release)
	for range 3 {
		require.Equal(t, http.StatusOK, <-answers)
	}
	require.Equal(t, http.StatusOK, b.get(counts+"?text=b", tenant("choir")).status, "the refusal was not kept")
	require.Contains(t, b.gathered(), "orak_api_dead_letter_counts_in_flight 0")
}
