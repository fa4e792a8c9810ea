package wav

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"orak"
)

// encode returns a recording of samples, with extra chunks before the data.
func encode(samples []int16, extra string) []byte {
	le := binary.LittleEndian
	b := append([]byte("RIFF"), le.AppendUint32(nil, uint32(36+len(extra)+2*len(samples)))...)
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00"...)
	b = append(append(b, extra...), "data"...)
	b = le.AppendUint32(b, uint32(2*len(samples)))
	for _, s := range samples {
		b = le.AppendUint16(b, uint16(s))
	}
	return b
}

func peaksOf(t *testing.T, r io.Reader, perPixel int) []int8 {
	t.Helper()
	w, err := Open(r)
	require.NoError(t, err)
	got, err := w.Peaks(perPixel)
	require.NoError(t, err)
	return got
}

func TestPeaksAreTheLowestAndHighestOfEachPixel(t *testing.T) {
	t.Parallel()
	samples := []int16{0, 256, -256, 300, 32767, 32767, -32768, -1, 255}
	for perPixel, want := range map[int][]int8{
		1:   {0, 0, 1, 1, -1, -1, 1, 1, 127, 127, 127, 127, -128, -128, 0, 0, 0, 0},
		2:   {0, 1, -1, 1, 127, 127, -128, 0, 0, 0},
		4:   {-1, 1, -128, 127, 0, 0},
		9:   {-128, 127},
		100: {-128, 127},
	} {
		require.Equal(t, want, peaksOf(t, bytes.NewReader(encode(samples, "")), perPixel), "%d", perPixel)
	}
	require.Empty(t, peaksOf(t, bytes.NewReader(encode(nil, "")), 2))
}

// The data may begin anywhere, and come in pieces of any size.
func TestPeaksDependOnTheSamplesOnly(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	samples := make([]int16, 3*peakBlock+77)
	for i := range samples {
		samples[i] = int16(rng.Uint32())
	}
	const list = "LIST\x05\x00\x00\x00INFOx\x00" // odd, so padded
	for _, perPixel := range []int{2, 255, 256, peakBlock, peakBlock + 1, 1 << 20} {
		var want []int8
		for at := 0; at < len(samples); at += perPixel {
			low, high := samples[at], samples[at]
			for _, s := range samples[at:min(at+perPixel, len(samples))] {
				low, high = min(low, s), max(high, s)
			}
			want = append(want, int8(low/256), int8(high/256))
		}
		require.Len(t, want, int(2*Pixels(int64(len(samples)), perPixel)))
		for name, r := range map[string]io.Reader{
			"plain": bytes.NewReader(encode(samples, "")), "a LIST chunk": bytes.NewReader(encode(samples, list)),
			"halves": iotest.HalfReader(bytes.NewReader(encode(samples, list))), "a chunk after": bytes.NewReader(append(encode(samples, ""), list...)),
		} {
			require.Equal(t, want, peaksOf(t, r, perPixel), name)
		}
	}
}

func TestPeaksOfTruncatedRecordingFail(t *testing.T) {
	t.Parallel()
	whole := encode(make([]int16, 50_000), "")
	w, err := Open(bytes.NewReader(whole[:len(whole)-1]))
	require.NoError(t, err)
	_, err = w.Peaks(256)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, orak.ClassTransient, orak.AsFault(err).Class)
}

// An hour is 115 MB. Not parallel: the memory of other tests would count.
func TestPeaksTakeTheMemoryOfTheirResult(t *testing.T) {
	hour := encode(make([]int16, 3600*SampleRate), "")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.Len(t, peaksOf(t, bytes.NewReader(hour), 16384), 2*3516)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(200_000))
}

func BenchmarkPeaksOfAnHour(b *testing.B) {
	hour := encode(make([]int16, 3600*SampleRate), "")
	b.SetBytes(int64(len(hour)))
	b.ReportAllocs()
	for b.Loop() {
		w, err := Open(bytes.NewReader(hour))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Peaks(16384); err != nil {
			b.Fatal(err)
		}
	}
}
