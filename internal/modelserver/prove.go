package modelserver

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"orak"
)

// Prove has the server analyze a plain tone, as long as the longest window of a
// recording of that duration. nil means that it serves now, for any recording
// of that length: what it then refuses, or dies of, is the recording's. An error
// says nothing of the recording: a *orak.Fault of class overload or dependency,
// or the context's.
func (c *Client) Prove(ctx context.Context, oip bool, audio time.Duration) error {
	longest := min(audio, c.cfg.Window+2*c.cfg.Context)
	_, err := c.patiently(ctx, c.protocol(oip), tone(samplesOf(max(longest, 0))))
	f := (*orak.Fault)(nil)
	if err == nil || !errors.As(err, &f) || f.Class == orak.ClassOverload {
		return err
	}
	return &orak.Fault{
		Class: orak.ClassDependency, Dependency: orak.DependencyModelServer, RetryAfter: f.RetryAfter,
		Message: "The model server does not analyze a plain tone.", Err: fmt.Errorf("analyzing a tone of %v: %w", longest, err),
	}
}

// tone is so many samples of 220 Hz at a quarter of full scale.
func tone(samples int) []int16 {
	s := make([]int16, samples)
	for i := range s {
		s[i] = int16(math.MaxInt16 / 4 * math.Sin(2*math.Pi*220*float64(i)/SampleRate))
	}
	return s
}
