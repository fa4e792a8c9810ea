package songs

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

// sung returns the pitch of a recording with a range and a tessitura, in notes.
func sung(t *testing.T, low, tessituraLow, tessituraHigh, high string) orak.Pitch {
	t.Helper()
	hz := func(name string) float64 {
		note, err := ParseNote(name)
		require.NoError(t, err)
		return 440 * math.Exp2(float64(note-69)/12)
	}
	return orak.Pitch{
		MinHz: hz(low), MaxHz: hz(high), TessituraLowHz: hz(tessituraLow), TessituraHighHz: hz(tessituraHigh), VoicedRatio: 0.6,
	}
}

// constructed are melodies of known range.
func constructed(t *testing.T) []Song {
	t.Helper()
	return []Song{
		written(t, "fifth", "L:1/4\nK:C\nC D E F | G4 | G F E D | C4"),
		written(t, "octave", "L:1/4\nK:C\nC2 E G | c4 | c B A G | F E D2 | C4"),
		written(t, "octave-in-bass", "L:1/4\nK:C\nC,,2 E,, G,, | C,4 | C, B,, A,, G,, | F,, E,, D,,2 | C,,4"),
		written(t, "high", "L:1/4\nK:G\nd e f g | a4 | b a g f | g4"),
		written(t, "wide", "L:1/4\nK:C\nG, C E G | c2 e2 | c G E C | G,2 C2"),
		written(t, "chromatic", "L:1/4\nK:C\n^C ^D E ^F | ^G2 ^A2 | =A ^G ^F E | ^C4"),
	}
}

func written(t *testing.T, id ID, music string) Song {
	t.Helper()
	tune, err := ParseABC([]byte("X:1\nT:" + string(id) + "\n" + music))
	require.NoError(t, err)
	return tune.Song(id)
}

func TestRankPlacesEachSongInEachVoice(t *testing.T) {
	for _, want := range []struct {
		name                                   string
		low, tessituraLow, tessituraHigh, high string
		fits                                   []string // id, transposition, octaves, score
	}{
		{"bass", "E2", "G2", "A3", "E4", []string{
			"fifth +0 -1 1.000", "high +0 -2 1.000", "chromatic -1 -1 0.990",
			"octave -3 -1 0.970", "octave-in-bass -3 +1 0.970", "wide -1 -1 0.689",
		}},
		{"baritone", "G2", "C3", "D4", "G4", []string{
			"chromatic +0 -1 1.000", "fifth +0 -1 1.000", "octave +0 -1 1.000",
			"octave-in-bass +0 +1 1.000", "high +0 -2 1.000", "wide +1 -1 0.689",
		}},
		{"tenor", "C3", "F3", "G4", "C5", []string{
			"fifth +0 +0 1.000", "high +1 -2 0.990", "chromatic -3 +0 0.970",
			"octave -5 +0 0.950", "octave-in-bass +5 +1 0.950", "wide -5 +0 0.649",
		}},
		{"alto", "F3", "A3", "B4", "E5", []string{
			"chromatic +0 +0 1.000", "fifth +0 +0 1.000", "high +0 -1 1.000",
			"octave -1 +0 0.990", "octave-in-bass -1 +2 0.990", "wide +0 +0 0.636",
		}},
		{"mezzo", "A3", "C4", "E5", "A5", []string{
			"chromatic +0 +0 1.000", "fifth +0 +0 1.000", "octave +0 +0 1.000",
			"high +0 -1 1.000", "octave-in-bass +0 +2 1.000", "wide +3 +0 0.737",
		}},
		{"soprano", "C4", "F4", "A5", "C6", []string{
			"fifth +0 +1 1.000", "high -1 +0 0.990", "chromatic -1 +1 0.990",
			"octave -3 +1 0.970", "octave-in-bass +5 +2 0.950", "wide -5 +1 0.717",
		}},
		{"one octave", "C4", "D4", "A4", "C5", []string{
			"fifth +2 +0 0.980", "high +0 -1 0.938", "chromatic +0 +0 0.788",
			"octave +0 +0 0.462", "octave-in-bass +0 +2 0.462",
		}},
	} {
		t.Run(want.name, func(t *testing.T) {
			v, err := VoiceOf(sung(t, want.low, want.tessituraLow, want.tessituraHigh, want.high), 30)
			require.NoError(t, err)
			all := constructed(t)
			r := Rank(v, all, len(all))
			var fits []string
			for _, f := range r.Fits {
				fits = append(fits, fmt.Sprintf("%s %+d %+d %.3f", f.Song.ID, f.Transposition, f.Octaves, f.Score))
			}
			require.Equal(t, want.fits, fits)
		})
	}
}

func TestReasonIsInWordsOfASinger(t *testing.T) {
	// Sings from A3 to A4, most of it from B3 to F#4.
	v := Voice{Low: 57, High: 69, TessituraLow: 59, TessituraHigh: 66}
	for _, want := range []struct {
		song   Song
		reason string
	}{
		{Song{LowNote: 61, HighNote: 68, TessituraLow: 61, TessituraHigh: 68}, "fits 2 semitones down; its highest note is 3 below yours, its lowest 2 above"},
		{Song{LowNote: 60, HighNote: 66, TessituraLow: 60, TessituraHigh: 66}, "fits as written; its highest note is 3 below yours, its lowest 3 above"},
		{Song{LowNote: 57, HighNote: 69, TessituraLow: 59, TessituraHigh: 66}, "fits as written; its highest note is yours, its lowest is yours"},
		{Song{LowNote: 58, HighNote: 64, TessituraLow: 58, TessituraHigh: 64}, "fits 1 semitone up; its highest note is 4 below yours, its lowest 2 above"},
		{Song{LowNote: 72, HighNote: 78, TessituraLow: 72, TessituraHigh: 78}, "fits an octave lower than written; its highest note is 3 below yours, its lowest 3 above"},
		{Song{LowNote: 36, HighNote: 42, TessituraLow: 36, TessituraHigh: 42}, "fits two octaves higher than written; its highest note is 3 below yours, its lowest 3 above"},
		{Song{LowNote: 73, HighNote: 79, TessituraLow: 73, TessituraHigh: 79}, "fits 1 semitone down, an octave lower than written; its highest note is 3 below yours, its lowest 3 above"},
	} {
		r := Rank(v, []Song{want.song}, 1)
		require.Len(t, r.Fits, 1)
		require.Equal(t, want.reason, r.Fits[0].Reason)
		require.Empty(t, r.Refusal())
	}
}

func TestRankRefusesWhatExceedsTheVoice(t *testing.T) {
	v := Voice{Low: 60, High: 72, TessituraLow: 62, TessituraHigh: 70}
	far := Song{ID: "far", Title: "Far", LowNote: 50, HighNote: 70}
	near := Song{ID: "near", Title: "Near", LowNote: 58, HighNote: 73}
	waiting := Song{ID: "waiting", Title: "Waiting", ReferenceUpload: "00000000-0000-7000-8000-000000000001"}

	r := Rank(v, []Song{far, near, waiting}, 5)
	require.Empty(t, r.Fits)
	require.Equal(t, "near", string(r.Nearest.Song.ID))
	require.Equal(t, "no song fits; the nearest misses by 3 semitones: Near", r.Refusal())

	require.Equal(t, "no song fits; there is none whose range is known", Rank(v, []Song{waiting}, 5).Refusal())
	require.Empty(t, Rank(v, []Song{{ID: "fits", LowNote: 62, HighNote: 70}}, 0).Fits)
}

func TestUnusableVoicesAreRefusedInWords(t *testing.T) {
	for _, want := range []struct {
		name    string
		pitch   orak.Pitch
		problem VoiceProblem
		text    string
	}{
		{"silence", orak.Pitch{}, VoiceSilent, "no singing was heard in this recording"},
		{"a word", func() orak.Pitch { p := sung(t, "C3", "D3", "A3", "C4"); p.VoicedRatio = 0.03; return p }(), VoiceTooBrief,
			"only 0.9 s of this recording are sung; sing for longer, with less silence around it"},
		{"a fourth", sung(t, "C4", "C4", "F4", "F4"), VoiceTooNarrow,
			"this recording spans only 5 semitones, from C4 to F4; sing lower and higher, over a fifth (7 semitones) or more, so that it shows what you can reach"},
		{"whistling", sung(t, "C6", "E6", "C7", "E7"), VoiceWhistled,
			"this recording is whistled, or sung in the whistle register above C6, for which no songs are written; sing lower"},
		{"not numbers", orak.Pitch{MinHz: math.NaN(), MaxHz: math.Inf(1), TessituraLowHz: 1, TessituraHighHz: 1, VoicedRatio: 1}, VoiceSilent,
			"no singing was heard in this recording"},
	} {
		t.Run(want.name, func(t *testing.T) {
			_, err := VoiceOf(want.pitch, 30)
			var problem *VoiceError
			require.ErrorAs(t, err, &problem)
			require.Equal(t, want.problem, problem.Problem)
			require.Equal(t, want.text, err.Error())
		})
	}
	_, err := VoiceOf(sung(t, "A4", "C5", "A5", "E6"), 30) // reaches the whistle register, and sings below it
	require.NoError(t, err)
}

func TestEqualScoresAreOrderedByTranspositionThenID(t *testing.T) {
	v := Voice{Low: 48, High: 84, TessituraLow: 50, TessituraHigh: 80}
	at := func(id ID) Song { return Song{ID: id, LowNote: 60, HighNote: 67, TessituraLow: 60, TessituraHigh: 67} }
	all := []Song{at("b"), at("a"), at("c")}
	for range 10 {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var ids []string
		for _, f := range Rank(v, all, 3).Fits {
			require.Zero(t, f.Transposition)
			ids = append(ids, string(f.Song.ID))
		}
		require.Equal(t, []string{"a", "b", "c"}, ids)
	}
}

func TestTempoAndTimbreCountWhereTheyAreKnown(t *testing.T) {
	v := Voice{Low: 57, High: 76, TessituraLow: 60, TessituraHigh: 72, TempoBPM: 100, Embedding: orak.Embedding{Name: "e", Version: "1", Values: []float32{1, 0}}}
	song := func(id ID, bpm float64, e orak.Embedding) Song {
		return Song{ID: id, LowNote: 60, HighNote: 72, TessituraLow: 62, TessituraHigh: 69, TempoBPM: bpm, Embedding: e}
	}
	other := orak.Embedding{Name: "e", Version: "1", Values: []float32{0, 1}}
	r := Rank(v, []Song{
		song("unknown", 0, orak.Embedding{}),
		song("same", 100, v.Embedding),
		song("double", 200, orak.Embedding{}),
		song("between", 100*math.Sqrt2, orak.Embedding{}),
		song("other-voice", 100, other),
		song("other-version", 0, orak.Embedding{Name: "e", Version: "2", Values: []float32{0, 1}}),
	}, 10)
	scores := map[ID]float64{}
	for _, f := range r.Fits {
		scores[f.Song.ID] = f.Score
	}
	require.Equal(t, map[ID]float64{"unknown": 1, "same": 1, "double": 1, "other-version": 1, "between": 0.889, "other-voice": 0.9}, scores)
	require.Contains(t, r.Fits[slices.IndexFunc(r.Fits, func(f Fit) bool { return f.Song.ID == "same" })].Reason, "; close to your tempo; its singer sounds like you")
}

func TestReferenceGivesRangeKeyAndTempo(t *testing.T) {
	s := Song{ID: "s", LowNote: 40, HighNote: 50, Key: orak.Key{Tonic: "C", Mode: "major"}, TempoBPM: 60}
	got := s.Referring(sung(t, "C4", "D4", "A4", "C5"), orak.Key{Tonic: "G", Mode: "minor"}, 90, orak.Embedding{Name: "e"})
	require.Equal(t, Song{ID: "s", LowNote: 60, HighNote: 72, TessituraLow: 62, TessituraHigh: 69, Key: orak.Key{Tonic: "G", Mode: "minor"}, TempoBPM: 90,
		Embedding: orak.Embedding{Name: "e"}}, got)
	require.Equal(t, s, s.Referring(orak.Pitch{}, orak.Key{}, 0, orak.Embedding{}))
	// Its score would be no number, and no answer with it could be encoded.
	require.Equal(t, s, s.Referring(sung(t, "C4", "A4", "G#4", "C5"), orak.Key{}, 0, orak.Embedding{}))
}

func TestCollectionHasSongsForEveryVoice(t *testing.T) {
	for _, v := range []Voice{
		{Low: 40, High: 64, TessituraLow: 43, TessituraHigh: 57}, {Low: 48, High: 72, TessituraLow: 53, TessituraHigh: 67},
		{Low: 53, High: 76, TessituraLow: 57, TessituraHigh: 71}, {Low: 60, High: 84, TessituraLow: 65, TessituraHigh: 81},
		{Low: 60, High: 72, TessituraLow: 62, TessituraHigh: 69}, {Low: 57, High: 64, TessituraLow: 58, TessituraHigh: 63},
	} {
		r := Rank(v, Collection(), 5)
		require.NotEmpty(t, r.Fits)
		for _, f := range r.Fits {
			moved := notesOf(&f.Song).by(f.Transposition + 12*f.Octaves)
			require.GreaterOrEqual(t, moved.low, v.Low)
			require.LessOrEqual(t, moved.high, v.High)
		}
	}
}

func BenchmarkRank(b *testing.B) {
	v := Voice{Low: 48, High: 72, TessituraLow: 53, TessituraHigh: 67}
	all := make([]Song, 100_000)
	for i := range all {
		low := 48 + i%19
		all[i] = Song{ID: ID(fmt.Sprint(i)), LowNote: low, HighNote: low + 5 + i%20, TempoBPM: float64(60 + i%100)}
	}
	for b.Loop() {
		Rank(v, all, 10)
	}
}
