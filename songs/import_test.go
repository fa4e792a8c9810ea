package songs

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"orak"
)

const reference = "018f2d3c-0000-7000-8000-00000000abcd"

var twoSongs = []Song{
	{ID: "a1", Tenant: "acme", Title: `Edelweiss, "live" second`, LowNote: 60, HighNote: 74, Key: orak.Key{Tonic: "A#", Mode: "major", Confidence: 1}, TempoBPM: 92.5},
	{ID: "a2", Tenant: "acme", Title: "봄날", Artist: "누구", ReferenceUpload: reference},
}

func TestImportReadsCSV(t *testing.T) {
	file := "\ufeffID,title,low,high,key,tempo_bpm,artist,reference\r\n" +
		"a1,\"Edelweiss, \"\"live\"\"\r\nsecond\",C4,D5,Bb,92.5,,\r\n" +
		" a2 ,봄날,,,,,누구," + reference + "\r\n"
	got, err := Import(strings.NewReader(file), FormatCSV, "acme")
	require.NoError(t, err)
	require.Equal(t, twoSongs, got)
}

func TestImportReadsJSONLines(t *testing.T) {
	got, err := Import(strings.NewReader("\ufeff"+`{"id":"a1","title":"Edelweiss","low":"C4","high":"D5","key":"Bb major","tempo_bpm":92.5}`+"\r\n\n"+
		`{"id":"a2","title":"봄날","artist":"누구","tempo_bpm":null,"reference":"`+reference+`"}`), FormatJSONLines, "acme")
	require.NoError(t, err)
	want := twoSongs[0]
	want.Title = "Edelweiss"
	require.Equal(t, []Song{want, twoSongs[1]}, got)
}

func TestImportTellsEveryBadLine(t *testing.T) {
	file := "id,title,artist,low,high,key,tempo_bpm,reference\n" +
		"ok,Fine,,C4,C5,,,\n" +
		"a b,Space,,C4,C5,,,\n" +
		"x1,,,C4,C5,,,\n" +
		"x2,\"over\x01two\nlines\",,C4,C5,,,\n" +
		"x3,Title,,H4,C5,,,\n" +
		"x4,Title,,C5,C4,,,\n" +
		"x5,Title,,C4,,,,\n" +
		"x6,Title,,,,,,\n" +
		"x7,Title,,C4,C5,Q,,\n" +
		"x8,Title,,C4,C5,C dorian,,\n" +
		"x9,Title,,C4,C5,,fast,\n" +
		"y1,Title,,C4,C5,,2000,\n" +
		"y2,Title,,C4,C5,,,nobody\n" +
		"y3,Title,,C4,C5\n" +
		"ok,Again,,C4,C5,,,\n" +
		"orak.x,Title,,C4,C5,,,\n" +
		"y4,\xff,,C4,C5,,,\n" +
		"y5,Ti\"tle,,C4,C5,,,\n" +
		"y6,Title,,C4,C5,,,\n" +
		"y7,Title,,C4,C5,,NaN,\n"
	got, err := Import(strings.NewReader(file), FormatCSV, "acme")
	require.Nil(t, got)
	requireLines(t, err,
		LineError{3, ErrInvalidID.Error()},
		LineError{4, "title: missing"},
		LineError{5, "title: has a control or format character"},
		LineError{7, `low: not a note: "H4"; want one such as C4, F#3 or Bb3`},
		LineError{8, "low, high: C5 is above C4"},
		LineError{9, "low, high: want both or neither"},
		LineError{10, "low, high: missing; a song without a reference needs both"},
		LineError{11, `key: not a key: "Q"; want one such as "G major" or "F# minor"`},
		LineError{12, `key: not a mode: " dorian"; want major or minor`},
		LineError{13, `tempo_bpm: not a number: "fast"`},
		LineError{14, "tempo_bpm: want 0 to 1000 beats per minute"},
		LineError{15, "reference: " + orak.ErrInvalidID.Error()},
		LineError{16, "5 fields, want 8"},
		LineError{17, "id: ok is also on line 2"},
		LineError{18, "id: those that begin with orak. are of the shipped collection"},
		LineError{19, "title: not valid UTF-8"},
		LineError{20, `bare " in non-quoted-field`},
		LineError{22, `tempo_bpm: not a number: "NaN"`},
	)
}

func TestImportTellsBadJSONLines(t *testing.T) {
	long := `{"id":"` + strings.Repeat("x", maxImportLine) + `"}`
	_, err := Import(strings.NewReader(strings.Join([]string{
		`{"id":"a","title":"t","low":"C4","high":"C5"}`, `[]`, `{"id":1}`, `{"id":"b"`, `{"name":"b"}`, long, `{"tempo_bpm":"fast"}`, `{} {}`, "\xff", `null`, long,
		`{"id":"c","title":"t","low":"C4","high":"C5"}]`, `{"id":"d","title":"t","low":"C4","high":"C5"}}`,
	}, "\n")), FormatJSONLines, "acme")
	requireLines(t, err,
		LineError{2, "not a JSON object"},
		LineError{3, "id: is a JSON number, want a string"},
		LineError{4, "not JSON: unexpected EOF"},
		LineError{5, `unknown field "name"`},
		LineError{6, "longer than 65536 bytes"},
		LineError{7, `tempo_bpm: not a number: "fast"`},
		LineError{8, "more than one JSON value"},
		LineError{9, "not valid UTF-8"},
		LineError{10, "id: " + ErrInvalidID.Error()},
		LineError{11, "longer than 65536 bytes"},
		LineError{12, "more than one JSON value"},
		LineError{13, "more than one JSON value"},
	)
}

func requireLines(t *testing.T, err error, want ...LineError) {
	t.Helper()
	var bad *ImportError
	require.ErrorAs(t, err, &bad)
	for i := range want {
		if want[i].Message == ErrInvalidID.Error() {
			want[i].Message = "id: " + want[i].Message
		}
	}
	require.Equal(t, want, bad.Lines)
	require.Zero(t, bad.More)
}

func TestImportCountsBadLinesBeyondTheFirstHundred(t *testing.T) {
	_, err := Import(strings.NewReader("id,title\n"+strings.Repeat("x,\n", 250)), FormatCSV, "acme")
	var bad *ImportError
	require.ErrorAs(t, err, &bad)
	require.Len(t, bad.Lines, MaxImportErrors)
	require.Equal(t, 150, bad.More)
	require.Equal(t, "line 2: title: missing (and 249 more bad lines)", err.Error())
}

func TestImportRefusesBadHeaders(t *testing.T) {
	for header, want := range map[string]string{
		"":                   "empty; want a header row: id,title,artist,low,high,key,tempo_bpm,reference",
		"id;title":           `not a column: "id;title"; want id, title, artist, low, high, key, tempo_bpm, reference`,
		"id,title,ID":        "column id stands twice",
		"title":              "no column id",
		"id":                 "no column title",
		"id,\"title":         `extraneous or missing " in quoted-field`,
		"i\x00d,title\nx,y,": `not a column: "i\x00d"; want id, title, artist, low, high, key, tempo_bpm, reference`,
	} {
		_, err := Import(strings.NewReader(header), FormatCSV, "acme")
		requireLines(t, err, LineError{1, want})
	}
}

func TestImportIsBounded(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("id,title\nx,\""), &repeating{text: "y"})
	_, err := Import(endless, FormatCSV, "acme")
	require.ErrorIs(t, err, ErrImportTooLarge)

	_, err = Import(&repeating{text: "{}"}, FormatJSONLines, "acme")
	require.ErrorIs(t, err, ErrImportTooLarge)

	var many strings.Builder
	for i := range MaxImportSongs + 1 {
		fmt.Fprintf(&many, "{\"id\":\"%d\",\"title\":\"t\",\"low\":\"C4\",\"high\":\"C5\"}\n", i)
	}
	_, err = Import(strings.NewReader(many.String()), FormatJSONLines, "acme")
	require.ErrorIs(t, err, ErrImportTooLarge)
}

// repeating reads the same text again and again.
type repeating struct{ text string }

func (r *repeating) Read(p []byte) (int, error) {
	return copy(p, strings.Repeat(r.text, len(p)/len(r.text)+1)), nil
}

func TestImportPassesReadErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	for _, f := range []Format{FormatCSV, FormatJSONLines} {
		_, err := Import(io.MultiReader(strings.NewReader("id,title\n"), iotest.ErrReader(broken)), f, "acme")
		require.ErrorIs(t, err, broken)
	}
	_, err := Import(strings.NewReader(""), "xml", "acme")
	require.EqualError(t, err, `not a format: "xml"`)
}

func TestNotes(t *testing.T) {
	for name, note := range map[string]int{"C4": 60, "A4": 69, "F#3": 54, "Bb3": 58, "b♭3": 58, "Cb4": 59, "B#3": 60, "C0": 12, "G9": 127} {
		got, err := ParseNote(name)
		require.NoError(t, err, name)
		require.Equal(t, note, got, name)
	}
	for _, bad := range []string{"", "C", "H4", "C-1", "C10", "G#9", "C4 ", "##4", "Cb0", "4"} {
		_, err := ParseNote(bad)
		require.Error(t, err, bad)
	}
	for note := LowestNote; note <= HighestNote; note++ {
		got, err := ParseNote(NoteName(note))
		require.NoError(t, err)
		require.Equal(t, note, got)
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte("id,title,low,high\nx,\"a\nb\",C4,C5\n"), true)
	f.Add([]byte(`{"id":"a","title":"t","low":"C4","high":"C5","tempo_bpm":"12"}`), false)
	f.Fuzz(func(t *testing.T, text []byte, isCSV bool) {
		format := FormatJSONLines
		if isCSV {
			format = FormatCSV
		}
		list, err := Import(strings.NewReader(string(text)), format, "acme")
		if err != nil {
			require.Nil(t, list)
			require.NotEmpty(t, err.Error())
			return
		}
		for _, s := range list {
			require.NoError(t, s.Validate())
		}
	})
}
