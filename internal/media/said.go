package media

import (
	"bytes"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"

	"orak"
)

// stderrLog reads what a child says: it keeps the end of its complaints, and
// takes from the rest the packets that could not be decoded, the gaps, and what
// the meters found. It is written by one goroutine and read after that.
type stderrLog struct {
	line []byte
	// complaints has the last lines that are no mere information.
	complaints []byte
	// informing says that the last line with a level was information, which
	// the lines without one go on with.
	informing    bool
	decodeErrors int
	// gaps counts the gaps that were filled with silence, skipped is how long
	// those are, in s, that were too long for it.
	gaps    int
	skipped float64
	// meters are those of the chain by their place, meter the one that speaks.
	meters map[int]loudness
	meter  int
	// levels are those of a survey: RMS for each channel, in dB of full scale.
	levels []float64
}

// loudness is what a meter found.
type loudness struct {
	integrated float64 // LUFS
	truePeak   float64 // dBTP
}

// The bounds of what is kept: a child that complains of each packet must not
// fill memory or the log.
const (
	maxTail = 2 << 10
	maxLine = 512
)

func (s *stderrLog) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		if room := maxLine - len(s.line); room > 0 {
			s.line = append(s.line, line[:min(room, len(line))]...)
		}
		if !found {
			break
		}
		s.endLine()
		rest = after
	}
	return len(p), nil
}

// informs knows the level at the beginning of a line of ffmpeg's.
var informs = regexp.MustCompile(`^(\[[^\]]*@ 0x[0-9a-f]+\] )?\[(info|verbose|debug)\]`)

// endLine takes in one line.
func (s *stderrLog) endLine() {
	line := string(s.line)
	s.line = s.line[:0]
	if strings.HasPrefix(line, "[") {
		s.informing = informs.MatchString(line)
	}
	if s.informing {
		s.heard(line)
		return
	}
	s.countFault(line)
	s.complaints = append(append(s.complaints, line...), '\n')
	if over := len(s.complaints) - maxTail; over > 0 {
		s.complaints = append(s.complaints[:0], s.complaints[over:]...)
	}
}

// countFault counts the line if it reports a broken packet, or a page of Ogg
// that was changed; the words differ between ffmpeg 5, 6 and 7.
func (s *stderrLog) countFault(line string) {
	for _, sign := range []string{"Error while decoding stream", "Error submitting packet to decoder", "Decoding error:", "CRC mismatch!"} {
		if strings.Contains(line, sign) {
			s.decodeErrors++
			return
		}
	}
}

// What the filters say. A hostile file can put words like these into a title;
// it can falsify no more than its own loudness.
var (
	printed   = regexp.MustCompile(`^\[info\] (\d+\.\d+)$`)
	summary   = regexp.MustCompile(`^\[Parsed_ebur128_(\d) @ 0x[0-9a-f]+\] \[info\] Summary:$`)
	reading   = regexp.MustCompile(`^ +(I|Peak): +(-?[0-9.]+|-inf|inf|nan) (LUFS|dBFS)$`)
	levelLine = regexp.MustCompile(`^\[Parsed_astats_0 @ 0x[0-9a-f]+\] \[info\] RMS level dB: (-?[0-9.]+|-inf|inf|nan)$`)
)

// maxLevels bounds the channels of a survey.
const maxLevels = 64

// heard takes from a line of information what was asked for.
func (s *stderrLog) heard(line string) {
	if m := printed.FindStringSubmatch(line); m != nil {
		if gap := number(m[1]); gap > longestGap {
			s.skipped += gap
		} else {
			s.gaps++
		}
		return
	}
	if m := levelLine.FindStringSubmatch(line); m != nil && len(s.levels) < maxLevels {
		s.levels = append(s.levels, number(m[1]))
		return
	}
	if m := summary.FindStringSubmatch(line); m != nil {
		s.meter, _ = strconv.Atoi(m[1]) // one digit
		return
	}
	m := reading.FindStringSubmatch(line)
	if m == nil {
		return
	}
	if s.meters == nil {
		s.meters = map[int]loudness{}
	}
	found := s.meters[s.meter]
	if m[1] == "I" {
		found.integrated = number(m[2])
	} else {
		found.truePeak = number(m[2])
	}
	s.meters[s.meter] = found
}

// number reads what a filter prints; what is no number is silence.
func number(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return silence
	}
	return v
}

// silence is a level below every other, in dB.
const silence = -120.0

// absoluteGate is the integrated loudness of silence, in LUFS (EBU R 128).
const absoluteGate = -70.0

// loudness is what the meter at a place of the chain found.
func (s *stderrLog) loudness(place int) loudness {
	found, ok := s.meters[place]
	if !ok {
		return loudness{integrated: absoluteGate, truePeak: silence}
	}
	return loudness{integrated: max(found.integrated, absoluteGate), truePeak: max(found.truePeak, silence)}
}

// measured is the recording's loudness as it came; nil where it is too short
// for the meter, which looks at blocks of 0.4 s.
func (s *stderrLog) measured(seconds float64) *orak.Loudness {
	const block = 0.4
	if _, ok := s.meters[filterLoudness]; !ok || seconds < block {
		return nil
	}
	found := s.loudness(filterLoudness)
	return &orak.Loudness{IntegratedLUFS: found.integrated, TruePeakDBTP: found.truePeak}
}

// errWrite is a child that says it could not write, whatever its exit status.
var errWrite = errors.New("the output could not be written")

// writeError looks for complaints about the output. ffmpeg 5 exits with 0
// when the disk gets full only as it writes the last of its buffer.
func (s *stderrLog) writeError(program string) error {
	e := &childError{program: program, err: errWrite, tail: s.tail()}
	if e.says("Error writing trailer", "Error closing file", "av_interleaved_write_frame", "Error muxing a packet") {
		return e
	}
	return nil
}

// tail is the end of the complaints.
func (s *stderrLog) tail() string {
	all := strings.TrimSpace(string(s.complaints) + string(s.line))
	return all[max(0, len(all)-maxTail):]
}
