package media

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"orak"
)

// stderrLog reads the standard error of a child. It keeps the end of the warnings
// and errors, counts the packets that could not be decoded and the gaps, and
// reads the results of the meters. One goroutine writes it; it is read after
// that.
type stderrLog struct {
	lines lines
	// complaints has the last lines of warnings and errors.
	complaints []byte
	// informing is true if the last line with a level was informational. Lines
	// without a level continue it.
	informing    bool
	decodeErrors int
	// gaps counts the gaps that were filled with silence; skipped is the total
	// length, in s, of those that were too long for that.
	gaps    int
	skipped float64
	// meters has the results of the meters by their place in the chain; meter is
	// the place of the one whose lines are being read.
	meters map[int]loudness
	meter  int
	// spent is the processor time of the child.
	spent time.Duration
	// claimed is the first duration, in ns, that the file claims; 0 for none. It is
	// read while ffmpeg runs.
	claimed atomic.Int64
	// levels has the result of a survey: RMS of each channel, in dB of full scale.
	levels []float64
}

// loudness is the result of a meter.
type loudness struct {
	integrated float64 // LUFS
	truePeak   float64 // dBTP
}

// maxTail is how much of the warnings and errors is kept, in bytes.
const maxTail = 2 << 10

func (s *stderrLog) Write(p []byte) (int, error) {
	return len(p), s.lines.split(p, s.read)
}

// informs matches an informational line of ffmpeg.
var informs = regexp.MustCompile(`^(\[[^\]]*@ 0x[0-9a-f]+\] )?\[(info|verbose|debug)\]`)

// read processes one line. It never fails.
func (s *stderrLog) read(line string) error {
	if strings.HasPrefix(line, "[") {
		s.informing = informs.MatchString(line)
	}
	if s.informing {
		s.readInfo(line)
		return nil
	}
	s.countFault(line)
	s.complaints = append(append(s.complaints, line...), '\n')
	if over := len(s.complaints) - maxTail; over > 0 {
		s.complaints = append(s.complaints[:0], s.complaints[over:]...)
	}
	return nil
}

// countFault counts the line if it reports a broken packet or a corrupted page of
// Ogg. The texts differ between ffmpeg 5, 6 and 7.
func (s *stderrLog) countFault(line string) {
	for _, sign := range []string{"Error while decoding stream", "Error submitting packet to decoder", "Decoding error:", "CRC mismatch!"} {
		if strings.Contains(line, sign) {
			s.decodeErrors++
			return
		}
	}
}

// The output of the filters and the header's duration. A hostile file can put such
// lines into a title, and falsify only its own loudness, and a duration that is no
// more than its own claim.
var (
	printed   = regexp.MustCompile(`^\[info\] (\d+\.\d+)$`)
	summary   = regexp.MustCompile(`^\[Parsed_ebur128_(\d) @ 0x[0-9a-f]+\] \[info\] Summary:$`)
	reading   = regexp.MustCompile(`^ +(I|Peak): +(-?[0-9.]+|-inf|inf|nan) (LUFS|dBFS)$`)
	header    = regexp.MustCompile(`^\[info\]   Duration: (\d+):(\d\d):(\d\d\.\d\d), `)
	levelLine = regexp.MustCompile(`^\[Parsed_astats_0 @ 0x[0-9a-f]+\] \[info\] RMS level dB: (-?[0-9.]+|-inf|inf|nan)$`)
)

// maxLevels is the most channels of a survey.
const maxLevels = 64

// readInfo reads the output of filters from an informational line.
func (s *stderrLog) readInfo(line string) {
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
	if m := header.FindStringSubmatch(line); m != nil {
		s.claimed.CompareAndSwap(0, int64(clock(m[1], m[2], m[3])))
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

// claim returns the duration in the file's header, of all its streams together; 0
// if there is none. It is only a hint.
func (s *stderrLog) claim() time.Duration { return time.Duration(s.claimed.Load()) }

// clock returns a time in hours, minutes and seconds; 0 if it is implausible.
func clock(hours, minutes, secs string) time.Duration {
	d, err := time.ParseDuration(hours + "h" + minutes + "m" + secs + "s")
	if err != nil {
		return 0
	}
	return d
}

// number parses what a filter prints; anything but a number is silence.
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

// loudness returns the result of the meter at a place of the chain.
func (s *stderrLog) loudness(place int) loudness {
	found, ok := s.meters[place]
	if !ok {
		return loudness{integrated: absoluteGate, truePeak: silence}
	}
	return loudness{integrated: max(found.integrated, absoluteGate), truePeak: max(found.truePeak, silence)}
}

// measured returns the loudness of the recording before the mix; nil where it is
// shorter than the 0.4 s blocks of the meter.
func (s *stderrLog) measured(seconds float64) *orak.Loudness {
	const block = 0.4
	if _, ok := s.meters[filterLoudness]; !ok || seconds < block {
		return nil
	}
	found := s.loudness(filterLoudness)
	return &orak.Loudness{IntegratedLUFS: found.integrated, TruePeakDBTP: found.truePeak}
}

// errWrite is the error of a child that reports a failed write, whatever its exit
// status.
var errWrite = errors.New("the output could not be written")

// writeError returns an error if the child reported a failed write. ffmpeg 5 exits
// with 0 when the disk becomes full while it writes the last of its buffer.
func (s *stderrLog) writeError(program string) error {
	e := &childError{program: program, err: errWrite, tail: s.tail()}
	if e.says("Error writing trailer", "Error closing file", "av_interleaved_write_frame", "Error muxing a packet") {
		return e
	}
	return nil
}

// tail returns the end of the warnings and errors.
func (s *stderrLog) tail() string {
	all := strings.TrimSpace(string(s.complaints) + string(s.lines.rest))
	return all[max(0, len(all)-maxTail):]
}
