package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Check returns an error unless ffmpeg and ffprobe work: it looks for the decoders of
// every accepted format, and converts and probes a short tone. It takes three starts
// of them: call it at the start rather than in each readiness check.
func (c *Converter) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeout, errTooSlow)
	defer cancel()
	out, said := &boundedBuffer{limit: maxProbeJSON}, new(stderrLog)
	if err := run(ctx, c.cfg.FFmpeg, []string{"-hide_banner", "-decoders"}, out, said, c.limits(0)); err != nil {
		if f, ours := runFault(err); ours {
			return f
		}
		return missingProgram(err)
	}
	c.start.Store(int64(said.spent))
	if missing := missingDecoders(out.Bytes()); len(missing) > 0 {
		return missingProgram(fmt.Errorf("this ffmpeg cannot decode %s", strings.Join(missing, ", ")))
	}
	dir, err := os.MkdirTemp("", "orak-check-")
	if err != nil {
		return diskFault("creating a scratch folder", err)
	}
	defer os.RemoveAll(dir)
	src, dst := filepath.Join(dir, "tone.wav"), filepath.Join(dir, "out.wav")
	if err := os.WriteFile(src, tone(), 0o600); err != nil {
		return diskFault("writing a tone", err)
	}
	if err := os.WriteFile(dst, nil, 0o600); err != nil {
		return diskFault("creating the file for a converted tone", err)
	}
	if err := c.checkPrograms(ctx, source{path: src, format: formatWAV}, dst); err != nil {
		return missingProgram(fmt.Errorf("converting a tone: %w", err))
	}
	return nil
}

// checkPrograms converts and probes a tone. If this ffmpeg cannot convert it in one
// start, all recordings are probed first from then on.
func (c *Converter) checkPrograms(ctx context.Context, tone source, dst string) error {
	quiet := func(float64) {}
	_, _, err := c.encodeOrdinary(ctx, tone, dst, quiet)
	if errors.Is(err, errNeedsProbe) {
		if _, _, _, err = c.encodeProbed(ctx, input{source: tone}, dst, quiet); err == nil {
			c.probeFirst.Store(true)
		}
		return err
	}
	if err != nil {
		return err
	}
	_, _, err = c.probe(ctx, tone)
	return err
}

// StartTime is the processor time that a start of ffmpeg took in the latest Check; 0
// before. Each conversion takes at least one start.
func (c *Converter) StartTime() time.Duration { return time.Duration(c.start.Load()) }

// missingDecoders returns the codecs of the accepted formats for which this build
// has no decoder. "ffmpeg -decoders" prints one per line: flags, name,
// description.
func missingDecoders(listing []byte) []string {
	have := map[string]bool{}
	for line := range bytes.Lines(listing) {
		if fields := bytes.Fields(line); len(fields) >= 2 {
			have[string(fields[1])] = true
		}
	}
	var missing []string
	for _, codec := range []string{"opus", "vorbis", "aac", "mp3", "flac", "alac", "amr_nb", "amr_wb", "pcm_s16le", "pcm_s16be"} {
		able := false
		for _, d := range decoders()[codec] {
			able = able || have[d]
		}
		if !able {
			missing = append(missing, codec)
		}
	}
	return missing
}

// tone returns a WAV of a tenth of a second of A4.
func tone() []byte {
	const samples = sampleRate / 10
	b := make([]byte, 0, wavHeader+2*samples)
	le := binary.LittleEndian
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, wavHeader-8+2*samples)
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...)
	b = le.AppendUint32(b, sampleRate)
	b = le.AppendUint32(b, sampleRate*2)
	b = append(b, "\x02\x00\x10\x00data"...)
	b = le.AppendUint32(b, 2*samples)
	for i := range samples {
		b = le.AppendUint16(b, uint16(int16(8000*math.Sin(2*math.Pi*440*float64(i)/sampleRate))))
	}
	return b
}
