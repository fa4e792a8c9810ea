package e2e

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"orak"
	"orak/internal/media/mediatest"
)

// traces is an OTLP collector over HTTP that keeps the spans of one trace.
type traces struct {
	id string

	mu    sync.Mutex
	spans []*otlp.Span
	// came has a token if spans came since it was last read.
	came chan struct{}
}

// collect starts a collector of the trace id, and returns the settings with which a
// process sends its spans there.
func collect(t *testing.T, id string) (c *traces, env []string) {
	t.Helper()
	c = &traces{id: id, came: make(chan struct{}, 1)}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + server.URL, "OTEL_BSP_SCHEDULE_DELAY=100"}
}

// ServeHTTP implements http.Handler.
func (c *traces) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var sent collector.ExportTraceServiceRequest
	text, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(text, &sent)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	for _, of := range sent.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			for _, span := range scope.Spans {
				if hex.EncodeToString(span.TraceId) == c.id {
					c.spans = append(c.spans, span)
				}
			}
		}
	}
	c.mu.Unlock()
	select {
	case c.came <- struct{}{}:
	default:
	}
}

// path returns the names of the spans from root to the span, and false if one in between
// has not come. The caller holds mu.
func (c *traces) path(span *otlp.Span, root string) (string, bool) {
	byID := map[string]*otlp.Span{}
	for _, s := range c.spans {
		byID[string(s.SpanId)] = s
	}
	names := []string{span.Name}
	for hex.EncodeToString(span.ParentSpanId) != root {
		parent := byID[string(span.ParentSpanId)]
		if parent == nil {
			return strings.Join(names, " < ") + " < ?", false
		}
		span = parent
		names = append(names, span.Name)
	}
	slices.Reverse(names)
	return strings.Join(names, " > "), true
}

// named returns the spans by their path from root on. It is false while the parent of one
// has not come.
func (c *traces) named(root string) (map[string][]*otlp.Span, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	named, whole := map[string][]*otlp.Span{}, true
	for _, s := range c.spans {
		path, ok := c.path(s, root)
		named[path] = append(named[path], s)
		whole = whole && ok
	}
	return named, whole
}

// await returns the spans by their path once all of the paths have come, and the parents of
// all spans.
func (c *traces) await(t *testing.T, root string, paths []string) map[string][]*otlp.Span {
	t.Helper()
	late := time.After(patience)
	for {
		named, whole := c.named(root)
		missing := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return named[p] != nil })
		if whole && len(missing) == 0 {
			return named
		}
		select {
		case <-c.came:
		case <-late:
			require.FailNow(t, "spans are missing", "%s\n\nthese came:\n%s", strings.Join(missing, "\n"), strings.Join(slices.Sorted(maps.Keys(named)), "\n"))
		}
	}
}

// model is a model server that is ready, and finds one note in everything. It keeps the
// trace context of what it is asked.
type model struct {
	mu      sync.Mutex
	parents []string
}

func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/v1/capacity":
		fmt.Fprint(w, `{"engine":{"name":"test","version":"1"},"slots":8,"queue":8}`)
	case "/v1/analyze":
		body, _ := io.ReadAll(r.Body)
		m.mu.Lock()
		m.parents = append(m.parents, r.Header.Get("traceparent"))
		m.mu.Unlock()
		curve := orak.PitchCurve{HopS: 0.01, F0Hz: []float32{}, Voicing: []float32{}}
		for at := 0; at < (len(body)-44)/2; at += 160 {
			curve.F0Hz, curve.Voicing = append(curve.F0Hz, 220), append(curve.Voicing, 1)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"engine": orak.Engine{Name: "test", Version: "1"}, "pitch_curve": curve})
	}
}

func TestOneTraceLeadsFromTheRequestToTheModelServer(t *testing.T) {
	t.Parallel()
	// The span of the app that sends the request.
	const id, root = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	spans, env := collect(t, id)
	server := &model{}
	modelServer := httptest.NewServer(server)
	t.Cleanup(modelServer.Close)
	a := startApp(t, append(env, "ORAK_ENGINE=http", "ORAK_MODEL_SERVER_URL="+modelServer.URL)...)
	a.client.Transport = traced{a.client.Transport, "00-" + id + "-" + root + "-01"}
	status, answer, err := a.send(t.Context(), sending{body: mediatest.WAV(16000, 1, mediatest.Tune(32000)), contentType: "audio/wav", filename: "song.wav"})
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, status, string(answer))

	const (
		request  = "POST /v1/uploads"
		produced = request + " > orak.uploads publish"
		consumed = produced + " > orak.uploads receive > orak.uploads process"
		started  = consumed + " > StartWorkflow:ProcessUpload"
		run      = started + " > RunWorkflow:ProcessUpload"
		convert  = run + " > StartActivity:Convert > RunActivity:Convert"
		analyze  = run + " > StartActivity:Analyze > RunActivity:Analyze"
		asked    = analyze + " > POST /v1/analyze"
		conclude = run + " > StartActivity:Conclude > RunActivity:Conclude"
		told     = conclude + " > orak.lifecycle publish"
	)
	kinds := map[string]otlp.Span_SpanKind{
		request: otlp.Span_SPAN_KIND_SERVER, produced: otlp.Span_SPAN_KIND_PRODUCER, consumed: otlp.Span_SPAN_KIND_CONSUMER,
		started: otlp.Span_SPAN_KIND_CLIENT, run: otlp.Span_SPAN_KIND_SERVER, convert: otlp.Span_SPAN_KIND_SERVER,
		analyze: otlp.Span_SPAN_KIND_SERVER, asked: otlp.Span_SPAN_KIND_CLIENT, conclude: otlp.Span_SPAN_KIND_SERVER,
		told: otlp.Span_SPAN_KIND_PRODUCER,
		// Within the request.
		request + " > receive body": otlp.Span_SPAN_KIND_INTERNAL, request + " > write marker": otlp.Span_SPAN_KIND_INTERNAL,
		request + " > put object": otlp.Span_SPAN_KIND_INTERNAL,
	}
	named := spans.await(t, root, slices.Collect(maps.Keys(kinds)))
	for path, kind := range kinds {
		for _, span := range named[path] {
			require.Equal(t, kind, span.Kind, path)
			require.LessOrEqual(t, span.StartTimeUnixNano, span.EndTimeUnixNano, path)
			require.NotEqual(t, otlp.Status_STATUS_CODE_ERROR, span.GetStatus().GetCode(), path)
		}
	}
	require.Len(t, named[request], 1)
	require.Len(t, named[run], 1, "a workflow that replays makes no second span")
	require.Len(t, named[asked], 1)
	require.Equal(t, map[string]string{"http.request.method": "POST", "http.route": "/v1/uploads", "http.response.status_code": "202"}, attributes(named[request][0]))
	require.Equal(t, "200", attributes(named[asked][0])["http.response.status_code"])
	requireAttributeNames(t, named)

	server.mu.Lock()
	require.Equal(t, []string{"00-" + id + "-" + hex.EncodeToString(named[asked][0].SpanId) + "-01"}, server.parents, "the model server continues the trace")
	server.mu.Unlock()

	page := a.openMetrics(t)
	for _, histogram := range []string{`orak_api_request_duration_seconds_bucket{method="POST",route="/v1/uploads",`, `orak_stage_duration_seconds_bucket{stage="convert",`, `orak_stage_duration_seconds_bucket{stage="analyze",`} {
		require.Regexp(t, regexp.QuoteMeta(histogram)+`[^\n]* # {[^\n]*trace_id="`+id+`"`, page, "an exemplar leads to the trace")
	}
	require.Contains(t, page, "# EOF")
}

func attributes(span *otlp.Span) map[string]string {
	values := map[string]string{}
	for _, a := range span.Attributes {
		values[a.Key] = a.Value.GetStringValue()
		if n, ok := a.Value.GetValue().(*common.AnyValue_IntValue); ok {
			values[a.Key] = strconv.FormatInt(n.IntValue, 10)
		}
	}
	return values
}

// ofTemporal are the attributes that the Temporal SDK names.
var ofTemporal = []string{"temporalWorkflowID", "temporalRunID", "temporalActivityID"}

// requireAttributeNames requires OpenTelemetry's form of names, with a namespace.
func requireAttributeNames(t *testing.T, named map[string][]*otlp.Span) {
	t.Helper()
	for path, spans := range named {
		for _, span := range spans {
			for name := range attributes(span) {
				if !slices.Contains(ofTemporal, name) {
					require.Regexp(t, `^[a-z]+(\.[a-z]+(_[a-z]+)*)+$`, name, path)
				}
			}
		}
	}
}

// openMetrics returns the metrics in the form that Prometheus asks for.
func (a *app) openMetrics(t *testing.T) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.Admin+"/metrics", nil)
	require.NoError(t, err)
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Contains(t, resp.Header.Get("Content-Type"), "openmetrics")
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(page)
}

// traced sends every request within a trace.
type traced struct {
	http.RoundTripper
	parent string
}

// RoundTrip implements http.RoundTripper.
func (c traced) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("traceparent", c.parent)
	return c.RoundTripper.RoundTrip(req)
}
