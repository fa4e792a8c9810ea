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
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("status %d: %s", resp.StatusCode, answer)
	}
	return nil
}
