package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
)

// tell writes an event of a tenant's stream.
func tell(w http.ResponseWriter, id string, s orak.Status) {
	text, _ := json.Marshal(state(s))
	fmt.Fprintf(w, "event: upload\nid: %s\ndata: %s\n\n", id, text)
	w.(http.Flusher).Flush()
}

func TestFollowGoesOnBehindTheLastEvent(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	var after []string
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		after = append(after, r.Header.Get("Last-Event-ID"))
		if len(after) == 4 {
			w.Header().Set("Retry-After", "7")
			refuse(w, http.StatusTooManyRequests, resource.Problem{})
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "retry: 2500\n\n")
		switch len(after) {
		case 1:
			tell(w, "one", orak.StatusQueued)
			fmt.Fprint(w, "id: two\n\n")
			w.(http.Flusher).Flush()
			cut(w)
		case 2: // the server restarts
		case 3:
			fmt.Fprint(w, "event: reset\nid: three\ndata: {}\n\n")
		default:
			tell(w, "four", orak.StatusCompleted)
			<-ctx.Done()
		}
	})
	var seen []string
	lost, away := 0, false
	last, err := b.Follow(ctx, "zero", Following{
		Changed: func(u resource.Upload, event string) {
			if seen = append(seen, event+" "+string(u.Status)); u.Status == orak.StatusCompleted {
				end()
			}
		},
		Reset: func(event string) { seen = append(seen, event+" reset") },
		Lost:  func(error, time.Duration) { lost, away = lost+1, true },
		Found: func() { away = false },
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, "four", last)
	require.Equal(t, []string{"one queued", "three reset", "four completed"}, seen)
	require.Equal(t, []string{"zero", "two", "two", "three", "three"}, after)
	require.Equal(t, 4, lost)
	require.False(t, away, "the end of an outage is reported")
	require.Equal(t, []time.Duration{2500 * time.Millisecond, 2500 * time.Millisecond, 2500 * time.Millisecond, 7 * time.Second}, b.waits)
}

func TestFollowReturnsARefusal(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusUnauthorized, resource.Problem{Title: "No key"})
	})
	_, err := b.Follow(t.Context(), "", Following{})
	require.EqualError(t, err, "No key (401)")

	b = setup(t, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusServiceUnavailable, resource.Problem{})
	})
	_, err = b.Follow(t.Context(), "", Following{})
	var refusal *Error
	require.ErrorAs(t, err, &refusal, "a stream that was never there is no outage")

	_, err = b.Follow(t.Context(), "a\nb", Following{})
	require.ErrorIs(t, err, ErrEventID)

	b = setup(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "hello") })
	_, err = b.Follow(t.Context(), "", Following{})
	require.ErrorContains(t, err, "is it orak?")
}
