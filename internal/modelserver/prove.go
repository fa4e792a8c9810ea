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
// recording of the duration audio. nil means that the server works for recordings
// of that length: if it then refuses or dies of one, that recording is at fault. An
// error is a *orak.Fault of class overload or dependency, or the error of ctx; it
// says nothing about the recording.
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

// tone returns samples of a 220 Hz sine at a quarter of full scale.
func tone(samples int) []int16 {
	s := make([]int16, samples)
	for i := range s {
		s[i] = int16(math.MaxInt16 / 4 * math.Sin(2*math.Pi*220*float64(i)/SampleRate))
	}
	return s
}
