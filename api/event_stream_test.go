package api_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"orak"
	"orak/api"
	"orak/api/resource"
)

// counted is Temporal with a count of Describe calls.
type counted struct {
	api.Workflows
	describes *atomic.Int64
}

func (c counted) DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	c.describes.Add(1)
	return c.Workflows.DescribeWorkflowExecution(ctx, workflowID, runID)
}

// follower is one raw event stream of many.
type follower struct {
	conn net.Conn
	in   *bufio.Reader
}

func (b *bundle) follow(p orak.Progress) (*follower, error) {
	conn, err := net.Dial("tcp", b.Addr())
	if err != nil {
		return nil, err
	}
	b.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "GET %s/events HTTP/1.1\r\nHost: localhost\r\nX-Orak-Tenant: choir\r\n\r\n", self(p))
	return &follower{conn, bufio.NewReaderSize(conn, 1024)}, err
}

// until reads up to a line that contains text.
func (f *follower) until(text string) error {
	for {
		line, err := f.in.ReadString('\n')
		if err != nil {
			return fmt.Errorf("waiting for %q: %w", text, err)
		}
		if strings.Contains(line, text) {
			return nil
		}
	}
}

// every runs do n times, 64 at once.
func every(t *testing.T, n int, do func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	slots, failed := make(chan struct{}, 64), make(chan error, n)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := do(i); err != nil {
				failed <- err
			}
		})
	}
	wg.Wait()
	close(failed)
	for err := range failed {
		require.NoError(t, err)
	}
}

func TestManyStreamsOfFewUploadsShareTheirPolls(t *testing.T) {
	t.Parallel()
	const streams, uploads, pace = 2000, 10, 20
	var describes atomic.Int64
	b := setupTemporal(t, func(b *bundle) {
		b.cfg.MaxWatchers, b.cfg.MaxTenantWatchers, b.cfg.WatchRate = streams, streams, pace
		b.cfg.StatusTimeout = time.Minute
		b.deps.Workflows = counted{b.deps.Workflows, &describes}
	})
	var watched []orak.Progress
	for range uploads {
		p := progress("choir", orak.StatusAnalyzing)
		b.begin(p)
		watched = append(watched, p)
	}
	began := time.Now()
	// bound is what the rate allows: a burst of one second, then the rate.
	bound := func() float64 { return pace + pace*time.Since(began).Seconds() + 1 }

	open := make([]*follower, streams)
	every(t, streams, func(i int) (err error) {
		if open[i], err = b.follow(watched[i%uploads]); err != nil {
			return err
		}
		return open[i].until(`"status":"analyzing"`)
	})
	require.EqualValues(t, streams, b.gauge("orak_api_watchers"))
	require.EqualValues(t, uploads, b.gauge("orak_api_watched_uploads"))
	require.LessOrEqual(t, float64(describes.Load()), bound(), "opening streams adds no polls")

	for _, p := range watched {
		p.Status = orak.StatusCompleted
		b.show(p)
	}
	every(t, streams, func(i int) error { return open[i].until("event: end") })
	require.LessOrEqual(t, float64(describes.Load()), bound())
	t.Logf("%d looks in %v for %d streams of %d uploads", describes.Load(), time.Since(began), streams, uploads)
	b.eventually(func() bool { return b.gauge("orak_api_watchers") == 0 && b.gauge("orak_api_watched_uploads") == 0 }, "nothing is left")
}

func TestManyWatchedUploadsKeepToTheRate(t *testing.T) {
	t.Parallel()
	const uploads, pace = 40, 20
	var describes atomic.Int64
	b := setupTemporal(t, func(b *bundle) {
		b.cfg.MaxWatchers, b.cfg.MaxTenantWatchers, b.cfg.WatchRate = uploads, uploads, pace
		b.cfg.WatchInterval, b.cfg.StatusTimeout = time.Millisecond, time.Minute
		b.deps.Workflows = counted{b.deps.Workflows, &describes}
	})
	var watched []orak.Progress
	for range uploads {
		p := progress("choir", orak.StatusAnalyzing)
		b.begin(p)
		watched = append(watched, p)
	}
	began := time.Now()
	open := make([]*follower, uploads)
	every(t, uploads, func(i int) (err error) {
		if open[i], err = b.follow(watched[i]); err != nil {
			return err
		}
		return open[i].until(`"status":"analyzing"`)
	})
	for _, p := range watched {
		p.Status = orak.StatusCompleted
		b.show(p)
	}
	every(t, uploads, func(i int) error { return open[i].until("event: end") })
	require.LessOrEqual(t, float64(describes.Load()), pace+pace*time.Since(began).Seconds()+1)
	require.GreaterOrEqual(t, describes.Load(), int64(2*uploads))
}

func TestStreamsOfOneTenantAreBounded(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, func(b *bundle) { b.cfg.MaxTenantWatchers, b.cfg.MaxWatchers = 1, 2 })
	choir, band, solo := progress("choir", orak.StatusAnalyzing), progress("band", orak.StatusAnalyzing), progress("solo", orak.StatusAnalyzing)
	for _, p := range []orak.Progress{choir, band, solo} {
		b.begin(p)
	}
	s := b.watch(t, choir)
	_, ok := s.next()
	require.True(t, ok)
	over := b.get(self(choir)+"/events", tenant("choir"))
	problem(t, over, http.StatusTooManyRequests, "too-many-streams")
	require.NotEmpty(t, over.header.Get("Retry-After"))
	b.watch(t, band)
	problem(t, b.get(self(solo)+"/events", tenant("solo")), http.StatusServiceUnavailable, "unavailable")
	// A stream that is refused or has ended takes no place.
	problem(t, b.get("/v1/uploads/"+string(freshID())+"/events", tenant("solo")), http.StatusServiceUnavailable, "unavailable")
	choir.Status = orak.StatusCompleted
	b.show(choir)
	s.all()
	b.eventually(func() bool { return b.gauge("orak_api_watchers") == 1 }, "its place is free")
	problem(t, b.get("/v1/uploads/"+string(freshID())+"/events", tenant("solo")), http.StatusNotFound, "not-found")
	b.watch(t, solo)
}

func TestStreamResumesAfterTheLastEventID(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	p := progress("choir", orak.StatusAnalyzing)
	b.begin(p)
	first := b.watch(t, p)
	require.True(t, first.lines.Scan())
	require.Regexp(t, `^retry: [234]\d\d\d$`, first.lines.Text())
	_, ok := first.next()
	require.True(t, ok)
	require.NotEmpty(t, first.id)

	// The client has this state already, so only the next one is sent.
	s := b.watchFrom(t, p, first.id)
	p.Status = orak.StatusDeadLettered
	p.Failure = &orak.Failure{Stage: orak.StageAnalyze, Class: orak.ClassModel, Message: "It failed."}
	b.show(p)
	u, ok := s.next()
	require.True(t, ok)
	require.Equal(t, orak.StatusDeadLettered, u.Status)
	require.Empty(t, s.all())
	require.True(t, s.ended)

	// An EventSource that reconnects after the end is answered 204.
	end := b.get(self(p)+"/events", tenant("choir"), header{"Last-Event-ID", s.id})
	require.Equal(t, http.StatusNoContent, end.status)
	require.Empty(t, end.body)
	b.eventually(func() bool { return b.gauge("orak_api_watchers") == 0 }, "it takes no place")

	// After a reprocess there are new events for the same client.
	into[resource.Upload](t, b.post("/v1/dead-letters/"+string(p.Upload.ID)+"/reprocess", decision, tenant("choir")), http.StatusAccepted)
	more := b.watchFrom(t, p, s.id)
	u, ok = more.next()
	require.True(t, ok)
	require.Equal(t, orak.StatusConverting, u.Status)
}
