package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
)

const (
	testID  = "0192f1c5-7a1e-7c3a-9d5e-0123456789ab"
	otherID = "0192f1c5-7a1e-7c3a-9d5e-ba9876543210"
)

// wire is a fake API, for tests of what the command line does with every answer.
// The end-to-end tests use the real API.
type wire struct {
	*httptest.Server

	mu sync.Mutex
	// steps are the states that a stream of events sends.
	steps []resource.Upload
	// asked has the requests, as "METHOD path body".
	asked []string
	// refuse has the answers to requests of a method and path.
	refuse map[string]resource.Problem
	pages  []resource.DeadLetterPage
	// onDecision, if set, gets the number of decisions after each one.
	onDecision func(n int)
	decisions  int
	// erasures has the queries of the requested erasures.
	erasures []url.Values
	// tenant is the last request's.
	tenant string
	// cutAudio breaks downloads off.
	cutAudio bool
	// queues are the answers about the task queues, the last one for ever; without
	// them the server is one of before.
	queues []resource.Queues
	// hold blocks streams of events until it is closed.
	hold chan struct{}
}

func newWire(t *testing.T, steps ...resource.Upload) *wire {
	t.Helper()
	w := &wire{steps: steps, refuse: map[string]resource.Problem{}, hold: make(chan struct{})}
	close(w.hold)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/uploads", func(rw http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, _ := io.Copy(sum, r.Body)
		reply(rw, http.StatusAccepted, resource.Accepted{ID: testID, Status: orak.StatusQueued, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil)), Links: links()})
	})
	mux.HandleFunc("GET /v1/uploads/{id}", func(rw http.ResponseWriter, _ *http.Request) { reply(rw, http.StatusOK, w.first()) })
	mux.HandleFunc("DELETE /v1/uploads/{id}", func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.erasures = append(w.erasures, r.URL.Query())
		reply(rw, http.StatusAccepted, resource.Erasing{ID: testID, Status: "erasing", Links: links()})
	})
	mux.HandleFunc("GET /v1/uploads/{id}/analysis", func(rw http.ResponseWriter, _ *http.Request) { reply(rw, http.StatusOK, analysis()) })
	mux.HandleFunc("GET /v1/uploads/{id}/events", w.events)
	mux.HandleFunc("GET /v1/events", w.feed)
	mux.HandleFunc("GET /v1/uploads/{id}/audio", func(rw http.ResponseWriter, _ *http.Request) { w.send(rw, "audio/wav", "converted") })
	mux.HandleFunc("GET /v1/uploads/{id}/original", func(rw http.ResponseWriter, _ *http.Request) { w.send(rw, "audio/mp4", "original") })
	mux.HandleFunc("POST /v1/uploads/{id}/cancel", func(rw http.ResponseWriter, _ *http.Request) { reply(rw, http.StatusAccepted, w.first()) })
	mux.HandleFunc("GET /v1/queues", w.queueing)
	mux.HandleFunc("GET /v1/dead-letters", w.page)
	mux.HandleFunc("GET /v1/dead-letters/{id}", w.letter)
	mux.HandleFunc("POST /v1/dead-letters/{id}/{decision}", func(rw http.ResponseWriter, _ *http.Request) {
		if w.decisions++; w.onDecision != nil {
			w.onDecision(w.decisions)
		}
		reply(rw, http.StatusAccepted, w.first())
	})
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.serve(mux, rw, r) }))
	t.Cleanup(w.Close)
	return w
}

func (w *wire) queueing(rw http.ResponseWriter, _ *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queues) == 0 {
		problem(rw, resource.Problem{Status: http.StatusNotFound, Title: "Unknown"})
		return
	}
	reply(rw, http.StatusOK, w.queues[0])
	if len(w.queues) > 1 {
		w.queues = w.queues[1:]
	}
}

func (w *wire) serve(mux http.Handler, rw http.ResponseWriter, r *http.Request) {
	note := r.Method + " " + r.URL.Path
	w.mu.Lock()
	p, refused := w.refuse[note]
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		body, _ := io.ReadAll(r.Body)
		note += " " + string(body)
	}
	w.asked = append(w.asked, note)
	w.tenant = r.Header.Get("X-Orak-Tenant")
	w.mu.Unlock()
	if refused {
		_, _ = io.Copy(io.Discard, r.Body)
		problem(rw, p)
		return
	}
	mux.ServeHTTP(rw, r)
}

func (w *wire) first() resource.Upload {
	if len(w.steps) == 0 {
		return upload(orak.StatusCompleted)
	}
	return w.steps[0]
}

func (w *wire) events(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.(http.Flusher).Flush()
	select {
	case <-w.hold:
	case <-r.Context().Done():
		return
	}
	for _, u := range w.steps {
		text, _ := json.Marshal(u)
		fmt.Fprintf(rw, "data: %s\n\n", text)
	}
}

// feed sends the steps, which are lost at the end, and waits for the client to go.
func (w *wire) feed(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "text/event-stream")
	for i, u := range w.steps {
		text, _ := json.Marshal(u)
		fmt.Fprintf(rw, "event: upload\nid: %s-%d\ndata: %s\n\n", r.Header.Get("Last-Event-ID"), i+1, text)
	}
	fmt.Fprint(rw, "event: reset\nid: reset-1\ndata: {}\n\n")
	rw.(http.Flusher).Flush()
	<-r.Context().Done()
}

// send sends a recording, or only its beginning.
func (w *wire) send(rw http.ResponseWriter, mediaType, text string) {
	rw.Header().Set("Content-Type", mediaType)
	rw.Header().Set("Content-Length", fmt.Sprint(len(text)))
	if w.cutAudio {
		text = text[:2]
	}
	_, _ = io.WriteString(rw, text)
}

func (w *wire) page(rw http.ResponseWriter, r *http.Request) {
	n := 0
	fmt.Sscan(r.URL.Query().Get("page_token"), &n)
	if n >= len(w.pages) {
		reply(rw, http.StatusOK, resource.DeadLetterPage{DeadLetters: []resource.DeadLetter{}})
		return
	}
	reply(rw, http.StatusOK, w.pages[n])
}

func (w *wire) letter(rw http.ResponseWriter, r *http.Request) {
	for _, page := range w.pages {
		for _, d := range page.DeadLetters {
			if string(d.ID) == r.PathValue("id") {
				reply(rw, http.StatusOK, resource.DeadLetterDetail{DeadLetter: d})
				return
			}
		}
	}
	problem(rw, resource.Problem{Status: http.StatusNotFound, Title: "There is no such resource", Detail: "The upload is completed, and no dead letter."})
}

func problemOf(status int, title string) resource.Problem {
	return resource.Problem{Status: status, Title: title}
}

func problem(w http.ResponseWriter, p resource.Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func links() resource.Links {
	return resource.Links{Self: "/v1/uploads/" + testID, Analysis: "/v1/uploads/" + testID + "/analysis", Events: "/v1/uploads/" + testID + "/events"}
}

func upload(s orak.Status) resource.Upload {
	return resource.Upload{ID: testID, Status: s, Links: links()}
}

func deadLettered() resource.Upload {
	u := upload(orak.StatusDeadLettered)
	u.Stage = orak.StageConvert
	u.Failure = &resource.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "The file holds no audio that can be decoded."}
	return u
}

func analysis() orak.Analysis {
	return orak.Analysis{
		Audio: orak.Audio{DurationS: 42.53, Codec: "aac", SampleRateHz: 44100, Channels: 2, Damage: []orak.Damage{}},
		Pitch: orak.Pitch{
			MedianHz: 146.8, MinHz: 110, MaxHz: 329.6, LowNote: "A2", HighNote: "E4",
			TessituraLowHz: 130.8, TessituraHighHz: 220, VoicedRatio: 0.72, HopS: 0.01,
		},
		Key:      orak.Key{Tonic: "A", Mode: "minor", Confidence: 0.62},
		Tempo:    orak.Tempo{BPM: 92.3, Confidence: 0.3},
		Loudness: orak.Loudness{IntegratedLUFS: -18.3, TruePeakDBTP: -1.2},
		Engine:   orak.Engine{Name: "orak-builtin", Version: "1"},
	}
}

// outcome is the result of one run of the command line.
type outcome struct {
	code     int
	out, err string
}

// orakRun runs the command line as main does, at 80 columns.
func orakRun(ctx context.Context, server string, args ...string) outcome {
	return orakRunEnv(ctx, []string{"COLUMNS=80", "LANG=C.UTF-8", "ORAK_SERVER=" + server}, args...)
}

func orakRunEnv(ctx context.Context, environ []string, args ...string) outcome {
	return orakRunFrom(ctx, strings.NewReader(""), environ, args...)
}

// orakRunFrom is orakRunEnv with a standard input.
func orakRunFrom(ctx context.Context, in io.Reader, environ []string, args ...string) outcome {
	var out, err bytes.Buffer
	code := run(ctx, args, environ, in, &out, &err)
	return outcome{code, out.String(), err.String()}
}

func recording(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("x"), 1_200_000), 0o600))
	return path
}

// testConsole is a console whose output can be read.
func testConsole(columns int) (*console, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	con := newConsole([]string{"LANG=C.UTF-8"}, strings.NewReader(""), &out, &err)
	con.Width = columns
	con.Now = func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.Local) }
	return con, &out, &err
}
