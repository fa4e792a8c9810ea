package songs

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const abcHeader = "X:1\nT:t\nM:4/4\nL:1/4\nK:C\n"

// parsed returns the melody as note names with their lengths in quarters.
func parsed(t *testing.T, text string) string {
	t.Helper()
	tune, err := ParseABC([]byte(text))
	require.NoError(t, err)
	var notes []string
	for _, n := range tune.Melody {
		notes = append(notes, fmt.Sprintf("%s:%.4g", NoteName(n.Pitch), n.Length*4))
	}
	return strings.Join(notes, " ")
}

func TestABCNotes(t *testing.T) {
	for _, c := range []struct{ name, music, want string }{
		{"octaves", "C,, C, C c c' c''", "C2:1 C3:1 C4:1 C5:1 C6:1 C7:1"},
		{"marks cancel", "c,' C',", "C5:1 C4:1"},
		{"lengths", "C2 C/ C// C/4 C3/2 C0001", "C4:2 C4:0.5 C4:0.25 C4:0.25 C4:1.5 C4:1"},
		{"accidentals", "^C _D =E ^^F __G", "C#4:1 C#4:1 E4:1 G4:1 F4:1"},
		{"accidental holds in the bar and all octaves", "^F F f | F", "F#4:1 F#4:1 F#5:1 F4:1"},
		{"natural ends it", "^F =F F", "F#4:1 F4:1 F4:1"},
		{"tie", "C2- C | D- D- D", "C4:3 D4:3"},
		{"accidental holds through a tie only", "^F-|F F", "F#4:2 F4:1"},
		{"rests are not kept", "C z2 D x/ E", "C4:1 D4:1 E4:1"},
		{"broken rhythm", "C>D E<F G>>A", "C4:1.5 D4:0.5 E4:0.5 F4:1.5 G4:1.75 A4:0.25"},
		{"broken rhythm with a rest", "z>C D>z", "C4:0.5 D4:1.5"},
		{"triplet", "(3CDE F", "C4:0.6667 D4:0.6667 E4:0.6667 F4:1"},
		{"repeat", "|: C D :| E", "C4:1 D4:1 C4:1 D4:1 E4:1"},
		{"repeat from the beginning", "C D :| E", "C4:1 D4:1 C4:1 D4:1 E4:1"},
		{"two repeats", "|: C :: D :|", "C4:1 C4:1 D4:1 D4:1"},
		{"endings", "|: C |1 D :|2 E |]", "C4:1 D4:1 C4:1 E4:1"},
		{"endings in brackets", "|: C [1 D :| [2 E |]", "C4:1 D4:1 C4:1 E4:1"},
		{"repeat over lines", "|: C |\nD :|\nE", "C4:1 D4:1 C4:1 D4:1 E4:1"},
		{"note and repeat at the start of a line", "C\nc:|", "C4:1 C5:1 C4:1 C5:1"},
		{"skipped", "\"Am\"C {dc}D !trill!E ~F .G (A B) % comment c\nw:la la\n% d\nC\\\nD", "C4:1 D4:1 E4:1 F4:1 G4:1 A4:1 B4:1 C4:1 D4:1"},
		{"inline fields", "C [L:1/8] C [K:G] F [M:3/4] F", "C4:1 C4:0.5 F#4:0.5 F#4:0.5"},
		{"CRLF", "C |\r\nD\r\n", "C4:1 D4:1"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, parsed(t, abcHeader+c.music)) })
	}
}

func TestABCKeySignatures(t *testing.T) {
	for key, want := range map[string]string{
		"C": "F4:1 B4:1 C major", "G": "F#4:1 B4:1 G major", "F": "F4:1 A#4:1 F major", "Am": "F4:1 B4:1 A minor", "Ddor": "F4:1 B4:1 D minor",
		"D Dorian": "F4:1 B4:1 D minor", "Gmix": "F4:1 B4:1 G major", "Eb": "F4:1 A#4:1 D# major", "F#m": "F#4:1 B4:1 F# minor", "Bb clef=treble": "F4:1 A#4:1 A# major", "none": "F4:1 B4:1  ",
	} {
		text := "X:1\nT:t\nL:1/4\nK:" + key + "\nF B"
		tune, err := ParseABC([]byte(text))
		require.NoError(t, err, key)
		require.Equal(t, want, parsed(t, text)+" "+tune.Key.Tonic+" "+tune.Key.Mode, key)
	}
}

func TestABCFields(t *testing.T) {
	tune, err := ParseABC([]byte("\ufeffX:7\nT:First\nT:둘째\nC:A. Nonymous\nO:Korea\nS:A book\nH:1894\nQ:\"Andante\" 1/4=70\nM:2/4\nK:C\nC"))
	require.NoError(t, err)
	require.Equal(t, Tune{
		Titles: []string{"First", "둘째"}, Composer: "A. Nonymous", Origin: "Korea", Source: "A book", History: "1894", TempoBPM: 70,
		Key: tune.Key, Melody: Melody{{60, 1.0 / 16}}, // the unit follows from the meter
	}, tune)
	require.Equal(t, "First [둘째]", tune.Song("id").Title)
}

func TestABCErrorsTellLineAndColumn(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "line 1, column 1: no K: field"},
		{"T:t\n", "line 1, column 1: want an X: field first"},
		{"X:1\nC D", "line 2, column 1: music before the K: field"},
		{"X:1\nX:2", "line 2, column 1: a second tune; want one"},
		{"X:1\nT:t\nV:1", "line 3, column 1: field V: is not supported"},
		{"X:1\nK:H", `line 2, column 3: K: not a key: "H"`},
		{"X:1\nK:Cfoo", `line 2, column 3: K: not a mode: "foo"`},
		{"X:1\nK:A#", `line 2, column 3: K: "A#" has more than 7 accidentals`},
		{"X:1\nK:C octave=-1", `line 2, column 3: K: not a mode: "octave=-1"`},
		{"X:1\nK:Cm octave=-1", `line 2, column 3: K: "octave=-1" is not supported`},
		{"X:1\nL:0/8", `line 2, column 3: L: not a fraction: "0/8"; want one such as 1/8`},
		{"X:1\nQ:fast", `line 2, column 3: Q: not a tempo: "fast"; want one such as 1/4=120`},
		{"X:1\nK:C\nC", "line 3, column 2: no T: field"},
		{abcHeader, "line 6, column 1: no notes"},
		{abcHeader + "C [CEG]", "line 6, column 3: a chord; want one note at a time"},
		{abcHeader + "\"가\"C &", "line 6, column 6: an overlay; want one voice"},
		{abcHeader + "C ?", "line 6, column 3: unexpected '?'"},
		{abcHeader + "가", "line 6, column 1: unexpected '가'"},
		{abcHeader + "C- D", "line 6, column 4: a tie to another note"},
		{abcHeader + "C-", "line 6, column 3: a tie without a second note"},
		{abcHeader + "-C", "line 6, column 1: a tie without a first note"},
		{abcHeader + "C-z", "line 6, column 3: a tie to a rest"},
		{abcHeader + "C-:|", "line 6, column 3: a tie across a repeat"},
		{abcHeader + "C,,,,,", "line 6, column 1: a note outside of C0 to G9"},
		{abcHeader + "c" + strings.Repeat("'", 50), "line 6, column 1: a note outside of C0 to G9"},
		{abcHeader + "C999", "line 6, column 2: a number above 512"},
		{abcHeader + "C0", "line 6, column 2: a length of 0"},
		{abcHeader + "C////////////", "line 6, column 2: a length below 1/1024"},
		{abcHeader + "^^^C", `line 6, column 1: not an accidental: "^^^"`},
		{abcHeader + "^z", "line 6, column 2: an accidental without a note"},
		{abcHeader + "{ab", `line 6, column 1: '{' without '}'`},
		{abcHeader + "C |3 D", "line 6, column 4: want ending 1 or 2"},
		{abcHeader + "(5CDEFG", "line 6, column 1: want a tuplet of the form (2, (3, (4, (6 or (8"},
		{abcHeader + ">C", "line 6, column 1: broken rhythm needs a note before it, and at most 3 signs"},
		{abcHeader + "[V:2]C", "line 6, column 1: field V: is not supported here"},
		{abcHeader + "[K:C", "line 6, column 1: a field without ]"},
		{abcHeader + "\xff", "line 1, column 1: not valid UTF-8"},
		{abcHeader + strings.Repeat("C", maxABCNotes+1), "line 6, column 10001: more than 10000 notes"},
		{strings.Repeat("x", maxABC+1), "line 1, column 1: longer than 65536 bytes"},
	} {
		_, err := ParseABC([]byte(c.text))
		require.EqualError(t, err, c.want, "%.60q", c.text)
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax)
	}
}

func TestTessituraIsWeightedByTime(t *testing.T) {
	tune, err := ParseABC([]byte(abcHeader + "G,/ C4 E4 G4 c/"))
	require.NoError(t, err)
	low, high := tune.Melody.Range()
	require.Equal(t, []int{55, 72}, []int{low, high})
	low, high = tune.Melody.Tessitura()
	require.Equal(t, []int{60, 67}, []int{low, high}, "a short note at either end is passed over")
	low, high = Melody(nil).Tessitura()
	require.Equal(t, []int{0, 0}, []int{low, high})
}

func FuzzParseABC(f *testing.F) {
	entries, err := collectionFiles.ReadDir("collection")
	require.NoError(f, err)
	for _, e := range entries {
		text, err := collectionFiles.ReadFile("collection/" + e.Name())
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte(abcHeader + "|: ^C-C |1 (3D/E/F/ :|2 z>G, [K:Eb] !x!\"y\"{a}a' |]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		tune, err := ParseABC(text)
		if err != nil {
			var syntax *SyntaxError
			require.True(t, errors.As(err, &syntax))
			require.Positive(t, syntax.Line)
			require.Positive(t, syntax.Column)
			return
		}
		require.LessOrEqual(t, len(tune.Melody), maxABCNotes)
		for _, n := range tune.Melody {
			require.True(t, n.Length > 0 && n.Length < 1e9 && n.Pitch >= LowestNote && n.Pitch <= HighestNote, "%+v", n)
		}
		low, high := tune.Melody.Range()
		tessituraLow, tessituraHigh := tune.Melody.Tessitura()
		require.True(t, low <= tessituraLow && tessituraLow <= tessituraHigh && tessituraHigh <= high)
		require.True(t, tune.Key.Valid())
	})
}
