package media

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// stream is the audio stream to convert, as the file describes it.
type stream struct {
	// specifier names the stream in ffmpeg's arguments, such as "1", or "a:0" for the
	// first with audio.
	specifier  string
	codec      string
	sampleRate int // Hz
	channels   int
	// layout names the positions of the channels, such as "5.1"; empty where the
	// file does not say.
	layout string
	// duration is what the header claims; 0 when it claims nothing plausible. It
	// is only a hint.
	duration time.Duration
	// unprobed means that duration is that of the whole file.
	unprobed bool
}

// The bounds of a recording. Below 4 kHz there is no voice, and a header of 1 Hz
// makes days of audio of a small file; above 8 channels ffmpeg cannot mix down.
const (
	minSourceRate = 4000
	maxSourceRate = 768000
	maxChannels   = 8
	maxProbeJSON  = 1 << 20
)

var errLongAnswer = errors.New("ffprobe's answer is too long")

// boundedBuffer fails to grow past limit.
type boundedBuffer struct {
	bytes.Buffer
	limit int
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.limit {
		return 0, errLongAnswer
	}
	return b.Buffer.Write(p)
}

// probe returns the audio streams that can be converted, at least one, and the
// number of all audio streams.
func (c *Converter) probe(ctx context.Context, s source) (usable []stream, tracks int, err error) {
	out := &boundedBuffer{limit: maxProbeJSON}
	said := new(stderrLog)
	err = run(ctx, c.cfg.FFprobe, probeArguments(s), out, said, c.limits(0, s.path))
	if errors.Is(err, errLongAnswer) {
		return nil, 0, inputFault("The file's description is too long for a recording.", err)
	}
	if err != nil {
		if f, ours := runFault(err); ours {
			return nil, 0, f
		}
		if strings.Contains(said.tail(), "not on whitelist") {
			return nil, 0, inputFault("The file has audio or video in a form that is not accepted.", err)
		}
		return nil, 0, inputFault("The file looks like "+s.format.Name+" but cannot be read as such.", err)
	}
	streams, err := parseProbe(out.Bytes())
	if err != nil {
		return nil, 0, internalFault(fmt.Errorf("reading ffprobe's answer: %w", err))
	}
	usable, err = usableStreams(streams)
	return usable, len(streams), err
}

// parseProbe parses ffprobe's JSON, in which numbers are strings.
func parseProbe(answer []byte) ([]stream, error) {
	var doc struct {
		Streams []struct {
			Index      int    `json:"index"`
			CodecName  string `json:"codec_name"`
			SampleRate string `json:"sample_rate"`
			Channels   int    `json:"channels"`
			Layout     string `json:"channel_layout"`
			Duration   string `json:"duration"`
		} `json:"streams"`
		Format struct {
			Duration string `json:"duration"`
		} `json:"format"`
	}
	if err := json.Unmarshal(answer, &doc); err != nil {
		return nil, err
	}
	var streams []stream
	for _, s := range doc.Streams {
		rate, err := strconv.Atoi(s.SampleRate)
		if err != nil {
			rate = 0 // unknown: refused below as out of range
		}
		claim := seconds(s.Duration)
		if claim == 0 {
			claim = seconds(doc.Format.Duration)
		}
		streams = append(streams, stream{specifier: strconv.Itoa(s.Index), codec: s.CodecName, sampleRate: rate, channels: s.Channels, layout: s.Layout, duration: claim})
	}
	return streams, nil
}

// seconds parses a duration that a file claims; 0 for none and for nonsense.
func seconds(s string) time.Duration {
	v, err := strconv.ParseFloat(s, 64)
	const year = 365 * 24 * 3600
	if err != nil || !(v > 0 && v < year) {
		return 0
	}
	return time.Duration(v * float64(time.Second))
}

// usableStreams returns the streams that may be decoded. If there is none, the
// error is about the first stream.
func usableStreams(streams []stream) (usable []stream, err error) {
	for _, s := range streams {
		bad := s.check()
		if bad == nil {
			usable = append(usable, s)
		} else if err == nil {
			err = bad
		}
	}
	switch {
	case len(usable) > 0:
		return usable, nil
	case err != nil:
		return nil, err
	default:
		return nil, inputFault("The file has no audio.", nil)
	}
}

func (s stream) check() error {
	if _, ok := decoders()[s.codec]; !ok {
		return inputFault("The file's audio is in a form that is not accepted.", fmt.Errorf("codec %q", s.codec))
	}
	if s.sampleRate < minSourceRate || s.sampleRate > maxSourceRate {
		return inputFault(fmt.Sprintf("The audio claims a sample rate of %d Hz; %d to %d Hz are accepted.", s.sampleRate, minSourceRate, maxSourceRate), nil)
	}
	if s.channels < 1 || s.channels > maxChannels {
		return inputFault(fmt.Sprintf("The audio claims %d channels; 1 to %d are accepted.", s.channels, maxChannels), nil)
	}
	return nil
}
