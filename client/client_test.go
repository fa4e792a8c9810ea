package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
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

const testID orak.UploadID = "0192f1c5-7a1e-7c3a-9d5e-0123456789ab"

// bundle is a client whose waits are recorded and take no time.
type bundle struct {
	*Client
	mu    sync.Mutex
	waits []time.Duration
}

func setup(t *testing.T, wire http.HandlerFunc) *bundle {
	t.Helper()
	server := httptest.NewServer(wire)
	t.Cleanup(server.Close)
	cl, err := New(Config{Server: server.URL + "/", Tenant: "choir"})
	require.NoError(t, err)
	b := &bundle{Client: cl}
	cl.pause = func(ctx context.Context, d time.Duration) error {
		b.mu.Lock()
		b.waits = append(b.waits, d)
		b.mu.Unlock()
		return ctx.Err()
	}
	return b
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, p resource.Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p)
}

// cut ends the connection without an answer.
func cut(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func recording(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func accepted() resource.Accepted {
	return resource.Accepted{ID: testID, Status: orak.StatusQueued, Size: 5,
		SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}
}

func TestSendReportsARecordingThatWasChangedInTransit(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer(w, http.StatusAccepted, accepted())
	})
	_, err := b.Send(t.Context(), Sending{Path: recording(t, "a.wav", "jello")})
	require.ErrorIs(t, err, ErrChanged)
}

func TestSendDeclaresLengthNameTenantAndKey(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		_, params, mimeErr := mime.ParseMediaType(r.Header.Get("Content-Disposition"))
		if err != nil || mimeErr != nil || string(body) != "hello" || r.ContentLength != 5 || len(r.TransferEncoding) > 0 ||
			r.Method != http.MethodPost || r.URL.Path != "/v1/uploads" ||
			r.Header.Get("X-Orak-Tenant") != "choir" || r.Header.Get("Idempotency-Key") != "k" ||
			r.Header.Get("Content-Type") != "audio/mp4" || params["filename"] != `Lied "ü".m4a` {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		answer(w, http.StatusAccepted, accepted())
	})
	var last int64
	got, err := b.Send(t.Context(), Sending{
		Path: recording(t, `Lied "ü".m4a`, "hello"), IdempotencyKey: "k",
		Progress: func(sent, total int64) { last = sent },
	})
	require.NoError(t, err)
	require.Equal(t, accepted(), got)
	require.EqualValues(t, 5, last)
}

func TestSendDeclaresTheLengthOfAnEmptyFile(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 || len(r.TransferEncoding) > 0 {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		refuse(w, http.StatusBadRequest, resource.Problem{Title: "The recording is empty"})
	})
	_, err := b.Send(t.Context(), Sending{Path: recording(t, "a.wav", "")})
	var refusal *Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "The recording is empty", refusal.Problem.Title)
}

func TestSendRepeatsACutUploadWithTheSameKey(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var keys, digests []string
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		digests = append(digests, r.Header.Get("Content-Digest"))
		n := len(keys)
		mu.Unlock()
		if n < 3 {
			cut(w)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if string(body) != "hello" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		answer(w, http.StatusAccepted, accepted())
	})
	var reasons []error
	_, err := b.Send(t.Context(), Sending{
		Path:  recording(t, "a.wav", "hello"),
		Retry: func(err error, _ time.Duration) { reasons = append(reasons, err) },
	})
	require.NoError(t, err)
	require.Len(t, keys, 3)
	require.NotEmpty(t, keys[0])
	require.Equal(t, keys[0], keys[1])
	require.Equal(t, keys[0], keys[2])
	// If the first attempt did arrive, the server need not read the body again.
	const digest = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"
	require.Equal(t, []string{"", digest, digest}, digests)
	require.Len(t, reasons, 2)
	require.Equal(t, []time.Duration{500 * time.Millisecond, time.Second}, b.waits)
}

func TestSendGivesUpInTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, _ *http.Request) { cut(w) })
	_, err := b.Send(t.Context(), Sending{Path: recording(t, "a.wav", "hello")})
	var down *Unreachable
	require.ErrorAs(t, err, &down)
	require.False(t, down.Refused)
	require.Len(t, b.waits, sendAttempts-1)
}

func TestSendWaitsAsLongAsTheServerAsks(t *testing.T) {
	t.Parallel()
	first := true
	b := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		if first {
			first = false
			w.Header().Set("Retry-After", "5")
			refuse(w, http.StatusServiceUnavailable, resource.Problem{})
			return
		}
		answer(w, http.StatusAccepted, accepted())
	})
	_, err := b.Send(t.Context(), Sending{Path: recording(t, "a.wav", "hello")})
	require.NoError(t, err)
	require.Equal(t, []time.Duration{5 * time.Second}, b.waits)
}

func TestSendDoesNotRepeatARefusedUpload(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusUnsupportedMediaType, resource.Problem{Title: "No recording", Detail: "It is text.", Accepted: []string{"audio/wav"}})
	})
	_, err := b.Send(t.Context(), Sending{Path: recording(t, "a.wav", "hello")})
	require.EqualError(t, err, "No recording (415): It is text.")
	require.Empty(t, b.waits)
}

func TestSendReportsARefusedConnectionAtOnce(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())

	cl, err := New(Config{Server: "http://" + address})
	require.NoError(t, err)
	_, err = cl.Send(t.Context(), Sending{Path: recording(t, "a.wav", "hello")})
	var down *Unreachable
	require.ErrorAs(t, err, &down)
	require.True(t, down.Refused)
}

func TestSendTakesRegularFilesOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, func(http.ResponseWriter, *http.Request) {})
	_, err := b.Send(t.Context(), Sending{Path: t.TempDir()})
	require.ErrorIs(t, err, ErrNotAFile)
	_, err = b.Send(t.Context(), Sending{Path: filepath.Join(t.TempDir(), "none")})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestSendEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	arrived := make(chan struct{})
	b := setup(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	gone := errors.New("gone")
	go func() { <-arrived; cancel(gone) }()
	_, err := b.Send(ctx, Sending{Path: recording(t, "a.wav", "hello")})
	require.ErrorIs(t, err, gone)
}

func TestErrorOfAnAnswerThatIsNoProblemHasItsStatus(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<h1>proxy</h1>")
	})
	_, err := b.Upload(t.Context(), testID)
	require.EqualError(t, err, "Forbidden (403)")
}

func TestRequestsAboutDeadLettersAreTheAPIs(t *testing.T) {
	t.Parallel()
	var seen []string
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, r.Method+" "+r.URL.String()+" "+r.Header.Get("Content-Type")+" "+string(body))
		answer(w, http.StatusAccepted, resource.Upload{ID: testID, Status: orak.StatusAnalyzing})
	})
	u, err := b.Reprocess(t.Context(), testID, resource.ReprocessRequest{From: orak.StageAnalyze, Reason: "r", By: "b"})
	require.NoError(t, err)
	require.Equal(t, orak.StatusAnalyzing, u.Status)
	_, err = b.Discard(t.Context(), testID, resource.DiscardRequest{Reason: "r", By: "b"})
	require.NoError(t, err)
	_, err = b.DeadLetters(t.Context(), Selection{}, "a&b")
	require.NoError(t, err)
	at := time.Date(2026, 1, 2, 4, 4, 5, 1, time.FixedZone("", 3600))
	_, err = b.DeadLetters(t.Context(), Selection{
		Stages: []orak.Stage{orak.StageConvert, orak.StageAnalyze}, Classes: []orak.Class{orak.ClassModel},
		OlderThan: at, Text: "ä&=", Before: at, Page: 7,
	}, "")
	require.NoError(t, err)
	base := "/v1/dead-letters"
	require.Equal(t, []string{
		"POST " + base + "/" + string(testID) + `/reprocess application/json {"from":"analyze","reason":"r","by":"b"}`,
		"POST " + base + "/" + string(testID) + `/discard application/json {"reason":"r","by":"b"}`,
		"GET " + base + "?page_size=200&page_token=a%26b  ",
		"GET " + base + "?before=2026-01-02T03%3A04%3A05.000000001Z&class=model&older_than=2026-01-02T03%3A04%3A05.000000001Z" +
			"&page_size=7&stage=convert&stage=analyze&text=%C3%A4%26%3D  ",
	}, seen)
}

func TestConfigIsValidated(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{}, {Server: "127.0.0.1:8080"}, {Server: "ftp://a"}, {Server: "http://a", Tenant: "No Tenant"}} {
		_, err := New(c)
		require.Error(t, err, "%+v", c)
	}
}

func TestEventsAreReadAsInTheStandard(t *testing.T) {
	t.Parallel()
	stream := ": heartbeat\n\nevent: upload\nid: 1\ndata: {\"a\":\ndata: 1}\n\nretry: 3\ndata:x\r\n\r\nid: 2\n\nevent: none\n\nid: \x01\ndata: y\n\ndata: cut off"
	var got []message
	lines := 0
	for m, err := range events(strings.NewReader(stream), func() { lines++ }) {
		require.NoError(t, err)
		got = append(got, m)
	}
	require.Equal(t, []message{
		{name: "upload", id: "1", data: []byte("{\"a\":\n1}")},
		{data: []byte("x"), retry: 3 * time.Millisecond},
		{id: "2"},
		{data: []byte("y")},
	}, got)
	require.Equal(t, 18, lines)
}
