package modelserver

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"orak"
)

// Recording is a recording that is being sent, window by window. It is not safe for
// concurrent use.
type Recording struct {
	// run has one window analyzed; cancel ends a request in flight.
	run    func(samples []int16) (Found, error)
	cancel context.CancelFunc
	window int
	around int

	// held are the samples not sent yet, after the context of the next window.
	held []int16
	// begun is the number of context samples at the start of held; 0 at first.
	begun int
	// sent receives the result of the window in flight; nil while there is none.
	sent  chan result
	whole Found
	votes votes
}

type result struct {
	found Found
	// skip is the length of the context before the window, keep that of the window,
	// in samples.
	skip, keep int
	err        error
}

// Start begins a recording, with orak's contract or the Open Inference Protocol. The
// caller ends it with Finish or Abandon.
func (c *Client) Start(ctx context.Context, oip bool) *Recording {
	analyze := c.protocol(oip)
	ctx, cancel := context.WithCancel(ctx)
	return &Recording{
		run:    func(samples []int16) (Found, error) { return c.patiently(ctx, analyze, samples) },
		cancel: cancel,
		window: samplesOf(c.cfg.Window), around: samplesOf(c.cfg.Context),
	}
}

// protocol returns the Open Inference Protocol if oip, or else orak's contract.
func (c *Client) protocol(oip bool) protocol {
	if oip {
		return c.Infer
	}
	return c.Analyze
}

// samplesOf returns the samples of d, rounded down to 10 ms.
func samplesOf(d time.Duration) int { return int(d/(10*time.Millisecond)) * SampleRate / 100 }

// Push adds samples; full scale is 1. An error is that of an earlier window: a
// *orak.Fault, or the error of the context.
func (r *Recording) Push(block []float64) error {
	for _, v := range block {
		r.held = append(r.held, int16(max(min(math.Round(v*32768), math.MaxInt16), math.MinInt16)))
	}
	for len(r.held) >= r.begun+r.window+r.around {
		if err := r.send(r.window, r.around); err != nil {
			return err
		}
	}
	return nil
}

// Finish sends the rest and returns the result for the whole recording.
func (r *Recording) Finish() (Found, error) {
	defer r.cancel()
	if left := len(r.held) - r.begun; left > 0 || r.whole.Engine.Name == "" && r.sent == nil {
		if err := r.send(left, 0); err != nil {
			return Found{}, err
		}
	}
	if err := r.receive(); err != nil {
		return Found{}, err
	}
	r.normalize()
	r.whole.Key, r.whole.Tempo = r.votes.key(), r.votes.tempo()
	return r.whole, nil
}

// Abandon cancels the request in flight.
func (r *Recording) Abandon() { r.cancel() }

// send sends the next window once the previous one is answered.
func (r *Recording) send(keep, after int) error {
	if err := r.receive(); err != nil {
		return err
	}
	samples := slices.Clone(r.held[:r.begun+keep+after])
	skip := r.begun
	sent := make(chan result, 1)
	go func() {
		found, err := r.run(samples)
		sent <- result{found, skip, keep, err}
	}()
	r.sent = sent
	drop := max(r.begun+keep-r.around, 0)
	r.begun = r.begun + keep - drop
	r.held = slices.Delete(r.held, 0, drop)
	return nil
}

// patiently analyzes a window, and retries while the server is busy: after the delay
// that it asks for, for at most Config.Patience.
func (c *Client) patiently(ctx context.Context, analyze protocol, samples []int16) (Found, error) {
	until := time.Now().Add(c.cfg.Patience)
	for {
		found, err := analyze(ctx, samples)
		f := (*orak.Fault)(nil)
		if !errors.As(err, &f) || f.Class != orak.ClassOverload || time.Now().Add(f.RetryAfter).After(until) {
			return found, err
		}
		select {
		case <-time.After(f.RetryAfter):
		case <-ctx.Done():
			return Found{}, ctx.Err()
		}
	}
}

// receive waits for the window in flight and adds it to the whole.
func (r *Recording) receive() error {
	if r.sent == nil {
		return nil
	}
	got := <-r.sent
	r.sent = nil
	if got.err != nil {
		return got.err
	}
	return r.add(got)
}

// add joins the result of a window to the whole.
func (r *Recording) add(got result) error {
	first := r.whole.Engine.Name == ""
	if first {
		r.whole = Found{
			Engine: got.found.Engine, Curve: orak.PitchCurve{HopS: got.found.Curve.HopS},
			Key: got.found.Key, Tempo: got.found.Tempo, // only whether the model has them; the votes decide which
		}
	}
	if got.found.Engine != r.whole.Engine {
		// The model was replaced meanwhile: the windows do not fit together.
		return &orak.Fault{
			Class: orak.ClassTransient, Message: "The analysis was interrupted by an update.",
			Err: fmt.Errorf("the model server was %v and is %v", r.whole.Engine, got.found.Engine),
		}
	}
	if !first {
		if err := r.belongs(got.found); err != nil {
			return err
		}
	}
	r.votes.add(got.found, float64(got.keep)/SampleRate)
	c := got.found.Curve
	if len(c.F0Hz) > 0 {
		from, to := frames(got.skip, c.HopS), frames(got.skip+got.keep, c.HopS)
		r.whole.Curve.F0Hz = append(r.whole.Curve.F0Hz, c.F0Hz[from:to]...)
		r.whole.Curve.Voicing = append(r.whole.Curve.Voicing, c.Voicing[from:to]...)
	}
	return r.addVector(got.found.Embedding)
}

// belongs refuses a window that cannot be joined to the previous ones.
func (r *Recording) belongs(next Found) error {
	hop, whole := next.Curve.HopS, r.whole
	switch {
	case hop != whole.Curve.HopS, (len(next.Curve.F0Hz) > 0) != (len(whole.Curve.F0Hz) > 0), (next.Embedding != nil) != (whole.Embedding != nil),
		(next.Key != nil) != (whole.Key != nil), (next.Tempo != nil) != (whole.Tempo != nil):
		return broken(errors.New("windows of two kinds for one recording"))
	case len(next.Curve.F0Hz) > 0 && (r.window%step(hop) != 0 || r.around%step(hop) != 0):
		f := broken(fmt.Errorf("a hop of %g s: the settings' window and context must be multiples of it", hop))
		f.Suspect = false // the settings are wrong for every long recording
		return f
	default:
		return nil
	}
}

// addVector sums the vectors of the windows: their mean is that of the recording.
func (r *Recording) addVector(e *orak.Embedding) error {
	switch whole := r.whole.Embedding; {
	case e == nil:
		return nil
	case whole == nil:
		r.whole.Embedding = &orak.Embedding{Name: e.Name, Version: e.Version, Values: slices.Clone(e.Values)}
		return nil
	case whole.Name != e.Name || whole.Version != e.Version || len(whole.Values) != len(e.Values):
		return broken(errors.New("embeddings of two kinds for one recording"))
	default:
		for i, v := range e.Values {
			whole.Values[i] += v
		}
		return nil
	}
}

// normalize scales the vector to unit length; a zero vector stays.
func (r *Recording) normalize() {
	if r.whole.Embedding == nil {
		return
	}
	sum := 0.0
	for _, v := range r.whole.Embedding.Values {
		sum += float64(v) * float64(v)
	}
	if sum == 0 {
		return
	}
	for i := range r.whole.Embedding.Values {
		r.whole.Embedding.Values[i] /= float32(math.Sqrt(sum))
	}
}
