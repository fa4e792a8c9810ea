package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/objectstore"
)

// completed stores what a completed upload has: its outcome, and a recording of content.
func (b *bundle) completed(content []byte) (p orak.Progress, path string) {
	b.t.Helper()
	return b.completedOf(orak.DefaultTenant, content)
}

func (b *bundle) completedOf(t orak.Tenant, content []byte) (p orak.Progress, path string) {
	b.t.Helper()
	p = progress(t, orak.StatusCompleted)
	p.Upload.Size, p.Upload.SHA256, p.Upload.ContentType = int64(len(content)), hexSum(content), "audio/wav"
	p.Upload.Filename = "Übung \"1\".wav"
	b.outcome(p)
	b.put(orak.OriginalKey(t, p.Upload.ID), content, "text/html")
	b.put(orak.AudioKey(t, p.Upload.ID), content, "audio/wav")
	return p, self(p)
}

func TestRecordingIsSentWholeAndInRanges(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	content := wav(3000)
	_, path := b.completed(content)
	for _, name := range []string{"/audio", "/original"} {
		whole := b.get(path + name)
		require.Equal(t, http.StatusOK, whole.status, "%s", whole.body)
		require.True(t, bytes.Equal(content, whole.body))
		require.Equal(t, "audio/wav", whole.header.Get("Content-Type"))
		require.Equal(t, "bytes", whole.header.Get("Accept-Ranges"))
		etag := whole.header.Get("ETag")
		require.NotEmpty(t, etag)
		for asked, want := range map[string]string{
			"bytes=0-99": "0-99", "bytes=100-": "100-2999", "bytes=-1": "2999-2999", "bytes=-9000": "0-2999", "bytes=2990-9000": "2990-2999",
		} {
			r := b.get(path+name, header{"Range", asked})
			require.Equal(t, http.StatusPartialContent, r.status, asked)
			require.Equal(t, "bytes "+want+"/3000", r.header.Get("Content-Range"))
			var first, last int
			_, err := fmt.Sscanf(want, "%d-%d", &first, &last)
			require.NoError(t, err)
			require.True(t, bytes.Equal(content[first:last+1], r.body), asked)
		}
		for _, asked := range []string{"bytes=3000-", "bytes=-0", "bytes=9-3", "bytes=x-y", "bytes=", "bytes=99999999999999999999-"} {
			r := b.get(path+name, header{"Range", asked})
			problem(t, r, http.StatusRequestedRangeNotSatisfiable, "range-not-satisfiable")
			require.Equal(t, "bytes */3000", r.header.Get("Content-Range"), asked)
		}
		for why, headers := range map[string][]header{
			"several ranges":      {{"Range", "bytes=0-1,5-6"}},
			"another unit":        {{"Range", "lines=0-1"}},
			"another ETag":        {{"Range", "bytes=0-1"}, {"If-Range", `"other"`}},
			"a weak ETag":         {{"Range", "bytes=0-1"}, {"If-Range", "W/" + etag}},
			"a date":              {{"Range", "bytes=0-1"}, {"If-Range", "Sat, 28 Nov 2026 10:00:00 GMT"}},
			"gzip is not applied": {{"Accept-Encoding", "gzip"}},
		} {
			r := b.get(path+name, headers...)
			require.Equal(t, http.StatusOK, r.status, why)
			require.Len(t, r.body, 3000, why)
			require.Empty(t, r.header.Get("Content-Encoding"))
		}
		require.Equal(t, http.StatusPartialContent, b.get(path+name, header{"Range", "bytes=0-1"}, header{"If-Range", etag}).status)
		require.Equal(t, http.StatusNotModified, b.get(path+name, header{"If-None-Match", etag}, header{"Range", "bytes=0-1"}).status)

		head := b.do(b.request(http.MethodHead, path+name, nil, header{"Range", "bytes=0-1"}))
		require.Equal(t, http.StatusOK, head.status)
		require.Equal(t, "3000", head.header.Get("Content-Length"))
		require.Equal(t, etag, head.header.Get("ETag"))
		require.Empty(t, head.body)
		problem(t, b.get(path+name, tenant("band")), http.StatusNotFound, "not-found")
	}
	require.Contains(t, b.gathered(), "orak_api_downloads_in_flight 0")
}

// A recording may be a page as well: no browser may run it as one of this server.
func TestRecordingIsNeverRunByABrowser(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	content := []byte("<script>alert(1)</script>")
	p, path := b.completed(content)
	for _, name := range []string{"/audio", "/original"} {
		h := b.get(path + name).header
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.Equal(t, "sandbox; default-src 'none'", h.Get("Content-Security-Policy"))
	}
	h := b.get(path + "/original").header
	require.Equal(t, "attachment; filename*=utf-8''%C3%9Cbung%20%221%22.wav", h.Get("Content-Disposition"))
	require.Equal(t, contentDigest(content)[1], h.Get("Repr-Digest"))

	p.Upload.ContentType, p.Upload.Filename = "text/html", ""
	b.outcome(p)
	h = b.get(path + "/original").header
	require.Equal(t, "application/octet-stream", h.Get("Content-Type"))
	require.Equal(t, "attachment; filename="+string(p.Upload.ID), h.Get("Content-Disposition"))
}

func TestResultThatIsNotThereYetIsAConflict(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	defer close(b.release)
	running, parked, discarded := progress(orak.DefaultTenant, orak.StatusConverting), progress(orak.DefaultTenant, orak.StatusDeadLettered), progress(orak.DefaultTenant, orak.StatusDiscarded)
	b.begin(running)
	b.begin(parked)
	b.outcome(discarded)
	for name, codes := range map[string][2]string{
		"/analysis": {"analysis-not-ready", "no-analysis"}, "/pitch": {"analysis-not-ready", "no-analysis"}, "/audio": {"audio-not-ready", "no-audio"},
		"/waveform": {"audio-not-ready", "no-audio"},
	} {
		r := b.get(self(running) + name)
		problem(t, r, http.StatusConflict, codes[0])
		require.Equal(t, "5", r.header.Get("Retry-After"))
		r = b.get(self(parked) + name)
		problem(t, r, http.StatusConflict, codes[0])
		require.Equal(t, "60", r.header.Get("Retry-After"), "it waits for an operator")
		problem(t, b.get(self(discarded)+name), http.StatusGone, codes[1])
		problem(t, b.get("/v1/uploads/"+string(freshID())+name), http.StatusNotFound, "not-found")
	}
	problem(t, b.get(self(discarded)+"/original"), http.StatusGone, "no-audio")
	b.put(orak.AudioKey(orak.DefaultTenant, parked.Upload.ID), wav(100), "audio/wav")
	require.Len(t, b.get(self(parked)+"/audio").body, 100, "it was converted before it failed")
	problem(t, b.get(self(running)+"/pitch", tenant("band")), http.StatusNotFound, "not-found")
}

func TestLongJSONIsCompressed(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	p, path := b.completed(wav(100))
	curve := `{"hop_s":0.01,"f0_hz":[` + strings.Repeat("440.1,", 50_000) + `0],"voicing":[0]}`
	b.put(orak.PitchKey(orak.DefaultTenant, p.Upload.ID), []byte(curve), "application/json")

	plain := b.get(path+"/pitch", header{"Accept-Encoding", "identity"})
	require.Equal(t, curve, string(plain.body))
	require.Equal(t, fmt.Sprint(len(curve)), plain.header.Get("Content-Length"))
	for accepted, compressed := range map[string]bool{"gzip": true, "br, gzip": true, "deflate": false, "gzip;q=0": false, "": false} {
		r := b.get(path+"/pitch", header{"Accept-Encoding", accepted})
		require.Equal(t, http.StatusOK, r.status)
		require.Contains(t, r.header.Get("Vary"), "Accept-Encoding")
		if !compressed {
			require.Empty(t, r.header.Get("Content-Encoding"), accepted)
			continue
		}
		require.Equal(t, "gzip", r.header.Get("Content-Encoding"), accepted)
		require.Less(t, len(r.body), len(curve)/10)
		require.Equal(t, curve, string(decompressed(t, r.body)))
		require.Equal(t, "W/"+plain.header.Get("ETag"), r.header.Get("ETag"), "other bytes have no equal strong validator")
		again := b.get(path+"/pitch", header{"Accept-Encoding", accepted}, header{"If-None-Match", r.header.Get("ETag")})
		require.Equal(t, http.StatusNotModified, again.status)
		require.Empty(t, again.body)
	}
	require.Empty(t, b.get(path, header{"Accept-Encoding", "gzip"}).header.Get("Content-Encoding"), "short")
	require.Contains(t, b.gathered(), "orak_api_downloads_in_flight 0")
}

// A client that does not read what it asked for holds a place.
func TestDownloadsAreBoundedInAllAndForEachTenant(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, func(b *bundle) { b.cfg.MaxDownloads, b.cfg.MaxTenantDownloads = 2, 1 })
	paths := map[orak.Tenant]string{}
	for _, of := range []orak.Tenant{"choir", "band", "duo"} {
		_, path := b.completedOf(of, wav(20<<20))
		paths[of] = path + "/audio"
	}
	hold := func(of orak.Tenant) io.Closer {
		resp, err := http.DefaultClient.Do(b.request(http.MethodGet, paths[of], nil, tenant(of)))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode)
		return resp.Body
	}
	held := hold("choir")
	r := b.get(paths["choir"], tenant("choir"), header{"Range", "bytes=0-9"})
	problem(t, r, http.StatusTooManyRequests, "rate-limited")
	require.Equal(t, "1", r.header.Get("Retry-After"))
	defer hold("band").Close()
	require.Contains(t, b.gathered(), "orak_api_downloads_in_flight 2")
	problem(t, b.get(paths["duo"], tenant("duo")), http.StatusServiceUnavailable, "unavailable")
	require.NoError(t, held.Close())
	b.eventually(func() bool {
		return b.get(paths["choir"], tenant("choir"), header{"Range", "bytes=0-9"}).status == http.StatusPartialContent
	}, "a place is free")
}

// changingStore replaces an object when its part is about to be opened.
type changingStore struct {
	*objectstore.Store
	change func(key string)
	once   sync.Once
}

func (s *changingStore) Stat(ctx context.Context, key string) (objectstore.Info, error) {
	info, err := s.Store.Stat(ctx, key)
	s.once.Do(func() { s.change(key) })
	return info, err
}

// The bytes of one answer are of one object.
func TestRecordingThatIsReplacedMeanwhileIsNotMixed(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, func(b *bundle) {
		b.deps.Store = &changingStore{Store: b.store, change: func(key string) { b.put(key, wav(4000), "audio/wav") }}
	})
	p := progress(orak.DefaultTenant, orak.StatusCompleted)
	b.outcome(p)
	b.put(orak.AudioKey(orak.DefaultTenant, p.Upload.ID), wav(3000), "audio/wav")
	problem(t, b.get(self(p)+"/audio"), http.StatusServiceUnavailable, "unavailable")
	require.Len(t, b.get(self(p)+"/audio").body, 4000)
}

// A client that reads nothing holds its place until its connection ends; others are
// refused, and the place is free afterwards.
func TestDownloadsAreBounded(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, func(b *bundle) { b.cfg.MaxDownloads = 1 })
	_, path := b.completed(wav(20 << 20))
	resp, err := http.DefaultClient.Do(b.request(http.MethodGet, path+"/original", nil))
	require.NoError(t, err)
	problem(t, b.get(path+"/audio"), http.StatusServiceUnavailable, "unavailable")
	require.Equal(t, http.StatusOK, b.do(b.request(http.MethodHead, path+"/audio", nil)).status)
	require.NoError(t, resp.Body.Close())
	b.eventually(func() bool {
		return b.get(path+"/audio", header{"Range", "bytes=0-9"}).status == http.StatusPartialContent
	}, "the place is free")
}
