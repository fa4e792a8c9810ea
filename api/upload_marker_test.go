package api_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"orak"
	"orak/api"
	"orak/api/resource"
	"orak/internal/objectstore"
)

// lateMarkerStore writes a marker only after the last byte of the recording was read,
// and fails if the recording is stored by then.
type lateMarkerStore struct {
	api.Store
	t *testing.T
	// failing answers every marker with an error.
	failing bool
	size    int
	whole   chan struct{}
}

func (s *lateMarkerStore) Put(ctx context.Context, key string, body io.Reader, opts objectstore.PutOptions) (objectstore.Info, error) {
	t, id, ok := orak.ParsePendingKey(key)
	if !ok {
		return s.Store.Put(ctx, key, &wholeReader{src: body, left: s.size, whole: s.whole}, opts)
	}
	select {
	case <-s.whole:
	case <-ctx.Done():
		s.t.Error("the recording is not read while the marker is written")
	}
	if _, err := s.Stat(ctx, orak.OriginalKey(t, id)); err == nil {
		s.t.Error("the recording is stored before its marker")
	}
	if s.failing {
		return objectstore.Info{}, &orak.Fault{Class: orak.ClassDependency, Message: "The object store cannot be reached."}
	}
	return s.Store.Put(ctx, key, body, opts)
}

// wholeReader closes whole after left bytes.
type wholeReader struct {
	src   io.Reader
	left  int
	whole chan struct{}
}

func (r *wholeReader) Read(p []byte) (int, error) {
	n, err := r.src.Read(p)
	if r.left -= n; r.left == 0 && n > 0 {
		close(r.whole)
	}
	return n, err
}

func TestMarkerIsWrittenWhileTheRecordingArrivesAndPrecedesIt(t *testing.T) {
	t.Parallel()
	for _, size := range []int{5000, 6 << 20} { // whole, and in parts
		for _, key := range []string{"", "k"} {
			s := &lateMarkerStore{t: t, size: size, whole: make(chan struct{})}
			b := setup(t, func(b *bundle) { s.Store = b.store; b.deps.Store = s })
			var headers []header
			if key != "" {
				headers = append(headers, header{"Idempotency-Key", key})
			}
			into[resource.Accepted](t, b.upload(wav(size), headers...), http.StatusAccepted)
			require.Len(t, b.announced(1), 1)
		}
	}
}

func TestRecordingWhoseMarkerFailsIsNotStored(t *testing.T) {
	t.Parallel()
	for _, size := range []int{5000, 6 << 20} {
		for _, key := range []string{"", "k"} {
			s := &lateMarkerStore{t: t, failing: true, size: size, whole: make(chan struct{})}
			b := setup(t, func(b *bundle) { s.Store = b.store; b.deps.Store = s })
			var headers []header
			if key != "" {
				headers = append(headers, header{"Idempotency-Key", key})
			}
			p := problem(t, b.upload(wav(size), headers...), http.StatusServiceUnavailable, "unavailable")
			require.NotContains(t, p.Detail, "may nevertheless")
			require.Empty(t, b.keys())
		}
	}
}

func TestUploadIsTracedStepByStep(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	b := setup(t, func(b *bundle) {
		b.deps.Tracing = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	})
	into[resource.Accepted](t, b.upload(wav(5000)), http.StatusAccepted)
	b.eventually(func() bool { return len(spans.Ended()) == 4 }, "the request's span has ended")
	parents := map[string]string{}
	names := map[string]string{}
	for _, s := range spans.Ended() {
		names[s.SpanContext().SpanID().String()] = s.Name()
	}
	for _, s := range spans.Ended() {
		parents[s.Name()] = names[s.Parent().SpanID().String()]
	}
	const request = "POST /v1/uploads"
	require.Equal(t, map[string]string{request: "", "receive body": request, "write marker": request, "put object": request}, parents)
}
