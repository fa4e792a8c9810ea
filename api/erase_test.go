package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api"
	"orak/api/resource"
	"orak/events"
	"orak/internal/objectstore"
)

func (b *bundle) delete(path string, headers ...header) reply {
	b.t.Helper()
	return b.do(b.request(http.MethodDelete, path, nil, headers...))
}

// bury writes a tombstone like an erasure.
func (b *bundle) bury(t orak.Tenant, id orak.UploadID, erasedAt time.Time) {
	b.t.Helper()
	text, err := json.Marshal(orak.Tombstone{ID: id, RequestedAt: time.Now().UTC(), ErasedAt: erasedAt})
	require.NoError(b.t, err)
	b.put(orak.ErasedKey(t, id), text, "application/json")
}

// asked returns the published erasures.
func asked(t *testing.T, es []events.Event) []events.Erasure {
	t.Helper()
	var all []events.Erasure
	for _, e := range es {
		if e.Type != events.Erased {
			continue
		}
		a, err := e.Erasure()
		require.NoError(t, err)
		all = append(all, a)
	}
	return all
}

func TestErasureIsPublishedAfterItsUpload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := into[resource.Accepted](t, b.upload(wav(5000), header{"X-Orak-Tenant", "choir"}), http.StatusAccepted)
	path := "/v1/uploads/" + string(a.ID)
	r := b.delete(path+"?by=ada&reason=asked+by+the+singer", header{"X-Orak-Tenant", "choir"},
		header{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
	erasing := into[resource.Erasing](t, r, http.StatusAccepted)
	require.Equal(t, resource.Erasing{ID: a.ID, Status: "erasing", Links: a.Links}, erasing)

	es := b.announced(2)
	require.Equal(t, []events.Type{events.UploadReceived, events.Erased}, []events.Type{es[0].Type, es[1].Type})
	require.Equal(t, []events.Erasure{{ID: a.ID, Tenant: "choir", By: "ada", Reason: "asked by the singer"}}, asked(t, es))
	require.Contains(t, es[1].Traceparent, "4bf92f3577b34da6a3ce929d0e0e4736")

	// A repeated request during the erasure makes the same event.
	b.bury("choir", a.ID, time.Time{})
	into[resource.Erasing](t, b.delete(path, header{"X-Orak-Tenant", "choir"}), http.StatusAccepted)
	require.Len(t, b.announced(2), 2)
	// After the erasure, a repeated request does nothing.
	b.bury("choir", a.ID, time.Now().UTC())
	done := b.delete(path, header{"X-Orak-Tenant", "choir"})
	require.Equal(t, http.StatusNoContent, done.status)
	require.Empty(t, done.body)
}

func TestErasureIsLimitedToTheTenant(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	a := into[resource.Accepted](t, b.upload(wav(5000), header{"X-Orak-Tenant", "choir"}), http.StatusAccepted)
	known := progress("choir", orak.StatusCompleted) // its recording was removed manually
	b.begin(known)
	for _, id := range []orak.UploadID{a.ID, known.Upload.ID} {
		problem(t, b.delete("/v1/uploads/"+string(id)), http.StatusNotFound, "not-found")
		problem(t, b.delete("/v1/uploads/"+string(id), header{"X-Orak-Tenant", "thief"}), http.StatusNotFound, "not-found")
	}
	problem(t, b.delete("/v1/uploads/"+string(freshID())), http.StatusNotFound, "not-found")
	problem(t, b.delete("/v1/uploads/..%2F..%2Fx"), http.StatusNotFound, "not-found")
	into[resource.Erasing](t, b.delete("/v1/uploads/"+string(known.Upload.ID), header{"X-Orak-Tenant", "choir"}), http.StatusAccepted)
	require.Equal(t, []events.Erasure{{ID: known.Upload.ID, Tenant: "choir", By: "the API"}}, asked(t, b.announced(2)))
}

func TestErasureBoundsRequesterAndReason(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := into[resource.Accepted](t, b.upload(wav(5000)), http.StatusAccepted)
	for _, query := range []string{
		"by=" + strings.Repeat("x", events.MaxBy+1), "by=a%0Ab", "by=%ff", "reason=" + strings.Repeat("x", events.MaxReason+1), "reason=%1b%5B2J",
	} {
		problem(t, b.delete("/v1/uploads/"+string(a.ID)+"?"+query), http.StatusBadRequest, "invalid-request")
	}
	require.Len(t, b.announced(1), 1)
}

func TestErasureIsAcceptedWhileKafkaIsUnavailable(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, func(b *bundle) { b.cfg.AckWait = 20 * time.Millisecond })
	b.kafkaDown.Store(true)
	key := header{"Idempotency-Key", "take-1"}
	a := into[resource.Accepted](t, b.upload(wav(5000), key), http.StatusAccepted) // the upload is in the outbox
	path := "/v1/uploads/" + string(a.ID)
	began := time.Now()
	into[resource.Erasing](t, b.delete(path+"?by=ada"), http.StatusAccepted)
	require.Less(t, time.Since(began), 5*time.Second, "it does not wait for Kafka")
	require.Contains(t, b.keys(), orak.PendingErasureKey(orak.DefaultTenant, a.ID))

	// From now on the upload is erased for every caller, and its key is refused.
	problem(t, b.get(path), http.StatusGone, "erased")
	problem(t, b.upload(wav(5000), key), http.StatusGone, "erased")
	into[resource.Erasing](t, b.delete(path+"?by=ada"), http.StatusAccepted)

	b.kafkaDown.Store(false)
	b.eventually(func() bool { return !slices.Contains(b.keys(), orak.PendingErasureKey(orak.DefaultTenant, a.ID)) }, "the marker is removed")
	es := asked(t, b.announced(1))
	for len(es) == 0 {
		es = asked(t, b.announced(2))
	}
	require.Equal(t, []events.Erasure{{ID: a.ID, Tenant: orak.DefaultTenant, By: "ada"}}, es)
}

// The next process publishes the erasures of one that died while Kafka was
// unavailable, including the requester.
func TestNextProcessPublishesErasuresThatRemain(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.cfg.AckWait = time.Millisecond })
	a := into[resource.Accepted](t, b.upload(wav(5000)), http.StatusAccepted)
	b.announced(1)
	b.kafkaDown.Store(true)
	into[resource.Erasing](t, b.delete("/v1/uploads/"+string(a.ID)+"?by=ada&reason=asked",
		header{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}), http.StatusAccepted)
	damaged := freshID()
	b.put(orak.PendingErasureKey("choir", damaged), []byte("{"), "application/json")

	b.deps.Events = b.producer() // the producer of the first process keeps failing
	b.kafkaDown.Store(false)
	b.replica()
	es := b.announced(3)
	require.ElementsMatch(t, []events.Erasure{
		{ID: a.ID, Tenant: orak.DefaultTenant, By: "ada", Reason: "asked"}, {ID: damaged, Tenant: "choir", By: "the API"},
	}, asked(t, es))
	for _, e := range es {
		if e.Type == events.Erased && e.Subject == a.ID {
			require.Contains(t, e.Traceparent, "4bf92f3577b34da6a3ce929d0e0e4736")
		}
	}
	b.eventually(func() bool { return len(b.keys()) == 2 }, "the markers are removed")
	require.ElementsMatch(t, []string{orak.OriginalKey(orak.DefaultTenant, a.ID), orak.ErasedKey(orak.DefaultTenant, a.ID)}, b.keys())
}

// lostAnswers stores the markers of erasures but reports a failure.
type lostAnswers struct{ api.Store }

func (s lostAnswers) Put(ctx context.Context, key string, body io.Reader, opts objectstore.PutOptions) (objectstore.Info, error) {
	info, err := s.Store.Put(ctx, key, body, opts)
	if _, _, ok := orak.ParsePendingErasureKey(key); ok && err == nil {
		err = &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyStore, Message: "The object store cannot be reached.", Err: io.ErrUnexpectedEOF}
	}
	return info, err
}

func TestErasureThatMayHappenIsNotDenied(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.deps.Store = lostAnswers{b.store} })
	a := into[resource.Accepted](t, b.upload(wav(5000)), http.StatusAccepted)
	p := problem(t, b.delete("/v1/uploads/"+string(a.ID)), http.StatusServiceUnavailable, "unavailable")
	require.Contains(t, p.Detail, "may still be carried out")
	require.NotContains(t, p.Detail, "othing was")
	require.Contains(t, b.keys(), orak.PendingErasureKey(orak.DefaultTenant, a.ID))
}

func TestErasedUploadIsGone(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	ended, unknown, running := progress("choir", orak.StatusCompleted), progress("choir", orak.StatusQueued), progress("choir", orak.StatusConverting)
	b.begin(ended)
	b.begin(running)
	at := time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
	b.bury("choir", ended.Upload.ID, at)
	b.bury("choir", unknown.Upload.ID, time.Time{})
	for _, path := range []string{"", "/analysis", "/events"} {
		p := problem(t, b.get("/v1/uploads/"+string(ended.Upload.ID)+path, header{"X-Orak-Tenant", "choir"}), http.StatusGone, "erased")
		require.True(t, at.Equal(p.ErasedAt), path)
		p = problem(t, b.get("/v1/uploads/"+string(unknown.Upload.ID)+path, header{"X-Orak-Tenant", "choir"}), http.StatusGone, "erased")
		require.True(t, p.ErasedAt.IsZero(), path)
		problem(t, b.get("/v1/uploads/"+string(ended.Upload.ID)+path, header{"X-Orak-Tenant", "other"}), http.StatusNotFound, "not-found")
	}
	// A damaged tombstone counts, too.
	b.put(orak.ErasedKey("choir", unknown.Upload.ID), []byte("{"), "application/json")
	problem(t, b.get("/v1/uploads/"+string(unknown.Upload.ID), header{"X-Orak-Tenant", "choir"}), http.StatusGone, "erased")
	into[resource.Erasing](t, b.delete("/v1/uploads/"+string(unknown.Upload.ID), header{"X-Orak-Tenant", "choir"}), http.StatusAccepted)

	// An event stream ends with the erasure.
	done := make(chan reply, 1)
	go func() {
		done <- b.get("/v1/uploads/"+string(running.Upload.ID)+"/events", header{"X-Orak-Tenant", "choir"})
	}()
	b.eventually(func() bool { return b.gauge("orak_api_watchers") == 1 }, "the stream is open")
	b.bury("choir", running.Upload.ID, at)
	last := running
	last.Status = orak.StatusCanceled
	b.show(last)
	stream := <-done
	require.Contains(t, string(stream.body), `"status":"converting"`)
	require.Contains(t, string(stream.body[bytes.LastIndex(stream.body, []byte("data:")):]), `"status":"erased"`)
}

func TestIdempotencyKeyOfAnErasedUploadIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := header{"Idempotency-Key", "take-1"}
	a := into[resource.Accepted](t, b.upload(wav(5000), key), http.StatusAccepted)
	b.announced(1)
	b.eventually(func() bool { return len(b.keys()) == 1 }, "the marker is removed")
	b.bury(orak.DefaultTenant, a.ID, time.Time{})
	// Before and after the recording is removed.
	for range 2 {
		p := problem(t, b.upload(wav(5000), key), http.StatusGone, "erased")
		require.Contains(t, p.Detail, "with a new key")
		require.NoError(t, b.store.Delete(t.Context(), orak.OriginalKey(orak.DefaultTenant, a.ID)))
	}
	require.Equal(t, []string{orak.ErasedKey(orak.DefaultTenant, a.ID)}, b.keys())
	require.Len(t, b.announced(1), 1)
}

// While one request with the key is slow, the upload of another one is erased.
func TestRecordingThatArrivesAfterItsErasureIsRemoved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := wav(20000)
	key := header{"Idempotency-Key", "take-1"}
	body, sender := io.Pipe()
	defer sender.Close()
	req := b.request(http.MethodPost, "/v1/uploads", body, key)
	req.ContentLength = int64(len(content))
	done := make(chan reply, 1)
	go func() { done <- b.do(req) }()
	_, err := sender.Write(content[:10000])
	require.NoError(t, err)
	b.eventually(func() bool { return len(b.keys()) == 1 }, "its marker is written")
	id, ok := "", false
	for _, k := range b.keys() {
		id, ok = strings.CutPrefix(strings.TrimSuffix(k, ".json"), "pending/default/")
		require.True(t, ok)
	}
	b.bury(orak.DefaultTenant, orak.UploadID(id), time.Now().UTC())
	_, err = sender.Write(content[10000:])
	require.NoError(t, err)
	problem(t, <-done, http.StatusGone, "erased")
	require.Equal(t, []string{orak.ErasedKey(orak.DefaultTenant, orak.UploadID(id))}, b.keys())
}

// A process may die between storing and checking, or write its marker late.
func TestRelayDropsErasedUploads(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	id, other := freshID(), freshID()
	for _, u := range []orak.UploadID{id, other} {
		b.put(orak.PendingKey("choir", u), []byte("{}"), "application/json")
		b.put(orak.OriginalKey("choir", u), wav(100), "audio/wav")
	}
	b.bury("choir", id, time.Now().UTC())
	b.start()
	require.Equal(t, other, b.announced(1)[0].Subject)
	b.eventually(func() bool { return len(b.keys()) == 2 }, "the erased one is removed")
	require.ElementsMatch(t, []string{orak.ErasedKey("choir", id), orak.OriginalKey("choir", other)}, b.keys())
	require.Len(t, b.announced(1), 1)
}
