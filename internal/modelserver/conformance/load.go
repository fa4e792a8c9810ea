package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"orak"
	"orak/internal/modelserver"
)

// maxLoad bounds the concurrent requests, which are more than the server takes;
// unknownLoad is their number if the server does not report its capacity.
const (
	maxLoad     = 256
	unknownLoad = 32
)

// load sends more concurrent requests than the server takes. Each must be answered,
// with a result or with a Retry-After. It does not check how many are refused: a
// quick server has room again.
func (s *suite) load(ctx context.Context) (string, error) {
	n := unknownLoad
	if s.slots > 0 {
		n = min(2*s.slots+8, maxLoad)
	}
	answers := make(chan answered, n)
	for range n {
		go func() { answers <- s.crowd(ctx) }()
	}
	done, busy := 0, 0
	var errs []error
	for range n {
		switch a := <-answers; {
		case a.err != nil:
			errs = append(errs, a.err)
		case a.busy:
			busy++
		default:
			done++
		}
	}
	if len(errs) > 0 {
		return "", fmt.Errorf("%d of %d concurrent requests had another answer than 200, 429 or 503, the first: %w", len(errs), n, errs[0])
	}
	if done == 0 {
		return "", fmt.Errorf("all of %d concurrent requests were refused", n)
	}
	if err := s.recovered(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d concurrent requests: %d analyzed, %d refused with a Retry-After", n, done, busy), nil
}

type answered struct {
	busy bool
	err  error
}

// crowd sends one of many concurrent requests.
func (s *suite) crowd(ctx context.Context) answered {
	samples := make([]int16, 5*second)
	if s.target.OIP {
		_, err := s.client.Infer(ctx, samples)
		return inferred(err)
	}
	resp, answer, err := s.post(ctx, hostile{path: "/v1/analyze", media: "audio/wav", body: modelserver.WAV(samples)})
	if err != nil {
		return answered{err: err}
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return answered{}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || after < 1 {
			return answered{err: fmt.Errorf("answered %d with Retry-After %.40q, want at least 1 whole second", resp.StatusCode, resp.Header.Get("Retry-After"))}
		}
		return answered{busy: true, err: isProblem(resp, answer)}
	default:
		return answered{err: fmt.Errorf("answered %d", resp.StatusCode)}
	}
}

// inferred classifies an answer of the Open Inference Protocol, which defines no
// Retry-After.
func inferred(err error) answered {
	var f *orak.Fault
	if errors.As(err, &f) && f.Class == orak.ClassOverload {
		return answered{busy: true}
	}
	return answered{err: err}
}

// recovered checks that the server takes work again, and has lost no place in its
// queue.
func (s *suite) recovered(ctx context.Context) error {
	if s.target.OIP {
		return nil
	}
	if _, err := s.analyze(ctx, make([]float64, second)); err != nil {
		return fmt.Errorf("after the load: %w", err)
	}
	c, err := s.client.Capacity(ctx)
	if err != nil {
		return fmt.Errorf("after the load: %w", err)
	}
	if c.Waiting > 0 {
		return errors.New("after the load the capacity still reports waiting requests")
	}
	return nil
}
