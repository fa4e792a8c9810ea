package media

import (
	"context"
	"errors"
	"time"

	"orak"
)

// extent is what the structure of a container says about its end.
type extent struct {
	// cut is true when the structure continues past the end of the file.
	cut bool
	// promised is how much audio the container's index declares; 0 for unknown.
	// Unlike the duration in a header, it is a count of samples or frames.
	promised time.Duration
	// stretch is how many times as long as what is there the audio is by its declared
	// number of bytes; 0 for unknown.
	stretch float64
	// trailing is true when another recording, or other data, follows the declared
	// end of the container.
	trailing bool
	// audioEnd is where tags behind the last frame begin, in bytes; 0 for none.
	audioEnd int64
	// ignoreLength is true when the audio continues to the end of the file,
	// whatever length the header declares.
	ignoreLength bool
	// pauses counts the frames of AMR that declare silence: ffmpeg's decoder reports
	// an error for each.
	pauses int
	// masked is true for a WAV that declares the positions of its channels.
	masked bool
}

// maxSteps bounds each walk through a file, which may have millions of empty
// pieces. A walk that reaches it reports "not cut".
const maxSteps = 2_000_000

// measure reads the structure of the whole file, without its audio.
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

// namesChannels reports whether the file declares the positions of its channels.
// Otherwise ffmpeg guesses by their number and drops the one that it takes for the
// low-frequency channel.
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

// keepsTime reports whether the format has a timestamp for each packet. In the
// others a packet begins where the last one ends, and missing audio shows as a
// decode error.
func (in input) keepsTime() bool {
	switch in.format.demuxer {
	case "mov", "matroska", "ogg", "amr":
		return true
	}
	return false
}

// damage lists the damage of a recording from which audio was decoded.
func (in input) damage(st stream, decoded time.Duration, said *stderrLog) []orak.Damage {
	damage := []orak.Damage{}
	e := in.extent
	truncated := in.isTruncated(st, decoded, said)
	if truncated {
		damage = append(damage, orak.DamageTruncated)
	}
	// The packet at the cut cannot be decoded: that is the truncation, not other
	// damage.
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

// isTruncated reports whether the file is cut off, or has less audio than its index
// or its header declares.
func (in input) isTruncated(st stream, decoded time.Duration, said *stderrLog) bool {
	return in.extent.cut || isShort(decoded, in.promised(st, said))
}

// promised is how much audio the index or the header of the file declares; 0 for
// unknown.
func (in input) promised(st stream, said *stderrLog) time.Duration {
	if in.extent.promised > 0 || !in.headerCounts() {
		return in.extent.promised
	}
	return max(0, st.duration-time.Duration(min(said.skipped, st.duration.Seconds())*float64(time.Second)))
}

// missing is how much audio the file declares and lacks; 0 for unknown, also where
// it declares more than longest, which is a header's error rather than a loss.
func (in input) missing(st stream, decoded, longest time.Duration, said *stderrLog) time.Duration {
	promised := in.promised(st, said)
	if in.extent.stretch > 0 {
		promised = time.Duration(min(in.extent.stretch*decoded.Seconds(), 2*longest.Seconds()) * float64(time.Second))
	}
	if promised > longest || !isShort(decoded, promised) {
		return 0
	}
	return promised - decoded
}

// confirm returns the stream with its own duration. That of the header, which may
// be that of a longer film, suffices to see that nothing is missing.
func (c *Converter) confirm(ctx context.Context, in input, st stream, decoded time.Duration, said *stderrLog) (stream, error) {
	suspect := in.isTruncated(st, decoded, said) || st.duration == 0 && in.format.demuxer == "mov"
	if !st.unprobed || in.extent.cut || !suspect {
		return st, nil
	}
	usable, _, err := c.probe(ctx, in.source)
	if err != nil {
		return st, err
	}
	st.duration, st.unprobed = usable[0].duration, false
	return st, nil
}

// headerCounts reports whether the duration that ffprobe gives for this format is
// in the file. For other formats ffprobe guesses it from the file's size or its
// last timestamp.
func (in input) headerCounts() bool {
	return in.format.demuxer == "mov" || in.format.demuxer == "matroska"
}

// isShort reports whether audio is missing. It tolerates the padding that encoders
// add and decoders remove.
func isShort(decoded, promised time.Duration) bool {
	return decoded < promised-max(250*time.Millisecond, promised/50)
}

const messageCutOff = "The file is cut off, and no audio could be read from what is there."

// explain changes the message of an input fault to say that the file is cut off, if
// it is.
func (in input) explain(err error) error {
	var f *orak.Fault
	if errors.As(err, &f) && f.Class == orak.ClassInput && in.extent.cut {
		return inputFault(messageCutOff, err)
	}
	return err
}
