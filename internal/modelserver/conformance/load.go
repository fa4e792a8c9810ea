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

// The requests at once: more than the server takes, within reason. Where it does
// not say what it takes, unknownLoad.
const (
	maxLoad     = 256
	unknownLoad = 32
)

// load sends more at once than the server takes: each request is answered, with
// a result or with when to come back. How many are refused is the server's
// affair, since one that is quick has room again.
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
		return "", fmt.Errorf("%d of %d at once were answered otherwise than with 200, 429 or 503, the first: %w", len(errs), n, errs[0])
	}
	if done == 0 {
		return "", fmt.Errorf("all of %d at once were refused", n)
	}
	if err := s.settled(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d at once: %d analyzed, %d told when to come back", n, done, busy), nil
}

type answered struct {
	busy bool
	err  error
}

// crowd is one request of many.
func (s *suite) crowd(ctx context.Context) answered {
	samples := make([]int16, 5*second)
	if s.target.OIP {
		_, err := s.client.Infer(ctx, samples)
		return told(err)
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
			return answered{err: fmt.Errorf("answered %d with Retry-After %.40q, want whole seconds, 1 at least", resp.StatusCode, resp.Header.Get("Retry-After"))}
		}
		return answered{busy: true, err: isProblem(resp, answer)}
	default:
		return answered{err: fmt.Errorf("answered %d", resp.StatusCode)}
	}
}

// told reads the answer of the Open Inference Protocol, which has no word for
// when to come back.
func told(err error) answered {
	var f *orak.Fault
	if errors.As(err, &f) && f.Class == orak.ClassOverload {
		return answered{busy: true}
	}
	return answered{err: err}
}

// settled says that the server takes work again, and lost no place.
func (s *suite) settled(ctx context.Context) error {
	if s.target.OIP {
		return nil
	}
	if _, err := s.analyze(ctx, make([]float64, second)); err != nil {
		return fmt.Errorf("after them: %w", err)
	}
	c, err := s.client.Capacity(ctx)
	if err != nil {
		return fmt.Errorf("after them: %w", err)
	}
	if c.Waiting > 0 {
		return errors.New("after them the capacity still tells of waiting requests")
	}
	return nil
}
