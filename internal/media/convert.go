package media

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"orak"
)

// Converter converts recordings to WAV files. It is safe for concurrent use; each
// call runs its own ffmpeg.
type Converter struct {
	cfg Config
	log *slog.Logger
	*findings
}

// findings is what Check found out about ffmpeg.
type findings struct {
	// start is the processor time of a start, in ns.
	start atomic.Int64
	// probeFirst means that this ffmpeg cannot convert a file in one start.
	probeFirst atomic.Bool
}

// New checks cfg and starts nothing; Check reports whether ffmpeg works. With
// FenceStrict New fails where the sandbox leaves something reachable.
func New(cfg Config, log *slog.Logger) (*Converter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	c := &Converter{cfg: cfg, log: log, findings: new(findings)}
	open := c.Open()
	if len(open) > 0 && cfg.FenceStrict {
		return nil, fmt.Errorf("media: fence-strict: ffmpeg could reach %s", strings.Join(open, "; "))
	}
	if len(open) > 0 {
		log.WarnContext(context.Background(), "sandbox of ffmpeg leaves something reachable", "open", open)
	}
	return c, nil
}

// Convert writes the recording at src to dst as 16 kHz, mono, 16-bit PCM WAV,
// and describes the recording. Both paths are absolute. dst appears whole or not
// at all and replaces an existing file, so Convert may be repeated. Its temporary
// file is in the same folder and is removed before Convert returns.
//
// progress may be nil; otherwise it is called about twice a second with the
// share that is done, 0 to 1, or -1 when the recording does not say how long
// it is. The calls are sequential, from other goroutines than the caller's.
// progress must not block.
//
// Limits that are set override Config's Timeout and MaxDuration.
//
// Every error is an *orak.Fault. When ctx ends, ffmpeg is killed with all its
// children and the error wraps the cause.
func (c *Converter) Convert(ctx context.Context, src, dst string, limits orak.Limits, progress func(done float64)) (orak.Audio, error) {
	c, err := c.within(limits)
	if err != nil {
		return orak.Audio{}, internalFault(err)
	}
	if !filepath.IsAbs(src) || !filepath.IsAbs(dst) {
		return orak.Audio{}, internalFault(fmt.Errorf("want absolute paths, have %q and %q", src, dst))
	}
	if progress == nil {
		progress = func(float64) {}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeout, errTooSlow)
	defer cancel()

	file, err := os.Open(src)
	if err != nil {
		return orak.Audio{}, diskFault("opening the recording", err)
	}
	defer file.Close()
	format, size, err := identify(file)
	if err != nil {
		return orak.Audio{}, err
	}
	in := input{source: source{path: src, format: format}, window: &window{r: file, size: size}}
	in.extent = in.measure()
	in.end, in.ignoreLength = in.extent.audioEnd, in.extent.ignoreLength
	return c.convert(ctx, in, dst, progress)
}

// within returns a copy of c with those of limits that are set.
func (c *Converter) within(limits orak.Limits) (*Converter, error) {
	cfg := c.cfg
	cfg.Timeout = cmp.Or(limits.Timeout, cfg.Timeout)
	cfg.MaxDuration = cmp.Or(limits.MaxDuration, cfg.MaxDuration)
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("limits of this conversion: %w", err)
	}
	return &Converter{cfg: cfg, log: c.log, findings: c.findings}, nil
}

// input is an identified recording.
type input struct {
	source
	window *window
	// extent is what its structure says about its end.
	extent extent
}

func (c *Converter) convert(ctx context.Context, in input, dst string, progress func(float64)) (orak.Audio, error) {
	tmp, err := os.CreateTemp(filepath.Dir(dst), ".convert-*.wav")
	if err != nil {
		return orak.Audio{}, diskFault("creating the temporary file", err)
	}
	defer os.Remove(tmp.Name()) // fails after the rename, as it should
	defer tmp.Close()

	tracks := 1
	chosen, said, err := c.encodeOrdinary(ctx, in.source, tmp.Name(), progress)
	if errors.Is(err, errNeedsProbe) {
		chosen, tracks, said, err = c.encodeProbed(ctx, in, tmp.Name(), progress)
	}
	if err == nil && chosen.cancels(said) {
		if chosen, err = c.unmixed(ctx, in.source, chosen); err == nil {
			said, err = c.encode(ctx, in.source, chosen, tmp.Name(), progress)
		}
	}
	if err != nil {
		return orak.Audio{}, in.explain(err)
	}
	samples, err := countSamples(tmp.Name())
	if err != nil {
		return orak.Audio{}, transientFault(fmt.Errorf("counting samples: %w: %s", err, said.tail()))
	}
	decoded := time.Duration(samples) * time.Second / sampleRate
	switch {
	case samples == 0:
		return orak.Audio{}, in.explain(inputFault("No audio could be read from the file.", fmt.Errorf("no samples: %s", said.tail())))
	case decoded > c.cfg.MaxDuration:
		return orak.Audio{}, inputFault(fmt.Sprintf("The recording is longer than %s, the longest that is accepted.", c.cfg.MaxDuration), nil)
	}
	if chosen.stream, err = c.confirm(ctx, in, chosen.stream, decoded, said); err != nil {
		return orak.Audio{}, err
	}
	damage := in.damage(chosen.stream, decoded, said)
	if len(damage) > 0 {
		c.log.InfoContext(ctx, "recording is damaged", "format", in.format.Name, "damage", damage, "decoded", decoded, "stderr", said.tail())
	}
	if err := commit(tmp, dst); err != nil {
		return orak.Audio{}, diskFault("keeping the converted recording", err)
	}
	progress(1)
	return orak.Audio{
		DurationS:    float64(samples) / sampleRate,
		Codec:        chosen.codec,
		SampleRateHz: chosen.sampleRate,
		Channels:     chosen.channels,
		Tracks:       tracks,
		Loudness:     said.measured(decoded.Seconds()),
		Damage:       damage,
		MissingS:     in.missing(chosen.stream, decoded, c.cfg.MaxDuration, said).Round(100 * time.Millisecond).Seconds(),
	}, nil
}

// encode converts the chosen part of the file.
func (c *Converter) encode(ctx context.Context, s source, chosen selection, out string, progress func(float64)) (*stderrLog, error) {
	said := new(stderrLog)
	ticks := &progressTicks{path: out, expected: func() time.Duration { return chosen.duration }, report: progress}
	return said, c.runEncoder(ctx, s, append(openArguments(s), encodeArguments(chosen, out, c.decodeLimit())...), out, ticks, said)
}

// decodeLimit is a little more than MaxDuration, so that a recording which is too
// long shows.
func (c *Converter) decodeLimit() time.Duration { return c.cfg.MaxDuration + time.Second }

// runEncoder runs ffmpeg to its end. It may write only the file out.
func (c *Converter) runEncoder(ctx context.Context, s source, args []string, out string, stdout io.Writer, said *stderrLog) error {
	l := c.limits(outputLimit(c.decodeLimit())+1<<20, s.path)
	l.write = []string{out}
	err := run(ctx, c.cfg.FFmpeg, args, stdout, said, l)
	if err == nil {
		err = said.writeError(c.cfg.FFmpeg)
	}
	if err == nil {
		return nil
	}
	if f, ours := runFault(err); ours {
		return f
	}
	return inputFault("The file's audio could not be decoded.", err)
}

// limits returns the limits of a child that may read the given files, and write
// files of at most file bytes.
func (c *Converter) limits(file int64, read ...string) limits {
	return limits{cpu: c.cfg.Timeout, memory: c.cfg.MaxMemory, file: file, fenced: c.cfg.Fence, read: read}
}

// Open lists what a hostile recording that takes over ffmpeg could reach besides
// its own files; empty where the sandbox is complete.
func (c *Converter) Open() []string {
	if !c.cfg.Fence {
		return []string{"the files of this user, the network and this user's processes (media-fence is off)"}
	}
	return openings()
}

// identify detects the format of the open file. It looks behind ID3 tags of any
// length.
func identify(file *os.File) (Format, int64, error) {
	info, err := file.Stat()
	if err != nil {
		return Format{}, 0, diskFault("reading the recording", err)
	}
	if info.Size() == 0 {
		return Format{}, 0, inputFault("The file is empty.", nil)
	}
	var at int64
	for range 8 { // more tags than any program writes
		head := make([]byte, SniffLen)
		n, err := file.ReadAt(head, at)
		if err != nil && err != io.EOF {
			return Format{}, 0, diskFault("reading the recording", err)
		}
		head = head[:n]
		if tag := id3Len(head); tag > 0 {
			if at += int64(tag); at >= info.Size() {
				return Format{}, 0, inputFault(messageCutOff, nil)
			}
			continue
		}
		f, ok := Sniff(head)
		if at > 0 && !ok {
			f, ok = formatMP3, findMP3(head) >= 0 // padding may follow a tag
		}
		if !ok || at > 0 && f != formatMP3 && f != formatFLAC && f != formatADTS {
			break
		}
		return f, info.Size(), nil
	}
	return Format{}, 0, inputFault("The file is not audio of an accepted format.", nil)
}

// commit makes the finished temporary file durable under its final name.
func commit(tmp *os.File, dst string) error {
	if err := tmp.Sync(); err != nil {
		return fmt.Errorf("syncing: %w", err)
	}
	if err := os.Rename(tmp.Name(), dst); err != nil {
		return fmt.Errorf("renaming: %w", err)
	}
	dir, err := os.Open(filepath.Dir(dst))
	if err != nil {
		return fmt.Errorf("opening the folder: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("syncing the folder: %w", err)
	}
	return nil
}
