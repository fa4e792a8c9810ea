package analysis

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"orak"
)

func read(wav io.Reader) (orak.Analysis, orak.PitchCurve, error) {
	return New(Config{}).Analyze(context.Background(), wav, nil)
}

func TestWAVOfAnotherFormatIsAnInternalFault(t *testing.T) {
	t.Parallel()
	good := encode(white(0.1, 0.1, 1))
	broken := map[string]func(b []byte) []byte{
		"empty":             func([]byte) []byte { return nil },
		"not RIFF":          func(b []byte) []byte { b[0] = 'X'; return b },
		"not WAVE":          func(b []byte) []byte { b[8] = 'X'; return b },
		"half a header":     func(b []byte) []byte { return b[:20] },
		"no data chunk":     func(b []byte) []byte { return b[:36] },
		"data before fmt":   func(b []byte) []byte { copy(b[12:], "data"); return b },
		"float samples":     func(b []byte) []byte { b[20] = 3; return b },
		"stereo":            func(b []byte) []byte { b[22] = 2; return b },
		"44.1 kHz":          func(b []byte) []byte { binary.LittleEndian.PutUint32(b[24:], 44100); return b },
		"24 bits":           func(b []byte) []byte { b[34] = 24; return b },
		"huge fmt":          func(b []byte) []byte { b[19] = 0x7f; return b },
		"endless junk":      func(b []byte) []byte { copy(b[12:], "junk\xff\xff\xff\x7f"); return b },
		"text, not a sound": func([]byte) []byte { return []byte("#EXTM3U is what a playlist begins with") },
	}
	for name, breakIt := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(bytes.NewReader(breakIt(bytes.Clone(good))))
			var fault *orak.Fault
			require.ErrorAs(t, err, &fault)
			require.Equal(t, orak.ClassInternal, fault.Class)
			require.NotEmpty(t, fault.Message)
		})
	}
}

func TestAnalyzeAcceptsHeadersOfOtherWriters(t *testing.T) {
	t.Parallel()
	x := sing(0.5, 0.1, steady(220), sawtooth)
	plain := encode(x)
	want, _, err := read(bytes.NewReader(plain))
	require.NoError(t, err)

	list := append([]byte("LIST\x05\x00\x00\x00"), "INFOx\x00"...) // odd, so padded
	extensible := append([]byte("fmt \x28\x00\x00\x00\xfe\xff"), plain[22:36]...)
	extensible = append(extensible, "\x16\x00\x10\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"...)
	streamed := bytes.Clone(plain)
	copy(streamed[40:], "\xff\xff\xff\xff")
	for name, wav := range map[string][]byte{
		"a LIST chunk":        bytes.Join([][]byte{plain[:36], list, plain[36:]}, nil),
		"WAVE_EXTENSIBLE":     bytes.Join([][]byte{plain[:12], extensible, plain[36:]}, nil),
		"no length":           streamed,
		"a chunk after":       append(bytes.Clone(plain), list...),
		"one byte at a time ": nil,
	} {
		var r io.Reader = bytes.NewReader(wav)
		if wav == nil {
			r = iotest.OneByteReader(bytes.NewReader(plain))
		}
		got, _, err := read(r)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
}

func TestTruncatedWAVIsATransientFault(t *testing.T) {
	t.Parallel()
	wav := encode(white(2, 0.1, 1))
	for _, missing := range []int{1, 2, 1000, len(wav) - 44} {
		_, _, err := read(bytes.NewReader(wav[:len(wav)-missing]))
		var fault *orak.Fault
		require.ErrorAs(t, err, &fault)
		require.Equal(t, orak.ClassTransient, fault.Class)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
}

func TestAnalyzeReturnsTheReadersErrorWithItsClass(t *testing.T) {
	t.Parallel()
	down := &orak.Fault{Class: orak.ClassDependency, Message: "store is down", Err: errors.New("refused")}
	wav := encode(white(2, 0.1, 1))
	for _, after := range []int{0, 20, 44, 30000} {
		_, _, err := read(io.MultiReader(bytes.NewReader(wav[:after]), iotest.ErrReader(down)))
		require.ErrorIs(t, err, down)
		require.Equal(t, orak.ClassDependency, orak.AsFault(err).Class)
	}
}
