package terminal

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// forTest is a terminal of n columns whose output can be read.
func forTest(n int) (t *Terminal, out, err *bytes.Buffer) {
	out, err = new(bytes.Buffer), new(bytes.Buffer)
	t = New([]string{"LANG=C.UTF-8"}, strings.NewReader(""), out, err)
	t.Width = n
	t.Now = func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.Local) }
	return t, out, err
}

func TestColorsAreLeftOutWhereTheyAreNotWanted(t *testing.T) {
	t.Parallel()
	for _, environ := range [][]string{{"NO_COLOR=1"}, {"TERM=dumb"}, {}} {
		con := New(environ, os.Stdin, os.Stdin, os.Stdin)
		require.False(t, con.colorOut && len(environ) > 0)
	}
	require.Equal(t, "x", paint(false, Red, "x"))
}

func TestPlainLocalesGetPlainMarks(t *testing.T) {
	t.Parallel()
	require.True(t, speaksUTF8(map[string]string{"LANG": "en_US.UTF-8"}))
	require.False(t, speaksUTF8(map[string]string{"LANG": "en_US.UTF-8", "LC_ALL": "C"}))
	require.False(t, speaksUTF8(map[string]string{}))
}

func TestDurationsAndSizesAreForPeople(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1 byte", Bytes(1))
	require.Equal(t, "1.2 MB", Bytes(1_200_000))
	require.Equal(t, "3 min 5 s", Took(185*time.Second))
	require.Equal(t, "26 h 0 min", Took(26*time.Hour))
}

// A full bar must be removed like any other: the next line is written where it
// was.
func TestProgressBarLeavesNothingOnItsLine(t *testing.T) {
	t.Parallel()
	for _, done := range []int64{100, 401} {
		con, _, err := forTest(80)
		con.Live = true
		bar := Progress{Terminal: con, Title: "reading"}
		bar.Set(done, 401)
		require.Contains(t, err.String(), "/401)")
		bar.Clear()
		require.True(t, strings.HasSuffix(err.String(), "\r\x1b[K"), "%q", err.String())
	}
}

func TestCleanTextIsNeverActive(t *testing.T) {
	t.Parallel()
	evil := "a\x1b]0;x\x07\x1b[31m\u009b31m\r\n\t\u202eb\x7f\xff\u2028z"
	for _, r := range Clean(evil) {
		require.True(t, r >= 0x20 && r != 0x7f && (r < 0x80 || r > 0x9f) && r != 0x202e && r != 0x2028, "%U", r)
	}
	con, out, _ := forTest(80)
	require.NoError(t, con.Value(map[string]string{"a": evil}))
	require.NotContains(t, out.String(), "\x1b")
	require.NotContains(t, out.String(), "\u202e")
	require.Contains(t, out.String(), `\u009b31m`)
	require.True(t, json.Valid(out.Bytes()))
}
