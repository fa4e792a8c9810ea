package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"orak/internal/modelserver"
)

// answers returns a check that path answers 200.
func (s *suite) answers(path string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		resp, err := s.get(ctx, path)
		if err != nil {
			return "", err
		}
		if resp.StatusCode != http.StatusOK {
			return "", fmt.Errorf("%s answered %d", path, resp.StatusCode)
		}
		return path + " answered 200", nil
	}
}

func (s *suite) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("making request: %w", err)
	}
	s.authorize(req.Header)
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("requesting %s: %w", path, err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxProblem)); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return resp, nil
}

func (s *suite) capacity(ctx context.Context) (string, error) {
	c, err := s.client.Capacity(ctx)
	switch {
	case err != nil:
		return "", err
	case c.SampleRateHz != modelserver.SampleRate:
		return "", fmt.Errorf("sample_rate_hz is %d, want %d", c.SampleRateHz, modelserver.SampleRate)
	case c.Queue < 0 || c.Running < 0 || c.Waiting < 0:
		return "", errors.New("queue, running or waiting is negative")
	case c.Running > c.Slots || c.Waiting > c.Queue:
		return "", fmt.Errorf("%d of %d slots and %d of %d places in the queue are taken", c.Running, c.Slots, c.Waiting, c.Queue)
	case c.MemoryBytes < c.MemoryBytesPerSecond:
		return "", errors.New("memory_bytes is less than memory_bytes_per_second, a second of audio")
	}
	s.engine, s.slots = c.Engine, c.Slots+c.Queue
	return fmt.Sprintf("%s %s, %d slots and a queue of %d", c.Engine.Name, c.Engine.Version, c.Slots, c.Queue), nil
}

func (s *suite) metadata(ctx context.Context) (string, error) {
	engine, err := s.client.ModelIdentity(ctx)
	if err != nil {
		return "", err
	}
	if engine.Version == "" {
		return "the model has several versions, so results are never reused", nil
	}
	s.engine = engine
	return fmt.Sprintf("%s %s", engine.Name, engine.Version), nil
}
