package modelserver

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"orak"
	"orak/internal/secure"
)

// Client calls one model server. It is safe for concurrent use.
type Client struct {
	cfg  Config
	base string
	http *http.Client
	// unusable is a *secure.WrongSetting of a file that cannot be read, or nil.
	unusable error
}

// New makes a Client. It sends nothing. cfg must be valid. If a file of cfg cannot be
// read, every call fails with a *secure.WrongSetting.
func New(cfg Config) *Client {
	secured, err := cfg.Client(Prefix)
	transport := &http.Transport{
		TLSClientConfig: secured,
		Proxy:           http.ProxyFromEnvironment,
		// A short dial timeout tells an absent server from a slow one, well before
		// cfg.Timeout.
		DialContext:         (&net.Dialer{Timeout: min(dialTimeout, cfg.Timeout/2)}).DialContext,
		TLSHandshakeTimeout: dialTimeout,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     time.Minute,
	}
	return &Client{cfg: cfg, unusable: err, base: strings.TrimSuffix(cmp.Or(cfg.URL, defaultURL), "/"), http: &http.Client{
		Timeout: cfg.Timeout, Transport: traced{transport},
		// A redirect could send a recording to an unintended server.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Capacity is what a server with orak's contract reports about itself.
type Capacity struct {
	Engine       orak.Engine `json:"engine"`
	Device       string      `json:"device"`
	SampleRateHz int         `json:"sample_rate_hz"`
	// Slots is the number of concurrent requests, Queue that of further ones that
	// may wait; Running and Waiting are the current numbers.
	Slots   int `json:"slots"`
	Running int `json:"running"`
	Queue   int `json:"queue"`
	Waiting int `json:"waiting"`
	// MemoryBytes is the budget for the audio of all concurrent requests,
	// MemoryBytesPerSecond the part that a second of audio needs.
	MemoryBytes          int64 `json:"memory_bytes"`
	MemoryBytesPerSecond int64 `json:"memory_bytes_per_second"`
}

// dialTimeout bounds the setup of a connection.
const dialTimeout = 5 * time.Second

// maxAnswer bounds what is read of an answer, in bytes: the curve of a window has
// some 100 KB.
const maxAnswer = 64 << 20

// Capacity requests the capacity of a server with orak's contract.
func (c *Client) Capacity(ctx context.Context) (Capacity, error) {
	var answer Capacity
	if err := c.getJSON(ctx, "/v1/capacity", &answer); err != nil {
		return Capacity{}, err
	}
	if !named.MatchString(answer.Engine.Name) || !named.MatchString(answer.Engine.Version) || answer.Slots < 1 || answer.MemoryBytesPerSecond < 0 {
		return Capacity{}, broken(errors.New("its capacity lacks an engine, or a slot"))
	}
	return answer, nil
}

// ModelIdentity requests the model of a server with the Open Inference Protocol. The
// version is empty if the server has several: which one runs is then known only
// from an answer.
func (c *Client) ModelIdentity(ctx context.Context) (orak.Engine, error) {
	var answer struct {
		Name     string   `json:"name"`
		Versions []string `json:"versions"`
	}
	if err := c.getJSON(ctx, c.modelPath(), &answer); err != nil {
		return orak.Engine{}, err
	}
	if !named.MatchString(answer.Name) {
		return orak.Engine{}, broken(fmt.Errorf("a model of the name %.80q", answer.Name))
	}
	if len(answer.Versions) != 1 || !named.MatchString(answer.Versions[0]) {
		return orak.Engine{Name: answer.Name}, nil
	}
	return orak.Engine{Name: answer.Name, Version: answer.Versions[0]}, nil
}

// Ready returns nil when the server takes work. path is its readiness endpoint.
func (c *Client) Ready(ctx context.Context, path string) error {
	_, _, err := c.do(ctx, http.MethodGet, path, nil, nil)
	return err
}

// The readiness endpoints of the two protocols.
const (
	ReadyPath    = "/readyz"
	OIPReadyPath = "/v2/health/ready"
)

func (c *Client) getJSON(ctx context.Context, path string, into any) error {
	body, _, err := c.do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return broken(fmt.Errorf("decoding %s: %w", path, err))
	}
	return nil
}

// do sends one request. Any answer but a 2xx is a *orak.Fault.
func (c *Client) do(ctx context.Context, method, path string, header http.Header, body []byte) ([]byte, http.Header, error) {
	if c.unusable != nil {
		return nil, nil, unreachable(c.unusable)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, broken(errors.New("making request: the URL is malformed"))
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if c.cfg.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	}
	// Requests are idempotent, so the transport may resend one when the server has
	// just closed an idle connection. That is no outage. (The header itself is not
	// sent, since it has no value.)
	req.Header["Idempotency-Key"] = nil
	var reached atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { reached.Store(true) }}))
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, c.lost(ctx, err, reached.Load())
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, nil, c.lost(ctx, err, true)
	case len(answer) > maxAnswer:
		return nil, nil, broken(errors.New("its answer is too long"))
	}
	return answer, resp.Header, judge(resp, answer, time.Now())
}

// lost classifies a request without an answer: its caller has given up, the server
// is too slow for this recording, the server broke the connection during the
// request (it may have died of it), or the server could not be reached.
func (c *Client) lost(ctx context.Context, err error, reached bool) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if wrong := explain(err); wrong != nil {
		return unreachable(wrong)
	}
	var dial *net.OpError
	var slow interface{ Timeout() bool }
	if errors.As(err, &slow) && slow.Timeout() && !(errors.As(err, &dial) && dial.Op == "dial") {
		return &orak.Fault{Class: orak.ClassTransient, Message: "The analysis took too long.", Err: fmt.Errorf("calling the model server: %w", err)}
	}
	f := unreachable(fmt.Errorf("calling the model server: %w", err))
	f.Suspect = reached
	return f
}

// explain returns a *secure.WrongSetting if TLS failed, and otherwise nil.
func explain(err error) error {
	names := secure.Settings{Prefix: Prefix, Address: Prefix + "url", Host: Prefix + "url", TLS: Prefix + "url"}
	if wrong := names.Explain(err); wrong != nil {
		return wrong
	}
	if strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return &secure.WrongSetting{Name: Prefix + "url", Reason: "the server does not speak TLS", Err: err}
	}
	return nil
}

// unreachable classifies err as an outage of the model server.
func unreachable(err error) *orak.Fault {
	return &orak.Fault{
		Class: orak.ClassDependency, Dependency: orak.DependencyModelServer,
		Message: "The model server cannot be reached.", Err: err,
	}
}

// judge classifies the status of an answer; nil for a success.
func judge(resp *http.Response, answer []byte, now time.Time) error {
	err := fmt.Errorf("calling the model server: status %d: %.200s", resp.StatusCode, answer)
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		return &orak.Fault{
			Class: orak.ClassOverload, Dependency: orak.DependencyModelServer, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), now),
			Message: "The analysis waits for a free place.", Err: err,
		}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return unreachable(&secure.WrongSetting{Name: Prefix + "token", Reason: "the model server refuses it, or requires one", Err: err})
	case code == http.StatusUnprocessableEntity:
		return &orak.Fault{Class: orak.ClassModel, Message: "The model cannot analyze this recording.", Err: err}
	case code == http.StatusRequestTimeout || code == http.StatusBadGateway:
		// The path to the server is at fault: it is too slow, or a gateway cannot
		// reach the server, or has lost it during this request.
		f := unreachable(err)
		f.Suspect = code == http.StatusBadGateway
		return f
	case code >= 500:
		return &orak.Fault{Class: orak.ClassTransient, Suspect: true, Message: "The analysis failed.", Err: err}
	default:
		return broken(err)
	}
}

// broken classifies err as a violation of the contract. If the server violates it
// for every recording, that is an outage and no recording fails of it; Prove finds
// out.
func broken(err error) *orak.Fault {
	return &orak.Fault{
		Class: orak.ClassDependency, Dependency: orak.DependencyModelServer, Suspect: true,
		Message: "The model server does not answer as it should.", Err: err,
	}
}

// retryAfter reads both forms of the header; one second where it has neither.
func retryAfter(h string, now time.Time) time.Duration {
	if s, err := strconv.Atoi(h); err == nil && s > 0 {
		return time.Duration(min(s, 3600)) * time.Second
	}
	if t, err := http.ParseTime(h); err == nil && t.After(now) {
		return min(t.Sub(now), time.Hour)
	}
	return time.Second
}
