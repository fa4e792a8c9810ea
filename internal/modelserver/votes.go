package modelserver

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"orak"
)

// votes decides on the key and tempo of a recording: each window votes with its
// confidence times its duration. A window without a result has a duration but no
// vote.
type votes struct {
	windows []vote
	seconds float64
}

type vote struct {
	key     *orak.Key
	tempo   *orak.Tempo
	seconds float64
}

func (v *votes) add(f Found, seconds float64) {
	// An empty recording has one window, too.
	seconds = max(seconds, 1.0/SampleRate)
	v.windows = append(v.windows, vote{f.Key, f.Tempo, seconds})
	v.seconds += seconds
}

// key returns the key with the most votes, of several the alphabetically first; nil
// if the model has none.
func (v *votes) key() *orak.Key {
	counted := map[orak.Key]float64{}
	for _, w := range v.windows {
		if w.key == nil {
			return nil
		}
		if w.key.Tonic != "" {
			counted[orak.Key{Tonic: w.key.Tonic, Mode: w.key.Mode}] += w.key.Confidence * w.seconds
		}
	}
	best := orak.Key{}
	for _, k := range slices.SortedFunc(maps.Keys(counted), func(a, b orak.Key) int { return cmp.Compare(a.Tonic+a.Mode, b.Tonic+b.Mode) }) {
		if share := counted[k] / v.seconds; best.Tonic == "" || share > best.Confidence {
			best = orak.Key{Tonic: k.Tonic, Mode: k.Mode, Confidence: min(share, 1)}
		}
	}
	return &best
}

// sameTempo is the relative difference up to which two tempi count as the same: the
// variation of a human beat.
const sameTempo = 0.04

// tempo returns the weighted median of the tempi of the windows, with the confidence
// of those that agree with it; nil if the model has none.
func (v *votes) tempo() *orak.Tempo {
	var found []vote
	all := 0.0
	for _, w := range v.windows {
		if w.tempo == nil {
			return nil
		}
		if w.tempo.BPM > 0 {
			found = append(found, w)
			all += w.tempo.Confidence * w.seconds
		}
	}
	slices.SortFunc(found, func(a, b vote) int { return cmp.Compare(a.tempo.BPM, b.tempo.BPM) })
	median, below := 0.0, 0.0
	for _, w := range found {
		median = w.tempo.BPM
		if below += w.tempo.Confidence * w.seconds; below >= all/2 {
			break
		}
	}
	agreed := 0.0
	for _, w := range found {
		if math.Abs(w.tempo.BPM-median) <= sameTempo*median {
			agreed += w.tempo.Confidence * w.seconds
		}
	}
	return &orak.Tempo{BPM: median, Confidence: min(agreed/v.seconds, 1)}
}
