package accounts

import (
	"context"
	"io"
	"net/http"
	"time"

	"orak/api/resource"
)

// answerLimit bounds an answer, in bytes.
const answerLimit = 1 << 20

// App sends requests to the API, as an app of the tenant does.
type App struct {
	at   Addresses
	http *http.Client
}

// NewApp returns an app of at.Tenant.
func NewApp(at Addresses) *App {
	const idle = 16
	return &App{at: at, http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: idle}}}
}

// Request returns a request of a path of the API.
func (a *App) Request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, method, a.at.API+path, body)
}

// Do sends a request and returns the status and the answer.
func (a *App) Do(req *http.Request) (int, []byte, error) {
	req.Header.Set(resource.HeaderTenant, string(a.at.Tenant))
	if a.at.Key != "" {
		req.Header.Set("Authorization", "Bearer "+a.at.Key)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	return resp.StatusCode, answer, err
}

// Get reads a path of the API.
func (a *App) Get(ctx context.Context, path string) (int, []byte, error) {
	req, err := a.Request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return 0, nil, err
	}
	return a.Do(req)
}
