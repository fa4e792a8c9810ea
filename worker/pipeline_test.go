package worker_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/events"
	"orak/internal/analysis"
	"orak/internal/media"
)

// tone is a WAV of two seconds of A4, sampled as a phone would.
func tone(t *testing.T) []byte {
	t.Helper()
	const rate, seconds = 44100, 2
	var b bytes.Buffer
	b.WriteString("RIFF")
	require.NoError(t, binary.Write(&b, binary.LittleEndian, uint32(36+2*rate*seconds)))
	b.WriteString("WAVEfmt ")
	for _, v := range []any{uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2 * rate), uint16(2), uint16(16)} {
		require.NoError(t, binary.Write(&b, binary.LittleEndian, v))
	}
	b.WriteString("data")
	require.NoError(t, binary.Write(&b, binary.LittleEndian, uint32(2*rate*seconds)))
	for i := range rate * seconds {
		require.NoError(t, binary.Write(&b, binary.LittleEndian, int16(12000*math.Sin(2*math.Pi*440*float64(i)/rate))))
	}
	return b.Bytes()
}

// This test uses no fakes.
func TestRealRecordingIsAnalyzed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	converter, err := media.New(media.Config{FFmpeg: "ffmpeg", FFprobe: "ffprobe", MaxDuration: time.Hour, Timeout: time.Minute, MaxMemory: 512 << 20, Fence: true}, r.log)
	require.NoError(t, err)
	r.deps.Converter, r.deps.Analyzer = converter, analysis.New(analysis.Config{})
	r.start()
	u := r.upload(tone(t))
	text := r.upload([]byte("this is not a recording, whatever its name says"))
	require.NoError(t, r.closed(u))
	a := get[orak.Analysis](r, orak.AnalysisKey(u.Tenant, u.ID))
	require.InDelta(t, 440, a.Pitch.MedianHz, 5)
	require.Equal(t, "A4", a.Pitch.LowNote)
	require.InDelta(t, 2, a.Audio.DurationS, 0.05)
	require.NotEmpty(t, get[orak.PitchCurve](r, orak.PitchKey(u.Tenant, u.ID)).F0Hz)
	require.Equal(t, []events.Type{events.Converted, events.Analyzed, events.Completed}, types(r.lifecycle(u, events.Completed)))

	p := r.await(text, orak.StatusDeadLettered)
	require.Equal(t, orak.ClassInput, p.Failure.Class)
	require.Empty(t, scratch(t, r))
}
