package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"orak"
)

// half sends the first half of an upload of a tenant.
func (b *bundle) half(t *testing.T, tenant string, content []byte) *raw {
	t.Helper()
	c := b.dial(t)
	c.send(fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nX-Orak-Tenant: %s\r\nContent-Length: %d\r\n\r\n%s", tenant, len(content), content[:len(content)/2]))
	return c
}

func (b *bundle) receiving(n int) {
	b.t.Helper()
	b.eventually(func() bool {
		return strings.Contains(b.gathered(), fmt.Sprintf("orak_api_uploads_in_flight %d\n", n))
	}, fmt.Sprintf("%d uploads are received", n))
}

func TestUploadsBeyondTheBoundAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.cfg.MaxUploads, b.cfg.MaxTenantUploads, b.cfg.MinUploadRate = 3, 2, 0 })
	content := wav(50_000)
	begun := []*raw{b.half(t, "choir", content), b.half(t, "choir", content)}
	b.receiving(2)

	// The answers come before any byte of the bodies.
	head := "POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nX-Orak-Tenant: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
	third := b.dial(t)
	third.send(fmt.Sprintf(head, "choir"))
	r := third.answer()
	problem(t, r, http.StatusTooManyRequests, "too-many-uploads")
	require.NotEmpty(t, r.header.Get("Retry-After"))

	begun = append(begun, b.half(t, "band", content))
	b.receiving(3)
	fourth := b.dial(t)
	fourth.send(fmt.Sprintf(head, "solo"))
	r = fourth.answer()
	problem(t, r, http.StatusServiceUnavailable, "unavailable")
	require.NotEmpty(t, r.header.Get("Retry-After"))
	require.True(t, r.closes)

	for _, c := range begun {
		c.send(string(content[len(content)/2:]))
		require.Equal(t, http.StatusAccepted, c.answer().status)
	}
	b.receiving(0)
	n, err := testutil.GatherAndCount(b.metrics, "orak_api_uploads_turned_away_total")
	require.NoError(t, err)
	require.Equal(t, 2, n, "one for the tenant, one for all")
	require.Equal(t, http.StatusAccepted, b.upload(content, header{"X-Orak-Tenant", "choir"}).status)
}

func TestPausedTenantIsRefusedBeforeItsBodyIsRead(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.deps.Paused = func(t orak.Tenant) bool { return t == "choir" } })
	c := b.dial(t)
	c.send("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nX-Orak-Tenant: choir\r\nTransfer-Encoding: chunked\r\n\r\n")
	r := c.answer()
	problem(t, r, http.StatusServiceUnavailable, "intake-paused")
	require.Equal(t, "60", r.header.Get("Retry-After"))
	require.Empty(t, b.keys())
	require.Equal(t, http.StatusAccepted, b.upload(wav(50_000), header{"X-Orak-Tenant", "solo"}).status)
}

func TestUploadsOfATenantFollowItsOwnBound(t *testing.T) {
	t.Parallel()
	var most atomic.Int64
	most.Store(1)
	b := setup(t, func(b *bundle) {
		b.cfg.MinUploadRate = 0
		b.deps.MaxTenantUploads = func(orak.Tenant) int { return int(most.Load()) }
	})
	content := wav(50_000)
	begun := b.half(t, "choir", content)
	b.receiving(1)
	require.Equal(t, http.StatusTooManyRequests, b.upload(content, header{"X-Orak-Tenant", "choir"}).status)
	most.Store(2)
	require.Equal(t, http.StatusAccepted, b.upload(content, header{"X-Orak-Tenant", "choir"}).status)
	begun.send(string(content[len(content)/2:]))
	require.Equal(t, http.StatusAccepted, begun.answer().status)
}

func TestSlowUploadMakesRoomForAnother(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) {
		b.cfg.MaxUploads, b.cfg.MaxTenantUploads = 2, 1
		b.cfg.BodyTimeout = time.Minute
	})
	content := wav(50_000)
	slow := map[string]*raw{"choir": b.half(t, "choir", content), "band": b.half(t, "band", content)}
	b.receiving(2)
	// A slow upload makes room for the next one of its tenant, and any slow upload for others.
	b.eventually(func() bool {
		return b.upload(content, header{"X-Orak-Tenant", "choir"}).status == http.StatusAccepted
	}, "the tenant's next upload is accepted")
	p := problem(t, slow["choir"].answer(), http.StatusRequestTimeout, "timeout")
	require.Contains(t, p.Detail, "16384 bytes per second")
	again := b.half(t, "choir", content)
	b.receiving(2)
	require.Equal(t, http.StatusAccepted, b.upload(content, header{"X-Orak-Tenant", "solo"}).status)
	problem(t, slow["band"].answer(), http.StatusRequestTimeout, "timeout")

	again.send(string(content[len(content)/2:]))
	require.Equal(t, http.StatusAccepted, again.answer().status, "an upload that is not slow continues")
	b.eventually(func() bool { return len(b.keys()) == 3 }, "nothing of the evicted uploads remains")
}
