package media

import (
	"bytes"
	"os"
	"time"
)

// progressTicks reads ffmpeg's -progress output only as a clock: each block
// ends with a line that begins with "progress=". How much audio there is by
// then is what lies on the disk; the times that ffmpeg reports there are not
// the audio that it wrote.
type progressTicks struct {
	path     string        // of the WAV that grows
	expected time.Duration // 0 when unknown
	report   func(done float64)
}

func (p *progressTicks) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("progress=")) {
		p.report(p.done())
	}
	return len(b), nil
}

// done is the share that has been written; never quite 1, since the file is
// not finished yet and the expected length is a mere claim.
func (p *progressTicks) done() float64 {
	if p.expected <= 0 {
		return -1
	}
	info, err := os.Stat(p.path)
	if err != nil {
		return -1
	}
	written := float64(max(info.Size()-wavHeader, 0)) / 2 / sampleRate
	return min(written/p.expected.Seconds(), 0.99)
}
