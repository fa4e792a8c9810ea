package modelserver

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"orak"
)

// votes has the windows of a recording agree on its key and tempo: each votes
// with its confidence, for as long as it is. A window that found none has its
// time, but no vote.
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
	// Nothing at all is a recording, too, of one window.
	seconds = max(seconds, 1.0/SampleRate)
	v.windows = append(v.windows, vote{f.Key, f.Tempo, seconds})
	v.seconds += seconds
}

// key is the one with the most votes, the first in the alphabet of several; nil
// where the model looks for none.
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

// sameTempo is how far two tempi may be apart, as a share, and be the same: what
// the beat of a human varies by.
const sameTempo = 0.04

// tempo is the weighted median of the windows' tempi, as confident as those that
// agree with it; nil where the model looks for none.
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
