package uploads

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// HTTP returns a client for so many concurrent uploads, each of at most a minute.
func HTTP(concurrency int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}, Timeout: time.Minute}
}

// Post uploads a recording to the API at server. Any answer except 202 is an error.
func Post(ctx context.Context, client *http.Client, server, contentType string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/v1/uploads", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	_, err = Send(client, req, http.StatusAccepted)
	return err
}

// Send sends a request and returns the header of the answer. Any status except want is
// an error.
func Send(client *http.Client, req *http.Request, want int) (http.Header, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != want {
		return nil, fmt.Errorf("status %d: %s", resp.StatusCode, bytes.TrimSpace(answer))
	}
	return resp.Header, nil
}
