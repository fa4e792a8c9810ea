package songs

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

// shipped has the range, the tessitura and the key of each shipped melody.
var shipped = []struct {
	id                                     ID
	low, high, tessituraLow, tessituraHigh string
	key                                    string
}{
	{"abide-with-me", "D#4", "C5", "D#4", "A#4", "D# major"},
	{"adeste-fideles", "D4", "D5", "D4", "C5", "G major"},
	{"ah-vous-dirai-je", "C4", "A4", "C4", "G4", "C major"},
	{"amazing-grace", "D4", "D5", "D4", "D5", "G major"},
	{"arirang", "D4", "D5", "D4", "B4", "G major"},
	{"au-clair-de-la-lune", "D4", "B4", "E4", "B4", "G major"},
	{"auld-lang-syne", "C4", "D5", "F4", "D5", "F major"},
	{"brahms-lullaby", "F4", "F5", "F4", "F5", "F major"},
	{"clementine", "C4", "C5", "E4", "A#4", "F major"},
	{"deck-the-halls", "E4", "F5", "F4", "C5", "F major"},
	{"doraji-taryeong", "D4", "F5", "F4", "D5", "F major"},
	{"drunken-sailor", "C4", "D5", "D4", "B4", "D minor"},
	{"frere-jacques", "C4", "D5", "F4", "C5", "F major"},
	{"ganggangsullae", "E4", "C5", "E4", "C5", "A minor"},
	{"god-rest-you-merry", "D4", "E5", "E4", "C5", "E minor"},
	{"god-save-the-king", "F#4", "E5", "G4", "D5", "G major"},
	{"greensleeves", "E4", "G5", "G4", "F5", "A minor"},
	{"haenschen-klein", "C4", "G4", "C4", "G4", "C major"},
	{"hark-the-herald", "D4", "E5", "G4", "D5", "G major"},
	{"hot-cross-buns", "G4", "B4", "G4", "B4", "G major"},
	{"jingle-bells", "D4", "E5", "D4", "D5", "G major"},
	{"john-browns-body", "B3", "B4", "C4", "B4", "G major"},
	{"joy-to-the-world", "D4", "D5", "D4", "D5", "D major"},
	{"lieber-augustin", "C4", "D5", "C4", "C5", "F major"},
	{"london-bridge", "G4", "E5", "A4", "D5", "G major"},
	{"londonderry-air", "A3", "E5", "B3", "C5", "C major"},
	{"merrily-we-roll-along", "G4", "D5", "G4", "B4", "G major"},
	{"my-bonnie", "B3", "B4", "D4", "A4", "G major"},
	{"nearer-my-god", "D4", "E5", "E4", "D5", "G major"},
	{"o-tannenbaum", "C4", "D5", "E4", "C5", "F major"},
	{"ode-to-joy", "A3", "A4", "D4", "G4", "D major"},
	{"oh-susanna", "G4", "E5", "G4", "D5", "G major"},
	{"old-hundredth", "D4", "D5", "F#4", "B4", "G major"},
	{"row-your-boat", "C4", "C5", "C4", "G4", "C major"},
	{"saeya-saeya", "E4", "C5", "E4", "C5", "A minor"},
	{"sakura", "B3", "C5", "C4", "B4", "A minor"},
	{"silent-night", "C4", "F5", "E4", "D5", "C major"},
	{"sur-le-pont-davignon", "D4", "D5", "G4", "C5", "G major"},
	{"tempus-adest-floridum", "D4", "D5", "D4", "B4", "G major"},
	{"the-first-nowell", "D4", "D5", "E4", "D5", "D major"},
	{"what-a-friend", "C4", "D5", "D4", "C5", "F major"},
	{"yankee-doodle", "B3", "C5", "D4", "A4", "G major"},
}

func TestCollectionHasItsRangesAndKeys(t *testing.T) {
	all := Collection()
	require.Len(t, all, len(shipped))
	for i, want := range shipped {
		got := all[i]
		require.Equal(t, CollectionPrefix+want.id, got.ID)
		require.Equal(t, []string{want.low, want.high, want.tessituraLow, want.tessituraHigh, want.key},
			[]string{NoteName(got.LowNote), NoteName(got.HighNote), NoteName(got.TessituraLow), NoteName(got.TessituraHigh), got.Key.Tonic + " " + got.Key.Mode},
			string(want.id))
		require.NoError(t, got.Validate(), string(want.id))
		require.Empty(t, got.Tenant)
		require.Positive(t, got.TempoBPM)
	}
}

func TestCollectionCannotBeChangedByItsReaders(t *testing.T) {
	Collection()[0].Title = "changed"
	require.NotEqual(t, "changed", Collection()[0].Title)
}

// TestCollectionKeysAgreeWithTheirNotes guards against melodies that are written in
// another key than they say: the key is estimated from the notes alone.
func TestCollectionKeysAgreeWithTheirNotes(t *testing.T) {
	other := map[string]string{
		"drunken-sailor":   "D major",  // dorian: neither profile is made for it
		"sakura":           "E major",  // the in scale, which ends on its fifth
		"the-first-nowell": "F# minor", // ends on its third
	}
	for _, want := range shipped {
		text, err := collectionFiles.ReadFile("collection/" + string(want.id) + ".abc")
		require.NoError(t, err)
		tune, err := ParseABC(text)
		require.NoError(t, err)
		require.NotEmpty(t, tune.History, want.id)
		require.NotEmpty(t, tune.Source, want.id)
		key := want.key
		if o := other[string(want.id)]; o != "" {
			key = o
		}
		require.Equal(t, key, estimateKey(tune.Melody), string(want.id))
	}
}

func TestEstimatedTessituraIsTheMeanOfTheCollection(t *testing.T) {
	var below, above float64
	for _, s := range Collection() {
		width := float64(s.HighNote - s.LowNote)
		below += float64(s.TessituraLow-s.LowNote) / width / float64(len(shipped))
		above += float64(s.HighNote-s.TessituraHigh) / width / float64(len(shipped))
	}
	require.InDelta(t, 1.0/8, below, 0.03)
	require.InDelta(t, 1.0/6, above, 0.03)
}

// Profiles of Krumhansl and Kessler (1982): how well listeners found each pitch class
// to fit a key, from the tonic upwards.
var (
	majorProfile = [12]float64{6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88}
	minorProfile = [12]float64{6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17}
)

// finalWeight is what the last note counts as more evidence of the tonic, as a share
// of the time that is sung: folk songs and hymns end on it.
const finalWeight = 0.25

// estimateKey returns the key whose profile correlates best with the time that each
// pitch class is sung (Krumhansl and Schmuckler), with the last note weighted as a tonic.
func estimateKey(m Melody) string {
	var sung [12]float64
	total := 0.0
	for _, n := range m {
		sung[n.Pitch%12] += n.Length
		total += n.Length
	}
	sung[m[len(m)-1].Pitch%12] += finalWeight * total

	best, found := -1.0, ""
	for tonic, name := range orak.PitchClasses() {
		if r := correlation(sung, majorProfile, tonic); r > best {
			best, found = r, name+" major"
		}
		if r := correlation(sung, minorProfile, tonic); r > best {
			best, found = r, name+" minor"
		}
	}
	return found
}

// correlation is Pearson's, of the sung time with a profile that begins at tonic.
func correlation(sung, profile [12]float64, tonic int) float64 {
	var meanSung, meanProfile float64
	for i := range 12 {
		meanSung += sung[i] / 12
		meanProfile += profile[i] / 12
	}
	var product, squaresSung, squaresProfile float64
	for i := range 12 {
		a, b := sung[(i+tonic)%12]-meanSung, profile[i]-meanProfile
		product += a * b
		squaresSung += a * a
		squaresProfile += b * b
	}
	return product / math.Sqrt(squaresSung*squaresProfile)
}
