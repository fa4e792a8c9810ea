package objectstore

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestGuardPassesOnEveryByteOfAGoodBody(t *testing.T) {
	t.Parallel()
	want := strings.Repeat("0123456789", 1000)
	sources := map[string]func(io.Reader) io.Reader{
		"plain":   func(r io.Reader) io.Reader { return r },
		"oneByte": iotest.OneByteReader,
		"half":    iotest.HalfReader,
		"dataErr": iotest.DataErrReader,
	}
	for name, source := range sources {
		for sink, wrap := range sources {
			for _, size := range []int64{-1, int64(len(want))} {
				got, err := io.ReadAll(wrap(newGuard(source(strings.NewReader(want)), size)))
				require.NoError(t, err, "%s to %s", name, sink)
				require.True(t, want == string(got), "%s to %s", name, sink)
			}
		}
	}
	require.NoError(t, iotest.TestReader(newGuard(strings.NewReader(want), -1), []byte(want)))
}

func TestGuardWithholdsTheLastByteOfAFailedBody(t *testing.T) {
	t.Parallel()
	own := errors.New("cut off")
	for _, end := range []error{own, io.ErrUnexpectedEOF} {
		for _, step := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.DataErrReader, func(r io.Reader) io.Reader { return r }} {
			g := newGuard(step(io.MultiReader(strings.NewReader("12345"), iotest.ErrReader(end))), 5)
			got, err := io.ReadAll(g)
			require.Equal(t, errBody, err)
			require.Less(t, len(got), 5)
			require.ErrorIs(t, g.err, end)
		}
	}
}

func TestGuardRefusesAnotherLength(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{0, 4, 6, 100} {
		g := newGuard(strings.NewReader("12345"), size)
		got, err := io.ReadAll(g)
		require.Equal(t, errBody, err)
		require.Less(t, int64(len(got)), max(size, 1))
		require.ErrorIs(t, g.err, ErrBodySize)
	}
}

func TestGuardDoesNotReadPastTheEnd(t *testing.T) {
	t.Parallel()
	reads := 0
	src := readFunc(func(p []byte) (int, error) {
		if reads++; reads > 2 {
			t.Error("read past the end")
		}
		if reads == 2 {
			return 0, io.EOF
		}
		return copy(p, "abc"), nil
	})
	g := newGuard(src, -1)
	var buf bytes.Buffer
	_, err := io.Copy(&buf, g)
	require.NoError(t, err)
	for range 3 {
		n, err := g.Read(make([]byte, 8))
		require.Zero(t, n)
		require.Equal(t, io.EOF, err)
	}
	require.Equal(t, "abc", buf.String())
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
