package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// The spans of an upload.
const (
	spanRequest = "POST /v1/uploads"
	spanBody    = "receive body"
	spanMarker  = "write marker"
	spanObject  = "put object"
)

// spans collects what the API traces of uploads, as an OTLP collector over HTTP.
type spans struct {
	server *httptest.Server

	mu sync.Mutex
	// of holds the spans by trace and name. Every upload of the benchmark has a
	// trace of its own.
	of map[string]map[string]*otlp.Span
}

func collectSpans() *spans {
	s := &spans{of: map[string]map[string]*otlp.Span{}}
	s.server = httptest.NewServer(s)
	return s
}

// env makes a child process send its spans here.
func (s *spans) env() []string {
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + s.server.URL, "OTEL_BSP_SCHEDULE_DELAY=500", "OTEL_BSP_MAX_QUEUE_SIZE=100000"}
}

// ServeHTTP implements http.Handler.
func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var sent collector.ExportTraceServiceRequest
	text, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(text, &sent)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range sent.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			for _, span := range scope.Spans {
				s.add(span)
			}
		}
	}
}

func (s *spans) add(span *otlp.Span) {
	switch span.Name {
	case spanRequest, spanBody, spanMarker, spanObject:
	default:
		return
	}
	trace := string(span.TraceId)
	if s.of[trace] == nil {
		s.of[trace] = map[string]*otlp.Span{}
	}
	s.of[trace][span.Name] = span
}

// complete returns the uploads of which every span came. Those of the last half second
// may not: the process that sends them is killed.
func (s *spans) complete() []map[string]*otlp.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	var whole []map[string]*otlp.Span
	for _, of := range s.of {
		if len(of) == 4 {
			whole = append(whole, of)
		}
	}
	return whole
}

// step is a part of an upload's time, in nanoseconds since the epoch.
type step struct {
	name       string
	begin, end func(of map[string]*otlp.Span) uint64
}

func begin(name string) func(map[string]*otlp.Span) uint64 {
	return func(of map[string]*otlp.Span) uint64 { return of[name].StartTimeUnixNano }
}

func end(name string) func(map[string]*otlp.Span) uint64 {
	return func(of map[string]*otlp.Span) uint64 { return of[name].EndTimeUnixNano }
}

// steps follow one another, except for the whole and the marker.
var steps = []step{
	{"head, credential, first bytes", begin(spanRequest), begin(spanBody)},
	{"rest of the body and its hash", begin(spanBody), end(spanBody)},
	{"put of the object", begin(spanObject), end(spanObject)},
	{"event and answer", end(spanObject), end(spanRequest)},
	{"whole request", begin(spanRequest), end(spanRequest)},
	{"marker, beside body and object", begin(spanMarker), end(spanMarker)},
}

// print writes the median and the 99th percentile of each step.
func (s *spans) print(w io.Writer) {
	whole := s.complete()
	if len(whole) == 0 {
		fmt.Fprintln(w, "\nno spans came")
		return
	}
	fmt.Fprintf(w, "\n%-32s %9s %9s   (%d uploads, those that warm up included)\n", "", "p50 ms", "p99 ms", len(whole))
	for _, p := range steps {
		took := make([]time.Duration, len(whole))
		for i, of := range whole {
			took[i] = time.Duration(p.end(of)) - time.Duration(p.begin(of))
		}
		slices.Sort(took)
		at := func(q float64) float64 {
			return float64(took[int(q*float64(len(took)-1))]) / float64(time.Millisecond)
		}
		fmt.Fprintf(w, "%-32s %9.1f %9.1f\n", p.name, at(0.50), at(0.99))
	}
}
