package worker_test

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"orak"
	"orak/activities"
	"orak/internal/objectstore"
)

// convert is a converter that copies, unless its n-th run (from 1) fails.
func convert(fail func(n int) error) converting {
	var mu sync.Mutex
	n := 0
	return func(_ context.Context, src, dst string, progress func(float64)) (orak.Audio, error) {
		mu.Lock()
		n++
		err := fail(n)
		mu.Unlock()
		if err != nil {
			return orak.Audio{}, err
		}
		progress(0.5)
		data, err := os.ReadFile(src)
		if err != nil {
			return orak.Audio{}, err
		}
		return orak.Audio{DurationS: 1, Codec: "pcm", SampleRateHz: 16000, Channels: 1}, os.WriteFile(dst, data, 0o600)
	}
}

type converting func(ctx context.Context, src, dst string, progress func(float64)) (orak.Audio, error)

var _ activities.Converter = converting(nil)

func (f converting) Convert(ctx context.Context, src, dst string, _ orak.Limits, progress func(float64)) (orak.Audio, error) {
	return f(ctx, src, dst, progress)
}

// analyze is an analyzer that reads all, then does what step says.
type analyze func(ctx context.Context) error

var _ activities.Analyzer = analyze(nil)

// Identity is not known, so nothing is reused.
func (analyze) Identity(context.Context) (orak.Engine, error) { return orak.Engine{}, nil }

func (f analyze) Analyze(ctx context.Context, wav io.Reader, progress func(float64)) (orak.Analysis, orak.PitchCurve, error) {
	if _, err := io.Copy(io.Discard, wav); err != nil {
		return orak.Analysis{}, orak.PitchCurve{}, err
	}
	progress(0.5)
	return orak.Analysis{Engine: orak.Engine{Name: "test"}}, orak.PitchCurve{HopS: 0.01}, f(ctx)
}

// store adapts the real store to activities.Store.
type store struct{ *objectstore.Store }

var _ activities.Store = store{}

func (s store) Open(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	body, info, err := s.Get(ctx, key)
	return body, info.Size, err
}

func (s store) Put(ctx context.Context, key string, body io.Reader, size int64, mediaType string) error {
	_, err := s.Store.Put(ctx, key, body, objectstore.PutOptions{Size: size, ContentType: mediaType})
	return err
}

func (s store) PutNew(ctx context.Context, key string, body io.Reader, size int64, mediaType string) error {
	_, err := s.Store.Put(ctx, key, body, objectstore.PutOptions{Size: size, ContentType: mediaType, IfAbsent: true})
	return err
}

func (s store) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for info, err := range s.List(ctx, prefix) {
			if !yield(info.Key, err) {
				return
			}
		}
	}
}

// webhook accepts messages after the first refuse ones.
type webhook struct {
	*httptest.Server
	mu     sync.Mutex
	refuse int
	texts  []string
}

func newWebhook(t *testing.T) *webhook {
	t.Helper()
	h := &webhook{}
	h.Server = httptest.NewServer(http.HandlerFunc(h.take))
	t.Cleanup(h.Close)
	return h
}

func (h *webhook) take(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse > 0 {
		h.refuse--
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	var body struct{ Text string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.texts = append(h.texts, body.Text)
}

func (h *webhook) messages() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.texts...)
}
