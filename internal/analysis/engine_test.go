package analysis

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

func constant(n int, v float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = v
	}
	return x
}

func TestEveryNumberIsFiniteForAnyInput(t *testing.T) {
	t.Parallel()
	for name, x := range map[string][]float64{
		"nothing":        nil,
		"one sample":     {0.5},
		"two samples":    {1, -1},
		"10 ms":          white(0.01, 0.1, 1),
		"10 ms of tone":  sing(0.01, 0.1, steady(440), pure),
		"100 ms":         sing(0.1, 0.1, steady(440), ah()),
		"silence":        make([]float64, 3*sampleRate),
		"direct current": constant(3*sampleRate, 0.5),
		"full scale DC":  constant(3*sampleRate, -1),
		"square":         square(3),
		"alternating":    func() []float64 { x := constant(sampleRate, 1); scaleOdd(x); return x }(),
		"clipped noise":  white(3, 5, 1),
		"one impulse":    append([]float64{1}, make([]float64, sampleRate)...),
		"last bit":       constant(sampleRate, 1.0/32768),
		"a click a year": append(make([]float64, 10*sampleRate), 1),
		"very low":       sing(2, 0.3, steady(20), pure),
		"very high":      sing(2, 0.3, steady(7000), pure),
	} {
		a, curve, err := New(Config{}).Analyze(context.Background(), bytes.NewReader(encode(x)), nil)
		require.NoError(t, err, name)
		_, err = json.Marshal(struct {
			A orak.Analysis
			C orak.PitchCurve
		}{a, curve})
		require.NoError(t, err, name)
		require.Len(t, curve.F0Hz, (len(x)+hop-1)/hop, name)
		require.Len(t, curve.Voicing, len(curve.F0Hz), name)
		for i, v := range curve.Voicing {
			require.True(t, v >= 0 && v <= 1, "%s: voicing %g", name, v)
			f0 := curve.F0Hz[i]
			require.True(t, f0 == 0 || f0 > 50 && f0 < 1900, "%s: f0 %g", name, f0)
		}
		require.True(t, a.Pitch.VoicedRatio >= 0 && a.Pitch.VoicedRatio <= 1, name)
		require.True(t, a.Loudness.IntegratedLUFS >= -70 && a.Loudness.TruePeakDBTP >= -120, name)
		require.Zero(t, a.Audio, name)
	}
}

func scaleOdd(x []float64) {
	for i := 1; i < len(x); i += 2 {
		x[i] = -x[i]
	}
}

func TestSilenceIsReportedAsSuch(t *testing.T) {
	t.Parallel()
	for _, x := range [][]float64{nil, make([]float64, 2*sampleRate)} {
		a, curve := analyze(t, x)
		require.Equal(t, orak.Pitch{HopS: 0.01}, a.Pitch)
		require.Zero(t, a.Key)
		require.Zero(t, a.Tempo)
		require.Equal(t, orak.Loudness{IntegratedLUFS: -70, TruePeakDBTP: -120}, a.Loudness)
		require.Equal(t, make([]float64, mfccs), a.Timbre.MFCCMean)
		require.Equal(t, orak.Engine{Name: EngineName, Version: EngineVersion}, a.Engine)
		require.NotNil(t, curve.F0Hz)
		require.NotNil(t, curve.Voicing)
	}
}

func TestProgressRisesToOne(t *testing.T) {
	t.Parallel()
	var seen []float64
	_, _, err := New(Config{}).Analyze(context.Background(), bytes.NewReader(encode(white(5, 0.1, 1))),
		func(done float64) { seen = append(seen, done) })
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(seen), 20)
	require.True(t, slices.IsSorted(seen))
	require.Greater(t, seen[0], 0.0)
	require.InDelta(t, 1, seen[len(seen)-1], 0)
	for i := 1; i < len(seen); i++ {
		require.LessOrEqual(t, seen[i]-seen[i-1], 0.051)
	}
}

// endless is a WAV without an end that counts the bytes read.
type endless struct{ header, read int }

func (e *endless) Read(p []byte) (int, error) {
	head := encode(nil)
	copy(head[40:], "\xff\xff\xff\xff")
	if e.header < len(head) {
		n := copy(p, head[e.header:])
		e.header += n
		return n, nil
	}
	clear(p)
	e.read += len(p)
	return len(p), nil
}

func TestAnalyzeStopsWithinASecondOfAudioWhenCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	source := &endless{}
	atCancel := 0
	calls := 0
	_, _, err := New(Config{}).Analyze(ctx, source, func(float64) {
		if calls++; calls == 10 {
			atCancel = source.read
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.LessOrEqual(t, source.read-atCancel, sampleRate*2)
	var fault *orak.Fault
	require.False(t, errors.As(err, &fault), "a cancellation is nobody's fault")
}

func TestMemoryDoesNotGrowWithTheRecording(t *testing.T) {
	// Not parallel: it measures the heap of the process.
	second := encode(sing(1, 0.1, steady(220), sawtooth))
	const minutes = 5
	wav := bytes.Clone(second[:44])
	copy(wav[40:], "\xff\xff\xff\xff")
	readers := []io.Reader{bytes.NewReader(wav)}
	for range 60 * minutes {
		readers = append(readers, bytes.NewReader(second[44:]))
	}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most, calls := uint64(0), 0
	_, curve, err := New(Config{}).Analyze(context.Background(), io.MultiReader(readers...), func(float64) {
		if calls++; calls%480 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
		}
	})
	require.NoError(t, err)
	require.Len(t, curve.F0Hz, 6000*minutes)
	// 10 MB of samples, 38 MB as float64; the curve is 0.3 MB, the rest fixed.
	require.Less(t, most, uint64(4<<20))
}

func TestAnalysesRunConcurrently(t *testing.T) {
	t.Parallel()
	engine := New(Config{})
	wav := encode(sing(1, 0.1, steady(220), ah()))
	errs := make(chan error)
	for range 4 {
		go func() {
			a, _, err := engine.Analyze(context.Background(), bytes.NewReader(wav), nil)
			if err == nil && math.Abs(a.Pitch.MedianHz-220) > 1 {
				err = errors.New("another result")
			}
			errs <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-errs)
	}
}

func TestResultThatIsNotFiniteIsTheModelsFault(t *testing.T) {
	t.Parallel()
	for _, spoil := range []func(a *orak.Analysis, c *orak.PitchCurve){
		func(a *orak.Analysis, _ *orak.PitchCurve) { a.Pitch.MedianHz = math.NaN() },
		func(a *orak.Analysis, _ *orak.PitchCurve) { a.Loudness.TruePeakDBTP = math.Inf(-1) },
		func(a *orak.Analysis, _ *orak.PitchCurve) { a.Timbre.MFCCStd[3] = math.NaN() },
		func(a *orak.Analysis, _ *orak.PitchCurve) { a.Embedding.Values[3] = float32(math.NaN()) },
		func(_ *orak.Analysis, c *orak.PitchCurve) { c.Voicing[3] = float32(math.Inf(1)) },
	} {
		a, c := analyze(t, white(0.2, 0.1, 1))
		require.NoError(t, checkFinite(a, c))
		spoil(&a, &c)
		var fault *orak.Fault
		require.ErrorAs(t, checkFinite(a, c), &fault)
		require.Equal(t, orak.ClassModel, fault.Class)
	}
}

func TestConfigIsValidated(t *testing.T) {
	t.Parallel()
	for _, good := range []Config{{}, {MinF0Hz: 80, MaxF0Hz: 1000}, {MinF0Hz: 50, MaxF0Hz: 2000}} {
		require.NoError(t, good.Validate())
	}
	for _, bad := range []Config{{MinF0Hz: 20}, {MinF0Hz: 300, MaxF0Hz: 400}, {MaxF0Hz: 5000}, {MinF0Hz: math.NaN()}, {MaxF0Hz: math.Inf(1)}} {
		require.Error(t, bad.Validate())
	}
}

func TestConfigBoundsTheSearch(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{{MinF0Hz: 50, MaxF0Hz: 2000}, {MinF0Hz: 300, MaxF0Hz: 700}, {MinF0Hz: 400, MaxF0Hz: 800}} {
		x := append(sing(1, 0.1, steady(440), ah()), sing(1, 0.1, steady(1200), sawtooth)...)
		_, curve, err := New(cfg).Analyze(context.Background(), bytes.NewReader(encode(x)), nil)
		require.NoError(t, err)
		require.InDelta(t, 440, curve.F0Hz[50], 2)
		require.Greater(t, curve.Voicing[50], float32(0.99))
		noise, _, err := New(cfg).Analyze(context.Background(), bytes.NewReader(encode(white(3, 0.1, 1))), nil)
		require.NoError(t, err)
		require.Zero(t, noise.Pitch.VoicedRatio)
		for _, f0 := range curve.F0Hz {
			require.LessOrEqual(t, float64(f0), cfg.MaxF0Hz*quarterTone)
		}
	}
}

func TestSearchRangeIsPartOfTheVersion(t *testing.T) {
	t.Parallel()
	identity := func(cfg Config) orak.Engine {
		who, err := New(cfg).Identity(t.Context())
		require.NoError(t, err)
		require.True(t, who.Known(), who)
		return who
	}
	require.Equal(t, orak.Engine{Name: EngineName, Version: EngineVersion}, identity(Config{}))
	require.Equal(t, identity(Config{}), identity(Config{MinF0Hz: 55, MaxF0Hz: 1760}))
	require.Equal(t, identity(Config{}), identity(Config{Plain: true}), "the results are the same")
	require.NotEqual(t, identity(Config{}), identity(Config{MinF0Hz: 80}))
	require.NotEqual(t, identity(Config{MinF0Hz: 80.5}), identity(Config{MinF0Hz: 80}))
}
