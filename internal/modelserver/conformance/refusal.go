package conformance

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"orak/internal/modelserver"
)

// maxProblem bounds what is read of a refusal, in bytes.
const maxProblem = 64 << 10

// hostile is a request that must be refused.
type hostile struct {
	name, path, media string
	body              []byte
	// length is the Content-Length; 0 means that of the body, -1 none.
	length int64
	want   []int
}

func (s *suite) refusals() []step {
	silence := modelserver.WAV(make([]int16, second))
	rate := bytes.Clone(silence)
	rate[24], rate[25] = 0x40, 0x1f // 8000 Hz
	const path, wav = "/v1/analyze", "audio/wav"
	return s.all([]hostile{
		{name: "what is no WAV", path: path, media: wav, body: []byte("no WAV at all, and not even near to one"), want: []int{http.StatusUnsupportedMediaType}},
		{name: "nothing at all", path: path, media: wav, want: []int{http.StatusUnsupportedMediaType}},
		{name: "another rate", path: path, media: wav, body: rate, want: []int{http.StatusUnsupportedMediaType}},
		{name: "a WAV that is cut off", path: path, media: wav, body: silence[:len(silence)/2], want: []int{http.StatusBadRequest, http.StatusUnsupportedMediaType}},
		{name: "another media type", path: path, media: "text/plain", body: silence, want: []int{http.StatusUnsupportedMediaType}},
		{name: "a body without its length", path: path, media: wav, body: silence, length: -1, want: []int{http.StatusLengthRequired}},
		{name: "a body that is too long", path: path, media: wav, body: silence, length: 1 << 38, want: []int{http.StatusRequestEntityTooLarge}},
		{name: "a URL into its own network", path: path, media: "application/json", body: []byte(`{"url":"http://169.254.169.254/"}`), want: []int{http.StatusBadRequest}},
		{name: "JSON of another shape", path: path, media: "application/json", body: []byte(`[`), want: []int{http.StatusBadRequest}},
	}, true)
}

func (s *suite) refusalsOIP() []step {
	path := "/v2/models/" + s.target.Model + "/infer"
	clientFault := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity}
	// The protocol does not define the form of a refusal.
	return s.all([]hostile{
		{name: "no JSON", path: path, media: "application/json", body: []byte("no JSON"), want: clientFault},
		{name: "no input", path: path, media: "application/json", body: []byte("{}"), want: clientFault},
		{name: "a tensor of another length than its shape", path: path, media: "application/json",
			body: []byte(`{"inputs":[{"name":"audio","datatype":"FP32","shape":[1,9],"data":[1]}]}`), want: clientFault},
		{name: "another model", path: "/v2/models/orak-no-such-model/infer", media: "application/json", body: []byte("{}"), want: clientFault},
	}, false)
}

func (s *suite) all(requests []hostile, problems bool) []step {
	var steps []step
	for _, h := range requests {
		steps = append(steps, step{name: "refused: " + h.name, look: func(ctx context.Context) (string, error) { return s.refused(ctx, h, problems) }})
	}
	return steps
}

func (s *suite) refused(ctx context.Context, h hostile, problem bool) (string, error) {
	resp, answer, err := s.post(ctx, h)
	if err != nil {
		return "", err
	}
	if !slices.Contains(h.want, resp.StatusCode) {
		return "", fmt.Errorf("answered %d, want %d", resp.StatusCode, h.want[0])
	}
	if problem {
		if err := isProblem(resp, answer); err != nil {
			return "", fmt.Errorf("answered %d: %w", resp.StatusCode, err)
		}
	}
	return fmt.Sprintf("answered %d", resp.StatusCode), nil
}

// post sends a request unchanged.
func (s *suite) post(ctx context.Context, h hostile) (*http.Response, []byte, error) {
	if h.length > 0 {
		return s.announce(ctx, h)
	}
	// The type hides the length from net/http.
	body := struct{ io.Reader }{bytes.NewReader(h.body)}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+h.path, body)
	if err != nil {
		return nil, nil, fmt.Errorf("making request: %w", err)
	}
	req.Header.Set("Content-Type", h.media)
	s.authorize(req.Header)
	switch {
	case h.length < 0:
		req.ContentLength = -1
	case len(h.body) == 0:
		req.Body = http.NoBody
	default:
		req.ContentLength = int64(len(h.body))
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("no answer: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the answer: %w", err)
	}
	return resp, answer, nil
}

// announce sends only the header of a request: a server must refuse it for the
// length that it announces.
func (s *suite) announce(ctx context.Context, h hostile) (*http.Response, []byte, error) {
	u, err := url.Parse(s.base + h.path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the URL: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.target.Timeout)
	defer cancel()
	conn, err := s.dial(ctx, u)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	head := http.Header{"Content-Type": {h.media}, "Content-Length": {strconv.FormatInt(h.length, 10)}, "Connection": {"close"}}
	s.authorize(head)
	var request strings.Builder
	fmt.Fprintf(&request, "POST %s HTTP/1.1\r\nHost: %s\r\n", u.RequestURI(), u.Host)
	_ = head.Write(&request) // a Builder takes everything
	if _, err := io.WriteString(conn, request.String()+"\r\n"); err != nil {
		return nil, nil, fmt.Errorf("sending: %w", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, nil, fmt.Errorf("no answer: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the answer: %w", err)
	}
	return resp, answer, nil
}

func (s *suite) dial(ctx context.Context, u *url.URL) (net.Conn, error) {
	if u.Scheme == "https" {
		return (&tls.Dialer{Config: s.tls}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443")))
	}
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "80")))
}

// isProblem checks that a refusal follows RFC 9457.
func isProblem(resp *http.Response, answer []byte) error {
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || media != "application/problem+json" {
		return fmt.Errorf("its media type is %.80q, want application/problem+json", resp.Header.Get("Content-Type"))
	}
	var p struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
	}
	if err := json.Unmarshal(answer, &p); err != nil {
		return errors.New("its body is not JSON")
	}
	if p.Type == "" || p.Title == "" || p.Status != resp.StatusCode {
		return errors.New("its body lacks a type or title, or has a different status")
	}
	return nil
}
