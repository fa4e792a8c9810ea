package media

import (
	"errors"
	"time"

	"orak"
)

// extent is what a container's structure says about its own end.
type extent struct {
	// cut is true when the structure goes on where the file has ended.
	cut bool
	// promised is how much audio the container's index says there is; 0 when
	// it does not say. Unlike a duration in a header it is counted in the
	// samples or frames that the format itself is built of.
	promised time.Duration
	// trailing is true when another recording, or something that is none,
	// follows the end that the container declares.
	trailing bool
	// audioEnd is where tags behind the last frame begin, in bytes; 0 for none.
	audioEnd int64
	// ignoreLength is true when the audio goes on to the end of the file,
	// whatever length the header has.
	ignoreLength bool
	// pauses counts the frames of AMR that hold no speech but say that there is
	// none: ffmpeg's decoder complains of each.
	pauses int
	// masked is true for a WAV that says which channel is where.
	masked bool
}

// maxSteps bounds each walk through a file, which may consist of millions of
// empty pieces. A walk that gets there says "not cut".
const maxSteps = 2_000_000

// measure reads the structure of the whole file, none of its audio.
func (in input) measure() extent {
	switch in.format.demuxer {
	case "ogg":
		return oggExtent(in.window)
	case "mov":
		return isoExtent(in.window)
	case "matroska":
		return webmExtent(in.window)
	case "mp3":
		return mp3Extent(in.window)
	case "aac":
		return adtsExtent(in.window)
	case "amr":
		return amrExtent(in.window)
	case "flac":
		return flacExtent(in.window)
	case "caf":
		return cafExtent(in.window)
	case "wav":
		return riffExtent(in.window)
	case "w64":
		return w64Extent(in.window)
	case "aiff":
		return aiffExtent(in.window)
	}
	return extent{}
}

// namesChannels reports whether the file itself says which channel is where.
// Where it does not, ffmpeg guesses by their number, and drops what it takes for
// low frequencies.
func (in input) namesChannels() bool {
	switch in.format.demuxer {
	case "wav":
		return in.extent.masked
	case "aiff", "caf", "w64":
		return false
	default:
		return true
	}
}

// keepsTime reports whether the format says when each of its packets is played.
// In the others a packet begins where the last one ends, and what is missing
// between two shows as a decode error.
func (in input) keepsTime() bool {
	switch in.format.demuxer {
	case "mov", "matroska", "ogg", "amr":
		return true
	}
	return false
}

// damage lists what was wrong with a recording from which audio was decoded.
func (in input) damage(st stream, decoded time.Duration, said *stderrLog) []orak.Damage {
	damage := []orak.Damage{}
	e := in.extent
	promised := e.promised
	if promised == 0 && in.headerCounts() {
		promised = max(0, st.duration-time.Duration(min(said.skipped, st.duration.Seconds())*float64(time.Second)))
	}
	truncated := e.cut || isShort(decoded, promised)
	if truncated {
		damage = append(damage, orak.DamageTruncated)
	}
	// The packet that the cut goes through cannot be decoded: that is the
	// truncation, not a second fault.
	if broken := said.decodeErrors - e.pauses; broken > 1 || broken == 1 && !truncated {
		damage = append(damage, orak.DamageDecodeErrors)
	}
	if in.keepsTime() && (said.gaps > 0 || said.skipped > 0 && in.headerCounts()) {
		damage = append(damage, orak.DamageGaps)
	}
	if e.trailing {
		damage = append(damage, orak.DamageTrailing)
	}
	return damage
}

// headerCounts reports whether the duration that ffprobe gives for this
// format was written by whoever made the file. For the others it is ffprobe's
// own guess from the file's size or its last timestamp.
func (in input) headerCounts() bool {
	return in.format.demuxer == "mov" || in.format.demuxer == "matroska"
}

// isShort leaves room for what encoders add in front and at the end, which
// decoders take away again.
func isShort(decoded, promised time.Duration) bool {
	return decoded < promised-max(250*time.Millisecond, promised/50)
}

const messageCutOff = "The file is cut off, and no audio could be read from what is there."

// explain makes the message of an input fault say that the file is cut off,
// where that is why nothing could be read from it.
func (in input) explain(err error) error {
	var f *orak.Fault
	if errors.As(err, &f) && f.Class == orak.ClassInput && in.extent.cut {
		return inputFault(messageCutOff, err)
	}
	return err
}
