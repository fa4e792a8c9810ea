package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"orak"
)

// errNeedsProbe ends a conversion in one start: the file has something to choose
// from, such as several tracks or channels, or its outline is not complete.
var errNeedsProbe = errors.New("the file must be probed before it is converted")

// outline is what ffmpeg reports of a file's audio while it converts it: the header
// of its framecrc output. That has numbers and names of ffmpeg's own tables, and
// none of the file's texts, which could imitate the lines of ffmpeg's log.
type outline struct {
	lines  lines
	stream stream
}

// Write reads ffmpeg's standard output. It fails with errNeedsProbe, which ends
// ffmpeg, as soon as the file is not an ordinary one, so that no long recording is
// converted twice.
func (o *outline) Write(p []byte) (int, error) {
	if err := o.lines.split(p, o.read); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ordinaryLayouts has the number of channels of ordinary streams by ffmpeg's name
// of their layout, which is "1 channels" where the file names no positions.
var ordinaryLayouts = map[string]int{"mono": 1, "1 channels": 1, "stereo": 2, "2 channels": 2}

// read reads a line such as "#sample_rate 0: 48000". Checksums and progress, on the
// same output, are no such lines.
func (o *outline) read(line string) error {
	key, value, _ := strings.Cut(line, ": ")
	name, track, ok := strings.Cut(key, " ")
	if !ok || !strings.HasPrefix(name, "#") {
		return nil
	}
	if track != "0" {
		return fmt.Errorf("%w: it has several tracks", errNeedsProbe)
	}
	switch name {
	case "#codec_id":
		o.stream.codec = value
	case "#sample_rate":
		rate, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%w: %w", errNeedsProbe, err)
		}
		o.stream.sampleRate = rate
	case "#channel_layout_name": // the last one
		o.stream.channels, o.stream.layout = ordinaryLayouts[value], value
		return o.check()
	}
	return nil
}

// check fails with errNeedsProbe unless the outline is complete, and that of an
// accepted stream.
func (o *outline) check() error {
	if err := o.stream.check(); err != nil {
		return fmt.Errorf("%w: %w", errNeedsProbe, err)
	}
	return nil
}

// ordinary is the only stream of a file while its number of channels, one or two,
// is not known.
var ordinary = stream{specifier: "a:0"}

// encodeOrdinary converts a file with one audio stream, mono or stereo, in one
// start of ffmpeg. It fails with errNeedsProbe where the file is another one, and
// where nothing but the file explains an error: a probe explains it better.
func (c *Converter) encodeOrdinary(ctx context.Context, s source, out string, progress func(float64)) (selection, *stderrLog, error) {
	if c.probeFirst.Load() {
		return selection{}, nil, errNeedsProbe
	}
	said, found := new(stderrLog), &outline{stream: ordinary}
	ticks := &progressTicks{path: out, expected: said.claim, report: progress}
	args := slices.Concat(openArguments(s), outlineArguments(), encodeArguments(selection{ordinary, allChannels}, out, c.decodeLimit()))
	err := c.runEncoder(ctx, s, args, out, io.MultiWriter(found, ticks), said)
	if err == nil {
		err = found.check()
	}
	var f *orak.Fault
	if errors.As(err, &f) && f.Class == orak.ClassInput {
		err = fmt.Errorf("%w: %w", errNeedsProbe, err)
	}
	if err != nil {
		return selection{}, nil, err
	}
	found.stream.duration, found.stream.unprobed = said.claim(), true
	return selection{found.stream, allChannels}, said, nil
}

// encodeProbed converts any file: it probes the file and chooses what to convert.
func (c *Converter) encodeProbed(ctx context.Context, in input, out string, progress func(float64)) (chosen selection, tracks int, said *stderrLog, err error) {
	usable, tracks, err := c.probe(ctx, in.source)
	if err != nil {
		return selection{}, 0, nil, err
	}
	if !in.namesChannels() {
		for i := range usable {
			usable[i].layout = ""
		}
	}
	chosen, err = c.choose(ctx, in.source, usable)
	if err != nil {
		return selection{}, 0, nil, err
	}
	said, err = c.encode(ctx, in.source, chosen, out, progress)
	return chosen, tracks, said, err
}
