package media

import (
	"bytes"
	"os"
	"time"
)

// progressTicks uses ffmpeg's -progress output only as a clock: each block ends
// with a line that begins with "progress=". The progress is the size of the file
// on disk; the times that ffmpeg reports are not the audio that it has written.
type progressTicks struct {
	path     string               // of the WAV being written
	expected func() time.Duration // its result is 0 when unknown
	report   func(done float64)
}

func (p *progressTicks) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("progress=")) {
		p.report(p.done())
	}
	return len(b), nil
}

// done returns the share that has been written; never 1, since the file is not
// finished yet and the expected length is only a claim.
func (p *progressTicks) done() float64 {
	expected := p.expected()
	if expected <= 0 {
		return -1
	}
	info, err := os.Stat(p.path)
	if err != nil {
		return -1
	}
	written := float64(max(info.Size()-wavHeader, 0)) / 2 / sampleRate
	return min(written/expected.Seconds(), 0.99)
}
