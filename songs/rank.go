package songs

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"orak"
)

// MaxTransposition is the most semitones by which a song is transposed, down or up.
// With octaves beside it, that reaches every pitch.
const MaxTransposition = 6

// What each part of a score weighs. Parts that are unknown, such as the tempo of a
// song without one, do not count.
const (
	weightComfort  = 0.6
	weightHeadroom = 0.2
	weightTempo    = 0.1
	weightTimbre   = 0.1
	// perSemitone is what a semitone of transposition costs: the accompaniment must
	// follow, and a song that fits as it is written is preferred.
	perSemitone = 0.01
	// fullHeadroom is the room in semitones, above and below, that singers leave to
	// their limits.
	fullHeadroom = 2
)

// Fit is a song that a voice can sing.
type Fit struct {
	Song Song
	// Transposition is in semitones, -MaxTransposition to MaxTransposition; negative
	// is down.
	Transposition int
	// Octaves is by how many octaves the song is sung lower (negative) or higher than
	// it is written, beside the transposition; -2 to 2.
	Octaves int
	// Score is 0 to 1, with three digits after the point; see Rank.
	Score float64
	// Reason says in words how the song fits.
	Reason string
}

// Miss is a song that a voice cannot sing.
type Miss struct {
	Song                   Song
	Transposition, Octaves int
	// Semitones is by how much the song exceeds the range of the voice, both ends
	// together.
	Semitones int
}

// Ranking is the answer of Rank.
type Ranking struct {
	// Fits are the songs that fit, the best first.
	Fits []Fit
	// Nearest is the song that misses by the least where none fits; nil if a song
	// fits, or there is no song with a range.
	Nearest *Miss
}

// Refusal says in words why no song fits; empty if one does.
func (r Ranking) Refusal() string {
	switch {
	case len(r.Fits) > 0:
		return ""
	case r.Nearest == nil:
		return "no song fits; there is none whose range is known"
	}
	return fmt.Sprintf("no song fits; the nearest misses by %s: %s", semitones(r.Nearest.Semitones), r.Nearest.Song.Title)
}

// Rank returns the k songs that fit a voice best. Songs whose range is unknown are left
// out.
//
// A song fits if all of its notes lie in the range of the voice, at some transposition
// of up to MaxTransposition semitones and some octave. Its score, at the best of them,
// is the weighted mean of what is known of
//
//	comfort    0.6  the share of the song's tessitura that lies in the voice's
//	headroom   0.2  the room to the voice's limits, of 2 semitones at either end
//	tempo      0.1  1 at the tempo of the recording, its half or its double; 0 between two
//	timbre     0.1  the cosine of the embeddings of the recording and the song's reference
//
// less 0.01 for each semitone of transposition. Equal scores are ordered by the smaller
// transposition, then by the smaller octave displacement, then by id and tenant, so that
// the same question has the same answer.
//
// Range decides and tessitura ranks, because singers tire of where a song lies, and not
// of its single highest note: Thurmer, The Tessiturogram (Journal of Voice, 1988), and
// Titze, Quantifying Tessitura in a Song (Journal of Singing, 2008), measure a song by
// the time on each note, as the percentiles here do. Octaves are free: decision 0026.
func Rank(v Voice, all []Song, k int) Ranking {
	var fits []spot
	var nearest *spot
	for i := range all {
		if all[i].LowNote == 0 {
			continue
		}
		best := place(v, &all[i])
		if best.out == 0 {
			fits = append(fits, best)
		} else if nearest == nil || compareSpots(best, *nearest) < 0 {
			nearest = &best
		}
	}
	slices.SortFunc(fits, compareSpots)
	var r Ranking
	for _, f := range fits[:min(len(fits), max(k, 0))] {
		fit := Fit{Song: *f.song, Transposition: f.transposition, Octaves: f.octaves, Score: f.score}
		fit.Reason = reason(v, fit)
		r.Fits = append(r.Fits, fit)
	}
	if len(fits) == 0 && nearest != nil {
		r.Nearest = &Miss{Song: *nearest.song, Transposition: nearest.transposition, Octaves: nearest.octaves, Semitones: nearest.out}
	}
	return r
}

// spot is a song at one transposition and octave.
type spot struct {
	song                   *Song
	transposition, octaves int
	// out is by how many semitones the song exceeds the voice; its score is 0 then.
	out   int
	score float64
}

// compareSpots puts the better spot first: the order is that of Rank.
func compareSpots(a, b spot) int {
	switch {
	case a.out != b.out:
		return cmp.Compare(a.out, b.out)
	case a.score != b.score:
		return cmp.Compare(b.score, a.score)
	case abs(a.transposition) != abs(b.transposition):
		return cmp.Compare(abs(a.transposition), abs(b.transposition))
	case abs(a.octaves) != abs(b.octaves):
		return cmp.Compare(abs(a.octaves), abs(b.octaves))
	}
	return cmp.Or(cmp.Compare(a.song.ID, b.song.ID), cmp.Compare(a.song.Tenant, b.song.Tenant))
}

func abs(n int) int { return max(n, -n) }

// place returns the best spot of a song in a voice.
func place(v Voice, s *Song) spot {
	var best spot
	extra, weight := manner(v, s)
	at := notesOf(s)
	for _, octaves := range [...]int{0, -1, 1, -2, 2} {
		for i := range 2*MaxTransposition + 1 {
			t := (i + 1) / 2 // 0, -1, 1, -2, 2, …
			if i%2 == 1 {
				t = -t
			}
			moved := at.by(t + 12*octaves)
			here := spot{song: s, transposition: t, octaves: octaves, out: max(v.Low-moved.low, 0) + max(moved.high-v.High, 0)}
			if best.song != nil && here.out > best.out {
				continue
			}
			if here.out == 0 {
				score := (weightComfort*comfort(v, moved) + weightHeadroom*headroom(v, moved) + extra) / (weightComfort + weightHeadroom + weight)
				here.score = math.Round(1000*max(score-perSemitone*float64(abs(t)), 0)) / 1000
			}
			if best.song == nil || compareSpots(here, best) < 0 {
				best = here
			}
		}
	}
	return best
}

// notes are the range and the tessitura of a song.
type notes struct{ low, tessituraLow, tessituraHigh, high int }

// notesOf returns the notes of a song as it is written, with its tessitura estimated
// if it is unknown.
func notesOf(s *Song) notes {
	n := notes{s.LowNote, s.TessituraLow, s.TessituraHigh, s.HighNote}
	if n.tessituraLow == 0 {
		n.tessituraLow, n.tessituraHigh = estimatedTessitura(n.low, n.high)
	}
	return n
}

func (n notes) by(semitones int) notes {
	return notes{n.low + semitones, n.tessituraLow + semitones, n.tessituraHigh + semitones, n.high + semitones}
}

// estimatedTessitura is the mean over the shipped collection: an eighth of the range
// lies below it and a sixth above.
func estimatedTessitura(low, high int) (int, int) {
	width := float64(high - low)
	return low + int(math.Round(width/8)), high - int(math.Round(width/6))
}

// comfort is the share of the song's tessitura, in notes, that lies in the voice's.
func comfort(v Voice, n notes) float64 {
	shared := min(n.tessituraHigh, v.TessituraHigh) - max(n.tessituraLow, v.TessituraLow) + 1
	return max(float64(shared), 0) / float64(n.tessituraHigh-n.tessituraLow+1)
}

func headroom(v Voice, n notes) float64 {
	below, above := n.low-v.Low, v.High-n.high
	return float64(min(below, fullHeadroom)+min(above, fullHeadroom)) / (2 * fullHeadroom)
}

// manner returns the weighted parts of a score that no transposition changes, and
// their weight: tempo and timbre, where they are known.
func manner(v Voice, s *Song) (sum, weight float64) {
	if v.TempoBPM > 0 && s.TempoBPM > 0 {
		sum, weight = sum+weightTempo*tempoLikeness(v.TempoBPM, s.TempoBPM), weight+weightTempo
	}
	if likeness, known := timbreLikeness(v.Embedding, s.Embedding); known {
		sum, weight = sum+weightTimbre*likeness, weight+weightTimbre
	}
	return sum, weight
}

// tempoLikeness is 1 where one tempo is the other, its half or its double, between
// which beat trackers often cannot decide, and 0 half-way between two of those.
func tempoLikeness(a, b float64) float64 {
	octaves := math.Log2(a / b)
	return 1 - 2*math.Abs(octaves-math.Round(octaves))
}

// timbreLikeness is the cosine, at least 0. It is known if both embeddings are of the
// same name and version, and neither is that of silence.
func timbreLikeness(a, b orak.Embedding) (likeness float64, known bool) {
	if a.Name != b.Name || a.Version != b.Version || len(a.Values) != len(b.Values) {
		return 0, false
	}
	var product, squaresA, squaresB float64
	for i := range a.Values {
		x, y := float64(a.Values[i]), float64(b.Values[i])
		product, squaresA, squaresB = product+x*y, squaresA+x*x, squaresB+y*y
	}
	if squaresA == 0 || squaresB == 0 {
		return 0, false
	}
	return min(max(product/math.Sqrt(squaresA*squaresB), 0), 1), true
}

// reason says how a song fits, such as "fits 2 semitones down; its highest note is 3
// below yours, its lowest 4 above".
func reason(v Voice, f Fit) string {
	moved := notesOf(&f.Song).by(f.Transposition + 12*f.Octaves)
	text := "fits " + placeInWords(f.Transposition, f.Octaves)
	if above := v.High - moved.high; above == 0 {
		text += "; its highest note is yours"
	} else {
		text += fmt.Sprintf("; its highest note is %d below yours", above)
	}
	if below := moved.low - v.Low; below == 0 {
		text += ", its lowest is yours"
	} else {
		text += fmt.Sprintf(", its lowest %d above", below)
	}
	if v.TempoBPM > 0 && f.Song.TempoBPM > 0 && tempoLikeness(v.TempoBPM, f.Song.TempoBPM) >= 0.8 {
		text += "; close to your tempo"
	}
	if likeness, known := timbreLikeness(v.Embedding, f.Song.Embedding); known && likeness >= 0.8 {
		text += "; its singer sounds like you"
	}
	return text
}

func placeInWords(transposition, octaves int) string {
	octave := map[int]string{-2: "two octaves lower than written", -1: "an octave lower than written",
		1: "an octave higher than written", 2: "two octaves higher than written"}[octaves]
	switch {
	case transposition == 0 && octaves == 0:
		return "as written"
	case transposition == 0:
		return octave
	case octaves != 0:
		octave = ", " + octave
	}
	if transposition < 0 {
		return semitones(-transposition) + " down" + octave
	}
	return semitones(transposition) + " up" + octave
}
