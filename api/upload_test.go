package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"iter"
	"mime/multipart"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api"
	"orak/api/resource"
	"orak/events"
	"orak/internal/media"
	"orak/internal/objectstore"
)

func hexSum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func contentDigest(content []byte) header {
	sum := sha256.Sum256(content)
	return header{"Content-Digest", "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"}
}

// chunked hides the length of a body, so that it is sent in chunks.
func chunked(content []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(content)} }

func TestUploadIsStoredAnnouncedAndAnswered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := wav(1 << 20)
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	r := b.upload(content, header{"Content-Type", "audio/mpeg"}, header{"X-Orak-Tenant", "choir"},
		header{"Content-Disposition", `attachment; filename="../../My Song.wav"`}, header{"traceparent", trace})

	a := into[resource.Accepted](t, r, http.StatusAccepted)
	require.Equal(t, int64(len(content)), a.Size)
	require.Equal(t, hexSum(content), a.SHA256)
	require.Equal(t, orak.StatusQueued, a.Status)
	self := "/v1/uploads/" + string(a.ID)
	require.Equal(t, self, r.header.Get("Location"))
	require.Equal(t, resource.Links{
		Self: self, Analysis: self + "/analysis", Pitch: self + "/pitch", Audio: self + "/audio", Waveform: self + "/waveform", Original: self + "/original",
		Similar: self + "/similar", Songs: self + "/songs", Events: self + "/events", Cancel: self + "/cancel",
	}, a.Links)
	require.Equal(t, "My Song.wav", a.Filename)

	e := b.announced(1)[0]
	require.Equal(t, events.ReceivedID(a.ID), e.ID)
	require.Contains(t, e.Traceparent, "4bf92f3577b34da6a3ce929d0e0e4736")
	u := uploadOf(t, e)
	require.Equal(t, orak.Upload{
		ID: a.ID, Tenant: "choir", Key: orak.OriginalKey("choir", a.ID), ContentType: "audio/wav",
		Filename: "My Song.wav", Size: a.Size, SHA256: a.SHA256, ReceivedAt: u.ReceivedAt,
	}, u)

	// The marker is removed once Kafka has the event.
	b.eventually(func() bool { return len(b.keys()) == 1 }, "the marker is removed")
	body, info, err := b.store.Get(t.Context(), u.Key)
	require.NoError(t, err)
	defer body.Close()
	stored, err := io.ReadAll(body)
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, stored))
	require.Equal(t, "audio/wav", info.ContentType)
}

func form(t *testing.T, parts ...func(w *multipart.Writer)) (string, []byte) {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for _, p := range parts {
		p(w)
	}
	require.NoError(t, w.Close())
	return w.FormDataContentType(), buf.Bytes()
}

func field(name, value string) func(*multipart.Writer) {
	return func(w *multipart.Writer) { _ = w.WriteField(name, value) }
}

func file(name string, content []byte) func(*multipart.Writer) {
	return func(w *multipart.Writer) {
		p, _ := w.CreateFormFile("file", name)
		_, _ = p.Write(content)
	}
}

func TestUploadTakesTheFirstFileOfAForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, size := range []int{100, 9000, 3 << 20} {
		content := wav(size)
		contentType, body := form(t, field("title", "x"), file(`C:\songs\Ünïcode `+"\u202e"+`.wav`, content), field("after", "y"))
		for _, reader := range []io.Reader{bytes.NewReader(body), chunked(body)} {
			r := b.do(b.request(http.MethodPost, "/v1/uploads", reader, header{"Content-Type", contentType}))
			a := into[resource.Accepted](t, r, http.StatusAccepted)
			require.Equal(t, int64(size), a.Size)
			require.Equal(t, hexSum(content), a.SHA256)
		}
	}
	for _, e := range b.announced(6) {
		require.Equal(t, "Ünïcode .wav", uploadOf(t, e).Filename)
	}
}

func TestUploadOfTheLargestSizeIsAcceptedAndOneByteMoreIsNot(t *testing.T) {
	t.Parallel()
	const limit = 70_000
	b := setup(t, func(b *bundle) { b.cfg.MaxUploadBytes = limit })
	for _, size := range []int{limit, limit + 1} {
		content := wav(size)
		contentType, inForm := form(t, file("a.wav", content))
		answers := map[string]reply{
			"length":  b.upload(content),
			"chunked": b.do(b.request(http.MethodPost, "/v1/uploads", chunked(content), contentDigest(content))),
			"form":    b.upload(inForm, header{"Content-Type", contentType}),
		}
		for name, r := range answers {
			if size <= limit {
				require.Equal(t, http.StatusAccepted, r.status, "%s: %s", name, r.body)
				continue
			}
			problem(t, r, http.StatusRequestEntityTooLarge, "too-large")
		}
	}
	b.eventually(func() bool { return len(b.keys()) == 3 }, "only the three that were accepted are kept")
}

func TestRefusedUploadsKeepNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.cfg.MaxUploadBytes = 1 << 20 })
	content := wav(50_000)
	text := []byte(strings.Repeat("not a recording\n", 5000))
	playlist := []byte("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n")
	formType, noFile := form(t, field("a", "b"))
	formType2, twoFiles := form(t, file("a.wav", content), file("b.wav", wav(200_000)))
	formType3, emptyFile := form(t, file("a.wav", nil))
	for name, c := range map[string]struct {
		body    io.Reader
		headers []header
		status  int
		code    string
	}{
		"empty":             {nil, nil, 400, "empty-body"},
		"empty file":        {bytes.NewReader(emptyFile), []header{{"Content-Type", formType3}}, 400, "empty-body"},
		"text named m4a":    {bytes.NewReader(text), []header{{"Content-Type", "audio/mp4"}}, 415, "unsupported-media"},
		"playlist":          {bytes.NewReader(playlist), []header{{"Content-Type", "audio/wav"}}, 415, "unsupported-media"},
		"gzip":              {bytes.NewReader(content), []header{{"Content-Encoding", "gzip"}}, 415, "unsupported-encoding"},
		"too large":         {bytes.NewReader(wav(1<<20 + 1)), nil, 413, "too-large"},
		"no length":         {chunked(content), nil, 411, "length-required"},
		"wrong digest":      {chunked(content), []header{contentDigest(text)}, 400, "digest-mismatch"},
		"wrong digest, len": {bytes.NewReader(content), []header{contentDigest(text)}, 400, "digest-mismatch"},
		"malformed digest":  {chunked(content), []header{{"Content-Digest", "sha-256=abc"}}, 400, "invalid-request"},
		"other digest":      {chunked(content), []header{{"Content-Digest", "md5=:AAAA:"}}, 411, "length-required"},
		"bad tenant":        {bytes.NewReader(content), []header{{"X-Orak-Tenant", "../x"}}, 400, "invalid-tenant"},
		"bad key":           {bytes.NewReader(content), []header{{"Idempotency-Key", strings.Repeat("x", 256)}}, 400, "invalid-request"},
		"form without file": {bytes.NewReader(noFile), []header{{"Content-Type", formType}}, 400, "invalid-request"},
		"form of two files": {bytes.NewReader(twoFiles), []header{{"Content-Type", formType2}}, 400, "invalid-request"},
		"no boundary":       {bytes.NewReader(content), []header{{"Content-Type", "multipart/form-data"}}, 400, "invalid-request"},
		"other multipart":   {bytes.NewReader(content), []header{{"Content-Type", "multipart/mixed; boundary=x"}}, 400, "invalid-request"},
	} {
		r := b.do(b.request(http.MethodPost, "/v1/uploads", c.body, c.headers...))
		require.Equal(t, c.status, r.status, "%s: %s", name, r.body)
		p := problem(t, r, c.status, c.code)
		if c.code == "unsupported-media" {
			require.Equal(t, media.Accepted(), p.Accepted)
		}
	}
	require.Empty(t, b.keys())
}

func TestUploadInChunksIsAcceptedWithItsDigest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, size := range []int{100, 20_000, 3 << 20} {
		content := wav(size)
		r := b.do(b.request(http.MethodPost, "/v1/uploads", chunked(content), contentDigest(content)))
		require.Equal(t, hexSum(content), into[resource.Accepted](t, r, http.StatusAccepted).SHA256)
	}
}

func TestRepeatedKeyIsTheSameUpload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content, other := wav(2<<20), wav(2<<20)
	other[1<<20]++
	key := header{"Idempotency-Key", "take 1"}
	first := into[resource.Accepted](t, b.upload(content, key), http.StatusAccepted)
	b.eventually(func() bool { return len(b.keys()) == 1 }, "the marker is removed")
	before, err := b.store.Stat(t.Context(), orak.OriginalKey(orak.DefaultTenant, first.ID))
	require.NoError(t, err)

	require.Equal(t, first, into[resource.Accepted](t, b.upload(content, key), http.StatusAccepted))
	problem(t, b.upload(other, key), http.StatusUnprocessableEntity, "idempotency-conflict")
	problem(t, b.upload(wav(100), key), http.StatusUnprocessableEntity, "idempotency-conflict")
	after, err := b.store.Stat(t.Context(), orak.OriginalKey(orak.DefaultTenant, first.ID))
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Len(t, b.announced(1), 1)

	elsewhere := into[resource.Accepted](t, b.upload(content, key, header{"X-Orak-Tenant", "choir"}), http.StatusAccepted)
	require.NotEqual(t, first.ID, elsewhere.ID)
}

func TestConcurrentRepeatsOfAKeyAreOneUpload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.replica()
	contents := [][]byte{wav(1_500_000), wav(1_500_000)}
	contents[1][700_000]++
	var (
		wg      sync.WaitGroup
		answers [2][4]reply
	)
	for which := range contents {
		for i := range answers[which] {
			wg.Go(func() {
				at := []*bundle{b, other}[i%2]
				answers[which][i] = at.upload(contents[which], header{"Idempotency-Key", "race"})
			})
		}
	}
	wg.Wait()
	var won []int
	for which, rs := range answers {
		statuses := map[int]int{}
		for _, r := range rs {
			statuses[r.status]++
			if r.status == http.StatusAccepted {
				require.Equal(t, hexSum(contents[which]), into[resource.Accepted](t, r, http.StatusAccepted).SHA256)
			}
		}
		require.Len(t, statuses, 1, "the same content has the same answer: %v", statuses)
		if statuses[http.StatusAccepted] > 0 {
			won = append(won, which)
		}
	}
	require.Len(t, won, 1)
	ids := map[string]bool{}
	for _, e := range b.announced(1) {
		ids[e.ID] = true
		require.Equal(t, hexSum(contents[won[0]]), uploadOf(t, e).SHA256)
	}
	require.Len(t, ids, 1)
}

func TestStoreOutageRefusesUploads(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) {
		down, err := objectstore.New(objectstore.Config{Endpoint: "127.0.0.1:1", Bucket: "gone", AccessKey: "a", SecretKey: "b"})
		require.NoError(t, err)
		b.deps.Store = down
	})
	r := b.upload(wav(5000))
	p := problem(t, r, http.StatusServiceUnavailable, "unavailable")
	require.NotEmpty(t, r.header.Get("Retry-After"))
	require.NotContains(t, p.Detail, "127.0.0.1")
}

// failingStore loses the connection after the object is stored.
type failingStore struct {
	api.Store
}

func (f failingStore) Put(ctx context.Context, key string, body io.Reader, opts objectstore.PutOptions) (objectstore.Info, error) {
	info, err := f.Store.Put(ctx, key, body, opts)
	if err == nil && strings.HasSuffix(key, "/original") {
		err = &orak.Fault{Class: orak.ClassDependency, Message: "The object store cannot be reached."}
	}
	return info, err
}

// ListAfter hides the outbox from the relay, which takes every marker of the second
// in which the process began.
func (failingStore) ListAfter(context.Context, string, string) iter.Seq2[objectstore.Info, error] {
	return func(func(objectstore.Info, error) bool) {}
}

func TestStoreThatFailsAfterTheLastByteLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.deps.Store = failingStore{b.store} })
	problem(t, b.upload(wav(5000)), http.StatusServiceUnavailable, "unavailable")
	require.Empty(t, b.keys())

	// With a key, the stored object counts, from any request.
	key := header{"Idempotency-Key", "k"}
	into[resource.Accepted](t, b.upload(wav(5000), key), http.StatusAccepted)
	require.Len(t, b.announced(1), 1)
	b.eventually(func() bool { return len(b.keys()) == 1 }, "the marker is removed")
}

// keepingStore is a failingStore that fails to remove objects, too.
type keepingStore struct{ failingStore }

func (keepingStore) Delete(context.Context, string) error {
	return &orak.Fault{Class: orak.ClassDependency, Message: "The object store cannot be reached."}
}

func TestUploadThatMayStillBeProcessedIsNotDenied(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.deps.Store = keepingStore{failingStore{b.store}} })
	p := problem(t, b.upload(wav(5000)), http.StatusServiceUnavailable, "unavailable")
	require.Contains(t, p.Detail, "may nevertheless have been stored")
	require.Len(t, b.keys(), 2, "the relay will announce it")
}

// Not parallel: it measures the heap of the process.
func TestMemoryIsIndependentOfTheSizeOfTheUpload(t *testing.T) {
	b := setup(t)
	const size = 100_000_000
	head := wav(1000)
	boundary := "--b\r\nContent-Disposition: form-data; name=f; filename=a.wav\r\n\r\n"
	for name, c := range map[string]struct {
		before, after string
		headers       []header
	}{
		"raw":  {},
		"form": {boundary, "\r\n--b--\r\n", []header{{"Content-Type", "multipart/form-data; boundary=b"}}},
	} {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		before, peak, n := m.HeapInuse, uint64(0), 0
		middle := io.LimitReader(readFunc(func(p []byte) (int, error) {
			if n++; n%200 == 0 {
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
			}
			clear(p)
			return len(p), nil
		}), size-int64(len(head)))
		body := io.MultiReader(strings.NewReader(c.before), bytes.NewReader(head), middle, strings.NewReader(c.after))
		req := b.request(http.MethodPost, "/v1/uploads", body, c.headers...)
		req.ContentLength = size + int64(len(c.before)+len(c.after))
		a := into[resource.Accepted](t, b.do(req), http.StatusAccepted)
		require.Equal(t, int64(size), a.Size)
		grown := int64(peak) - int64(before)
		t.Logf("%s: the heap grew by %d KiB for 100 MB", name, grown>>10)
		require.Less(t, grown, int64(48<<20), name)
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestTenantsNeverMixUnderLoad(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 60
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			tenant := "tenant-" + strings.Repeat(string(rune('a'+i%26)), 1+i/26)
			name := tenant + ".wav"
			r := b.upload(wav(3000+i), header{"X-Orak-Tenant", tenant}, header{"Content-Disposition", `attachment; filename="` + name + `"`})
			if r.status != http.StatusAccepted {
				t.Errorf("%d: %s", r.status, r.body)
			}
		})
	}
	wg.Wait()
	for _, e := range b.announced(n) {
		u := uploadOf(t, e)
		require.Equal(t, string(u.Tenant)+".wav", u.Filename)
		require.Contains(t, u.Key, string(u.Tenant))
	}
	b.eventually(func() bool { return len(b.keys()) == n }, "every marker is removed")
}
