package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
)

func state(s orak.Status) resource.Upload {
	return resource.Upload{ID: testID, Status: s, Links: resource.Links{Events: "/v1/uploads/" + string(testID) + "/events"}}
}

// stream answers with a stream of events.
func stream(w http.ResponseWriter, states ...orak.Status) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	for _, s := range states {
		text, _ := json.Marshal(state(s))
		fmt.Fprintf(w, ": heartbeat\n\nevent: upload\ndata: %s\n\n", text)
	}
	w.(http.Flusher).Flush()
}

func watchAll(t *testing.T, b *bundle) (last resource.Upload, seen []orak.Status, lost int, err error) {
	t.Helper()
	away := false
	last, err = b.Watch(t.Context(), testID, Watching{
		Changed: func(u resource.Upload) { seen = append(seen, u.Status) },
		Lost:    func(error, time.Duration) { lost, away = lost+1, true },
		Found:   func() { away = false },
	})
	require.False(t, err == nil && away, "the end of an outage is reported")
	return last, seen, lost, err
}

func isEvents(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/events") }

func TestWatchFollowsEventsToTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		if !isEvents(r) {
			answer(w, http.StatusOK, state(orak.StatusQueued))
			return
		}
		stream(w, orak.StatusQueued, orak.StatusConverting, orak.StatusAnalyzing, orak.StatusCompleted)
	})
	last, seen, lost, err := watchAll(t, b)
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, last.Status)
	require.Equal(t, []orak.Status{orak.StatusQueued, orak.StatusConverting, orak.StatusAnalyzing, orak.StatusCompleted}, seen)
	require.Zero(t, lost)
}

func TestWatchEndsAtADeadLetter(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, state(orak.StatusDeadLettered)) })
	last, _, _, err := watchAll(t, b)
	require.NoError(t, err)
	require.Equal(t, orak.StatusDeadLettered, last.Status)
}

func TestWatchEndsWhereProcessingWasHalted(t *testing.T) {
	t.Parallel()
	halted := state(orak.StatusAnalyzing)
	halted.Halted = true
	b := setup(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, halted) })
	last, _, _, err := watchAll(t, b)
	require.NoError(t, err)
	require.True(t, last.Halted)
}

func TestWatchSurvivesCutStreamsAndAnOutage(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		switch n := calls.Add(1); {
		case n == 2: // the first stream: cut after an event
			stream(w, orak.StatusConverting)
			cut(w)
		case n >= 3 && n < 6: // the server restarts
			cut(w)
		case n == 6: // a proxy answers for it
			w.WriteHeader(http.StatusBadGateway)
		case isEvents(r):
			stream(w, orak.StatusAnalyzing, orak.StatusCompleted)
		default:
			answer(w, http.StatusOK, state(orak.StatusConverting))
		}
	})
	last, seen, lost, err := watchAll(t, b)
	require.NoError(t, err)
	require.Equal(t, orak.StatusCompleted, last.Status)
	require.Equal(t, []orak.Status{orak.StatusConverting, orak.StatusAnalyzing, orak.StatusCompleted}, seen)
	require.Positive(t, lost)
}

func TestWatchPollsWhereThereAreNoEvents(t *testing.T) {
	t.Parallel()
	for name, without := range map[string]func(http.ResponseWriter){
		"too many":     func(w http.ResponseWriter) { refuse(w, http.StatusServiceUnavailable, resource.Problem{}) },
		"not found":    func(w http.ResponseWriter) { refuse(w, http.StatusNotFound, resource.Problem{}) },
		"not a stream": func(w http.ResponseWriter) { answer(w, http.StatusOK, "?") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			b := setup(t, func(w http.ResponseWriter, r *http.Request) {
				if isEvents(r) {
					without(w)
					return
				}
				states := []orak.Status{orak.StatusQueued, orak.StatusConverting, orak.StatusCompleted}
				answer(w, http.StatusOK, state(states[min(int(asked.Add(1))-1, 2)]))
			})
			last, seen, _, err := watchAll(t, b)
			require.NoError(t, err)
			require.Equal(t, orak.StatusCompleted, last.Status)
			require.Len(t, seen, 3)
		})
	}
}

func TestWatchWaitsForAnUploadThatIsNotYetKnown(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	b := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			refuse(w, http.StatusNotFound, resource.Problem{Title: "There is no such resource"})
			return
		}
		answer(w, http.StatusOK, state(orak.StatusCompleted))
	})
	_, _, _, err := watchAll(t, b)
	require.NoError(t, err)
}

func TestWatchEndsWhereTheServerRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusBadRequest, resource.Problem{Title: "The tenant is not valid"})
	})
	_, _, _, err := watchAll(t, b)
	require.EqualError(t, err, "The tenant is not valid (400)")
}

func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	open := make(chan struct{})
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		if !isEvents(r) {
			answer(w, http.StatusOK, state(orak.StatusQueued))
			return
		}
		stream(w)
		close(open)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	go func() { <-open; cancel(gone) }()
	_, err := b.Watch(ctx, testID, Watching{})
	require.ErrorIs(t, err, gone)
}

func TestEventsLinkOfAnotherHostIsNotFollowed(t *testing.T) {
	t.Parallel()
	for _, link := range []string{"", "http://evil.example/x", "//evil.example/x", "x"} {
		f := &follower{id: testID, last: resource.Upload{Links: resource.Links{Events: link}}}
		require.Equal(t, "/v1/uploads/"+string(testID)+"/events", f.eventsPath(), link)
	}
}
