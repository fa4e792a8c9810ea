package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api"
	"orak/api/resource"
	"orak/internal/objectstore"
)

// readings counts the reads of recordings from the store.
type readings struct {
	api.Store
	n *atomic.Int64
}

func (r readings) Get(ctx context.Context, key string) (io.ReadCloser, objectstore.Info, error) {
	if strings.HasSuffix(key, "/original") {
		r.n.Add(1)
	}
	return r.Store.Get(ctx, key)
}

// begun is the head of an upload whose body is cut off.
func begun(size int, headers ...header) string {
	head := fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nIdempotency-Key: k\r\n", size)
	for _, h := range headers {
		head += h[0] + ": " + h[1] + "\r\n"
	}
	return head + "\r\n"
}

func TestRepeatReadsNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	var read atomic.Int64
	b := setup(t, func(b *bundle) { b.deps.Store = readings{b.store, &read} })
	b.younger()
	content, other := wav(4<<20), wav(4<<20)
	other[1<<20]++
	key := header{"Idempotency-Key", "k"}
	first := into[resource.Accepted](t, b.upload(content, key, contentDigest(content)), http.StatusAccepted)
	b.eventually(func() bool { return len(b.keys()) == 1 }, "the marker is removed")

	// Whole bodies: the recording itself is not read again.
	require.Equal(t, first, into[resource.Accepted](t, b.upload(content, key), http.StatusAccepted))
	problem(t, b.upload(other, key), http.StatusUnprocessableEntity, "idempotency-conflict")
	require.Zero(t, read.Load())

	// Only the first bytes: the declared digest or length decides, and the
	// connection ends, since the rest would be taken for the next request.
	for name, c := range map[string]struct {
		size   int
		claim  []header
		status int
	}{
		"the same digest":    {len(content), []header{contentDigest(content)}, http.StatusAccepted},
		"another digest":     {len(content), []header{contentDigest(other)}, http.StatusUnprocessableEntity},
		"another length":     {len(content) - 2, nil, http.StatusUnprocessableEntity},
		"a length too large": {len(content) + 1, []header{contentDigest(content)}, http.StatusUnprocessableEntity},
	} {
		conn := b.dial(t)
		conn.send(begun(c.size, c.claim...))
		conn.send(string(content[:256<<10]))
		got := conn.answer()
		require.Equal(t, c.status, got.status, "%s: %s", name, got.body)
		require.True(t, got.closes, name)
		conn.ended()
		if c.status == http.StatusAccepted {
			require.Equal(t, first, into[resource.Accepted](t, got, http.StatusAccepted))
		}
	}
	require.Zero(t, read.Load())
	require.Len(t, b.announced(1), 1)
}

func TestRepeatTakesTheDigestFromTheWorkflow(t *testing.T) {
	t.Parallel()
	var read atomic.Int64
	b := setupTemporal(t, func(b *bundle) { b.deps.Store = readings{b.store, &read} })
	b.younger()
	content, other := wav(200_000), wav(200_000)
	other[100_000]++
	key := header{"Idempotency-Key", "k"}
	first := into[resource.Accepted](t, b.upload(content, key), http.StatusAccepted)
	b.eventually(func() bool { return len(b.keys()) == 1 }, "the marker is removed")

	// If nothing else has the digest, the recording is read.
	require.Equal(t, first, into[resource.Accepted](t, b.upload(content, key), http.StatusAccepted))
	problem(t, b.upload(other, key), http.StatusUnprocessableEntity, "idempotency-conflict")
	require.EqualValues(t, 2, read.Load())

	p := progress(orak.DefaultTenant, orak.StatusAnalyzing)
	p.Upload = uploadOf(t, b.announced(1)[0])
	b.begin(p)
	require.Equal(t, orak.StatusAnalyzing, into[resource.Accepted](t, b.upload(content, key), http.StatusAccepted).Status)
	problem(t, b.upload(other, key), http.StatusUnprocessableEntity, "idempotency-conflict")
	require.EqualValues(t, 2, read.Load())
}

// The stored object has the time of acceptance, for the status, the event and later
// announcements.
func TestCreatedAtIsTheSameInEveryAnswer(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, func(b *bundle) { b.cfg.AckWait = time.Millisecond })
	b.kafkaDown.Store(true)
	a := into[resource.Accepted](t, b.upload(wav(5000), header{"Idempotency-Key", "k"}), http.StatusAccepted)
	createdAt := func() time.Time {
		return into[resource.Upload](t, b.get(a.Links.Self), http.StatusOK).CreatedAt
	}
	at := createdAt()
	require.False(t, at.IsZero())

	// Another request with the key first writes its own marker.
	b.eventually(func() bool { return b.marker(a.ID)["sha256"] != nil }, "the marker is completed")
	b.put(orak.PendingKey(orak.DefaultTenant, a.ID), []byte(`{"upload_id":"`+string(a.ID)+`","tenant":"default","received_at":"2020-01-02T03:04:05Z"}`), "application/json")
	b.deps.Events = b.producer()
	b.kafkaDown.Store(false)
	b.replica()
	for _, e := range b.announced(1) {
		require.True(t, at.Equal(uploadOf(t, e).ReceivedAt), "%v, %v", at, uploadOf(t, e).ReceivedAt)
	}
	require.True(t, at.Equal(createdAt()))
	p := progress(orak.DefaultTenant, orak.StatusAnalyzing)
	p.Upload = uploadOf(t, b.announced(1)[0])
	b.begin(p)
	require.True(t, at.Equal(createdAt()))
	p.Status = orak.StatusCompleted
	b.show(p)
	b.outcome(p)
	b.eventually(func() bool {
		return into[resource.Upload](t, b.get(a.Links.Self), http.StatusOK).Status == orak.StatusCompleted
	}, "it is completed")
	require.True(t, at.Equal(createdAt()))
}

func TestAnswersAreCachedPrivatelyAndRevalidated(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	p := progress("choir", orak.StatusCompleted)
	b.outcome(p)
	b.put(orak.AnalysisKey("choir", p.Upload.ID), []byte(analysis), "application/json")
	for _, path := range []string{self(p), self(p) + "/analysis"} {
		r := b.get(path, tenant("choir"))
		require.Equal(t, http.StatusOK, r.status)
		tag := r.header.Get("ETag")
		require.Regexp(t, `^"[^"]+"$`, tag, path)
		require.Equal(t, tag, b.get(path, tenant("choir")).header.Get("ETag"), path)
		for _, same := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			r := b.get(path, tenant("choir"), header{"If-None-Match", same})
			require.Equal(t, http.StatusNotModified, r.status, "%s: %s", path, same)
			require.Empty(t, r.body)
			require.Equal(t, tag, r.header.Get("ETag"))
			cacheable(t, r)
		}
		again := b.get(path, tenant("choir"), header{"If-None-Match", `"x"`})
		require.Equal(t, http.StatusOK, again.status)
		require.Equal(t, r.body, again.body)
		cacheable(t, again)
	}
	// A reprocess makes another analysis, so the caller's copy is out of date.
	old := b.get(self(p)+"/analysis", tenant("choir")).header.Get("ETag")
	b.put(orak.AnalysisKey("choir", p.Upload.ID), []byte(strings.Replace(analysis, `"duration_s":1`, `"duration_s":2`, 1)), "application/json")
	require.Equal(t, http.StatusOK, b.get(self(p)+"/analysis", tenant("choir"), header{"If-None-Match", old}).status)

	// Refusals are not cached, and depend on the tenant, too.
	for _, r := range []reply{b.get(self(p)), b.get(self(p)+"/analysis", tenant("band")), b.get(self(p), tenant("NO")), b.get("/v1/dead-letters")} {
		require.Equal(t, "no-store", r.header.Get("Cache-Control"))
		require.Contains(t, r.header.Get("Vary"), "X-Orak-Tenant")
		require.Empty(t, r.header.Get("ETag"))
	}
}

func cacheable(t *testing.T, r reply) {
	t.Helper()
	require.Equal(t, "private, no-cache", r.header.Get("Cache-Control"))
	require.Equal(t, "X-Orak-Tenant, Accept-Encoding", r.header.Get("Vary"))
}
