package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"orak"
	"orak/api/resource"
)

// Config names the server, the tenant and the credential.
type Config struct {
	Server string `help:"URL of the orak API." default:"http://127.0.0.1:8080" placeholder:"URL"`
	Tenant string `help:"Tenant whose uploads are meant; empty means that of the API key." placeholder:"NAME"`
	// APIKey is an API key or an upload token; "" sends none.
	APIKey string `name:"api-key" secret:"" help:"API key for the server."`
}

// Validate returns the first error that makes c unusable.
func (c Config) Validate() error {
	u, err := url.Parse(c.Server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("server %q: want a URL such as http://127.0.0.1:8080", c.Server)
	}
	if strings.ContainsFunc(c.APIKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("api-key: it has characters that no key has")
	}
	if c.Tenant == "" {
		return nil
	}
	if _, err := orak.ParseTenant(c.Tenant); err != nil {
		return fmt.Errorf("tenant: %w", err)
	}
	return nil
}

const (
	// answerTimeout bounds every exchange that is neither an upload nor a stream.
	answerTimeout = 30 * time.Second
	// maxAnswer bounds the body of an answer, in bytes.
	maxAnswer = 16 << 20
)

// Client calls the API of one server for one tenant. It is safe for concurrent
// use.
type Client struct {
	base   string
	tenant string
	key    string
	http   *http.Client
	// pause waits before the next attempt; tests shorten it.
	pause func(ctx context.Context, d time.Duration) error
}

// New checks cfg. It does not connect.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Client{
		base:   strings.TrimRight(cfg.Server, "/"),
		tenant: cfg.Tenant,
		key:    cfg.APIKey,
		http:   &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()},
		pause:  sleep,
	}, nil
}

// Server returns the URL of the API.
func (c *Client) Server() string { return c.base }

// Upload returns the status of an upload.
func (c *Client) Upload(ctx context.Context, id orak.UploadID) (resource.Upload, error) {
	return call[resource.Upload](ctx, c, http.MethodGet, uploadPath(id), nil)
}

// Analysis returns the result of an upload. Until the upload is completed, the
// error is an *Error of status 409.
func (c *Client) Analysis(ctx context.Context, id orak.UploadID) (orak.Analysis, error) {
	return call[orak.Analysis](ctx, c, http.MethodGet, uploadPath(id)+"/analysis", nil)
}

// As returns a client of the same server for a tenant, or for
// resource.EveryTenant.
func (c *Client) As(tenant orak.Tenant) *Client {
	other := *c
	other.tenant = string(tenant)
	return &other
}

func uploadPath(id orak.UploadID) string { return "/v1/uploads/" + url.PathEscape(string(id)) }

// call makes one short exchange. A body is sent as JSON unless it is nil; an
// answer without content is the zero T.
func call[T any](ctx context.Context, c *Client, method, path string, body any) (answer T, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTimeout, errNoAnswer)
	defer cancel()
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answer, fmt.Errorf("encoding the request: %w", err)
		}
		payload = bytes.NewReader(text)
	}
	req, err := c.request(ctx, method, path, payload)
	if err != nil {
		return answer, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.do(req)
	if err != nil {
		return answer, err
	}
	defer resp.Body.Close()
	return decode[T](ctx, c, resp)
}

func decode[T any](ctx context.Context, c *Client, resp *http.Response) (answer T, err error) {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer, c.unreachable(ctx, err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return answer, nil
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return answer, fmt.Errorf("decoding the answer of %s: %w", c.base, err)
	}
	return answer, nil
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set("User-Agent", "orak-cli")
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	if c.tenant != "" {
		req.Header.Set(resource.HeaderTenant, c.tenant)
	}
	return req, nil
}

// do returns successful answers only; the caller closes their bodies.
func (c *Client) do(req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(req.Context(), err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, readError(resp)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
