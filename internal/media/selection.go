package media

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// selection is the part of a file that is converted.
type selection struct {
	// stream has 0 channels while their number, one or two, is not known.
	stream
	// channel is the channel to take, from 0; allChannels mixes them.
	channel int
}

const allChannels = -1

// The bounds of a selection.
const (
	// maxTracks is how many tracks are searched for one with sound.
	maxTracks = 8
	// silentDB is the level below which a channel counts as silent, in dB of full
	// scale: the noise of a 16-bit converter is near -96, a whisper across a room
	// above -60.
	silentDB = -70.0
	// cancelsLU is how much of the channels' loudness the mix may lose, in LU. Equal
	// channels lose 3 LU, unrelated ones and a single one 6; channels that lose
	// more cancel each other out.
	cancelsLU = 10.0
	// longestGap is the longest gap that playbackTime fills, in s.
	longestGap = 600
)

// choose returns the first track that has sound. Where a mix could lose the voice,
// it also chooses a channel: ffmpeg mixes by the names of the channels and drops
// some.
func (c *Converter) choose(ctx context.Context, s source, usable []stream) (selection, error) {
	if len(usable) == 1 && usable[0].channels <= 2 {
		return selection{usable[0], allChannels}, nil
	}
	best, loudest := selection{}, math.Inf(-1)
	for i, st := range usable[:min(len(usable), maxTracks)] {
		levels, err := c.survey(ctx, s, st)
		if err != nil {
			return selection{}, err
		}
		channel, level := st.loudest(levels)
		if i == 0 || level > loudest {
			best, loudest = selection{st, channel}, level
		}
		if level > silentDB {
			break
		}
	}
	if best.channels <= 2 {
		best.channel = allChannels
	}
	return best, nil
}

// survey returns the level of each channel of a stream, in dB of full scale.
func (c *Converter) survey(ctx context.Context, s source, st stream) ([]float64, error) {
	said := new(stderrLog)
	err := run(ctx, c.cfg.FFmpeg, surveyArguments(s, st.specifier, c.decodeLimit()), io.Discard, said, c.limits(0, s.path))
	if err != nil {
		if f, ours := runFault(err); ours {
			return nil, f
		}
		return nil, inputFault("The file's audio could not be decoded.", err)
	}
	return said.levels, nil
}

// loudest returns the channel with the highest level. The low-frequency channel is
// taken only if all others are silent.
func (st stream) loudest(levels []float64) (channel int, level float64) {
	level = math.Inf(-1)
	low := st.lowFrequencies()
	for i, l := range levels[:min(len(levels), st.channels)] {
		if i != low && l > level {
			channel, level = i, l
		}
	}
	if level <= silentDB && low >= 0 && low < len(levels) && levels[low] > silentDB {
		return low, levels[low]
	}
	return channel, level
}

// lowFrequencies returns the low-frequency channel of a layout such as 5.1; -1 for
// none.
func (st stream) lowFrequencies() int {
	name, _, _ := strings.Cut(st.layout, "(")
	switch {
	case !strings.HasSuffix(name, ".1"):
		return -1
	case name == "2.1":
		return 2
	default:
		return 3
	}
}

// The places of the meters in a selection's chain, which their output names.
const (
	filterLoudness = 3
	filterMix      = 6
)

// filters returns the chain from the decoder's output to the mono WAV:
//
//	playback time ─► names ─► silence in gaps ─► loudness as it came ─► 16 kHz ─► mono ─► loudness of the mix
func (sel selection) filters() string {
	return strings.Join([]string{
		"asetpts='" + playbackTime + "'",
		sel.relabel(),
		// Fills what is missing by the timestamps, from 0 on, and moves nothing.
		"aresample=async=1:min_hard_comp=0.05:first_pts=0",
		// EBU R 128; "verbose" keeps its line for each 100 ms quiet.
		"ebur128=peak=true:framelog=verbose",
		"aresample=" + strconv.Itoa(sampleRate),
		sel.mix(),
		"ebur128=framelog=verbose",
	}, ",")
}

// relabel renames the channels so that each of them counts, unless the file itself
// declares one for low frequencies.
func (sel selection) relabel() string {
	if sel.channels == 0 {
		return "aformat=channel_layouts=mono|stereo" // names that are missing
	}
	if sel.channels > 2 && sel.layout != "" {
		return "anull"
	}
	// Layouts without a channel for low frequencies.
	layout := [...]string{1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "6.0", 7: "7.0", 8: "octagonal"}[sel.channels]
	var places []string
	for i := range sel.channels {
		places = append(places, strconv.Itoa(i))
	}
	return "channelmap=map=" + strings.Join(places, "|") + ":channel_layout=" + layout
}

// mix returns the filter that takes one channel, or the mean of all.
func (sel selection) mix() string {
	if sel.channel != allChannels {
		return fmt.Sprintf("pan=mono|c0=c%d", sel.channel)
	}
	if sel.channels == 0 {
		return "pan=mono|c0<c0+c1" // the mean of those that exist
	}
	var sum []string
	share := strconv.FormatFloat(1/float64(sel.channels), 'f', 6, 64)
	for i := range sel.channels {
		sum = append(sum, share+"*c"+strconv.Itoa(i))
	}
	return "pan=mono|c0=" + strings.Join(sum, "+")
}

// playbackTime is an ffmpeg expression that sets each frame's timestamp to the time
// at which a player plays it. It keeps numbers between frames: 0 is when the next
// frame is expected, 1 the offset of the file's clock, 2 the delay of this frame.
//
// A gap of 0.1 s to 10 min is kept; the file may also begin up to a minute late.
// Any other jump, back or too far, is a clock that was set: nothing is left out,
// and no hours of silence are inserted. Each jump forward is printed.
const playbackTime = "st(2,PTS-ld(1)-ld(0));" +
	"if(gt(abs(ld(2)*TB),0.1)," +
	"if(gt(N,0)*gt(ld(2),0),print(ld(2)*TB,32),0);" +
	"if(gt(ld(2),0)*lte(ld(2)*TB,if(eq(N,0),60,600))," +
	"st(0,PTS-ld(1))," +
	"st(1,ld(1)+ld(2))),0);" +
	"st(3,ld(0));st(0,ld(0)+S/SR/TB);ld(3)"

// cancels reports whether the channels cancel each other out in the mix.
func (sel selection) cancels(said *stderrLog) bool {
	if sel.channel != allChannels || sel.channels < 2 {
		return false
	}
	return said.loudness(filterLoudness).integrated-said.loudness(filterMix).integrated > cancelsLU
}

// unmixed selects only the loudest channel.
func (c *Converter) unmixed(ctx context.Context, s source, sel selection) (selection, error) {
	levels, err := c.survey(ctx, s, sel.stream)
	if err != nil {
		return sel, err
	}
	sel.channel, _ = sel.loudest(levels)
	return sel, nil
}
