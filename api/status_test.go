package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/workflows"
)

func tenant(t orak.Tenant) header { return header{"X-Orak-Tenant", string(t)} }

func self(p orak.Progress) string { return "/v1/uploads/" + string(p.Upload.ID) }

func TestUploadIsQueuedBeforeTemporalKnowsIt(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	a := into[resource.Accepted](t, b.upload(wav(5000)), http.StatusAccepted)
	u := into[resource.Upload](t, b.get(a.Links.Self), http.StatusOK)
	require.Equal(t, orak.StatusQueued, u.Status)
	require.Equal(t, a.Links, u.Links)
	require.Zero(t, u.Attempt)
	require.False(t, u.CreatedAt.IsZero())

	// The same holds for a workflow that has not written its memo yet.
	p := orak.Progress{Upload: orak.Upload{ID: a.ID, Tenant: orak.DefaultTenant}}
	b.begin(p)
	require.Equal(t, orak.StatusQueued, into[resource.Upload](t, b.get(a.Links.Self), http.StatusOK).Status)

	problem(t, b.get(a.Links.Analysis), http.StatusConflict, "analysis-not-ready")
	problem(t, b.get(a.Links.Self, tenant("choir")), http.StatusNotFound, "not-found")
	problem(t, b.get("/v1/uploads/"+string(freshID())), http.StatusNotFound, "not-found")
	problem(t, b.get("/v1/uploads/not-an-id"), http.StatusNotFound, "not-found")
	problem(t, b.get(a.Links.Self, tenant("NO")), http.StatusBadRequest, "invalid-tenant")
}

func TestRepeatedUploadIsAnsweredWithItsStatus(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	key := header{"Idempotency-Key", "k"}
	a := into[resource.Accepted](t, b.upload(wav(100), key), http.StatusAccepted)
	p := progress(orak.DefaultTenant, orak.StatusCompleted)
	p.Upload.ID = a.ID
	b.outcome(p)
	require.Equal(t, orak.StatusCompleted, into[resource.Accepted](t, b.upload(wav(100), key), http.StatusAccepted).Status)
}

// A marker without a recording was not answered with 202.
func TestUploadThatWasNeverStoredIsUnknown(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	id := freshID()
	b.put(orak.PendingKey(orak.DefaultTenant, id), []byte("{}"), "application/json")
	problem(t, b.get("/v1/uploads/"+string(id)), http.StatusNotFound, "not-found")
}

func TestRunningStepShowsItsAttemptAndShare(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	defer close(b.release)
	p := progress("choir", orak.StatusConverting)
	b.begin(p)
	var u resource.Upload
	b.eventually(func() bool {
		u = into[resource.Upload](t, b.get(self(p), tenant("choir")), http.StatusOK)
		return u.StageProgress != nil
	}, "the step has sent a heartbeat")
	require.Equal(t, orak.StatusConverting, u.Status)
	require.Equal(t, orak.StageConvert, u.Stage)
	require.Equal(t, 2, u.Attempt)
	require.InDelta(t, 0.25, *u.StageProgress, 1e-9)
	require.True(t, p.Upload.ReceivedAt.Equal(u.CreatedAt))
	require.True(t, p.UpdatedAt.Equal(u.UpdatedAt))
	problem(t, b.get(self(p)), http.StatusNotFound, "not-found") // it is not the default tenant's
}

func TestUploadIsHaltedIfItsWorkflowEndedEarly(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	terminated, canceled := progress("choir", orak.StatusAnalyzing), progress("choir", orak.StatusAnalyzing)
	terminated.Stage = orak.StageAnalyze
	b.begin(terminated)
	b.begin(canceled)
	require.NoError(t, b.client.TerminateWorkflow(t.Context(), workflows.UploadWorkflowID(terminated.Upload.ID), "", "test"))
	require.NoError(t, b.client.CancelWorkflow(t.Context(), workflows.UploadWorkflowID(canceled.Upload.ID), ""))

	u := into[resource.Upload](t, b.get(self(terminated), tenant("choir")), http.StatusOK)
	require.True(t, u.Halted)
	require.Equal(t, orak.StatusAnalyzing, u.Status)
	require.Equal(t, orak.ClassInternal, u.Failure.Class)
	require.Equal(t, orak.StageAnalyze, u.Failure.Stage)
	require.Len(t, b.watch(t, terminated).all(), 1, "the stream ends")
	b.eventually(func() bool {
		return into[resource.Upload](t, b.get(self(canceled), tenant("choir")), http.StatusOK).Status == orak.StatusCanceled
	}, "it is canceled")
}

func TestStatusComesFromTheStoreAfterRetention(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	for _, s := range []orak.Status{orak.StatusCompleted, orak.StatusDiscarded} {
		p := progress("choir", s)
		b.outcome(p)
		u := into[resource.Upload](t, b.get(self(p), tenant("choir")), http.StatusOK)
		require.Equal(t, s, u.Status)
		require.True(t, p.UpdatedAt.Equal(u.UpdatedAt))
		problem(t, b.get(self(p)), http.StatusNotFound, "not-found")

		b.put(orak.AnalysisKey("choir", p.Upload.ID), []byte(analysis), "application/json")
		r := b.get(self(p)+"/analysis", tenant("choir"))
		if s == orak.StatusDiscarded {
			problem(t, r, http.StatusGone, "no-analysis")
			continue
		}
		require.Equal(t, http.StatusOK, r.status)
		require.Equal(t, "application/json", r.header.Get("Content-Type"))
		require.JSONEq(t, analysis, string(r.body))
	}
}

func (b *bundle) outcome(p orak.Progress) {
	b.t.Helper()
	text, err := json.Marshal(p)
	require.NoError(b.t, err)
	b.put(orak.OutcomeKey(p.Upload.Tenant, p.Upload.ID), text, "application/json")
}

func TestTemporalOutageHidesStatusesButNotOutcomes(t *testing.T) {
	t.Parallel()
	b := setup(t) // its namespace does not exist
	a := into[resource.Accepted](t, b.upload(wav(5000)), http.StatusAccepted)
	r := b.get(a.Links.Self)
	problem(t, r, http.StatusServiceUnavailable, "unavailable")
	require.NotEmpty(t, r.header.Get("Retry-After"))
	problem(t, b.get("/v1/dead-letters"), http.StatusServiceUnavailable, "unavailable")

	p := progress(orak.DefaultTenant, orak.StatusCompleted)
	b.outcome(p)
	require.Equal(t, orak.StatusCompleted, into[resource.Upload](t, b.get(self(p)), http.StatusOK).Status)
}

// stream is an open event stream.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
	// name and id are those of the latest event; ended means that eventEnd was received.
	name, id string
	ended    bool
}

func (b *bundle) watch(t *testing.T, p orak.Progress) *stream {
	t.Helper()
	return b.watchFrom(t, p, "")
}

// watchFrom is watch for a client that has received the event with that id.
func (b *bundle) watchFrom(t *testing.T, p orak.Progress, id string) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	req := b.request(http.MethodGet, self(p)+"/events", nil, tenant(p.Upload.Tenant), header{"Last-Event-ID", id}).WithContext(ctx)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	return &stream{t: t, lines: bufio.NewScanner(resp.Body)}
}

// next reads the next event of an upload; ok is false at the end of the stream.
func (s *stream) next() (u resource.Upload, ok bool) {
	s.t.Helper()
	for s.lines.Scan() {
		if name, found := strings.CutPrefix(s.lines.Text(), "event: "); found {
			s.name = name
		}
		if id, found := strings.CutPrefix(s.lines.Text(), "id: "); found {
			s.id = id
		}
		if s.ended = s.ended || s.name == "end"; s.ended {
			continue
		}
		if data, found := strings.CutPrefix(s.lines.Text(), "data: "); found {
			require.NoError(s.t, json.Unmarshal([]byte(data), &u))
			return u, true
		}
	}
	require.NoError(s.t, s.lines.Err())
	return u, false
}

func (s *stream) all() (all []resource.Upload) {
	s.t.Helper()
	for u, ok := s.next(); ok; u, ok = s.next() {
		all = append(all, u)
	}
	return all
}

func TestEventsFollowAnUploadToItsEnd(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	for _, end := range []orak.Status{orak.StatusCompleted, orak.StatusDeadLettered} {
		p := progress("choir", orak.StatusAnalyzing)
		b.begin(p)
		s := b.watch(t, p)
		for _, status := range []orak.Status{orak.StatusAnalyzing, orak.StatusPublishing, end} {
			if status != orak.StatusAnalyzing {
				p.Status = status
				b.show(p)
			}
			u, ok := s.next()
			require.True(t, ok)
			require.Equal(t, status, u.Status)
		}
		_, more := s.next()
		require.False(t, more, "the stream ends")
		require.True(t, s.ended, "with an event of its own")
	}
}

func TestEventStreamSendsHeartbeatsAndEndsWithTheServer(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, func(b *bundle) { b.cfg.Heartbeat, b.cfg.MaxWatchers = 20*time.Millisecond, 1 })
	p := progress("choir", orak.StatusAnalyzing)
	b.begin(p)
	s := b.watch(t, p)
	for beats := 0; beats < 3; {
		require.True(t, s.lines.Scan())
		if strings.HasPrefix(s.lines.Text(), ":") {
			beats++
		}
	}
	problem(t, b.get(self(p)+"/events", tenant("choir")), http.StatusServiceUnavailable, "unavailable")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, b.Stop(ctx))
	for s.lines.Scan() {
	}
	require.NoError(t, s.lines.Err(), "the stream ends cleanly")
}

func TestEventStreamEndsAfterItsClientDisconnects(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, func(b *bundle) { b.cfg.Heartbeat = 20 * time.Millisecond })
	p := progress("choir", orak.StatusAnalyzing)
	b.begin(p)
	c := b.dial(t)
	c.send("GET " + self(p) + "/events HTTP/1.1\r\nHost: localhost\r\nX-Orak-Tenant: choir\r\n\r\n")
	b.eventually(func() bool { return b.gauge("orak_api_watchers") == 1 }, "the stream is open")
	require.NoError(t, c.Close())
	b.eventually(func() bool { return b.gauge("orak_api_watchers") == 0 }, "the disconnect was noticed")
}
