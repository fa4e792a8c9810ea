package modelserver

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
)

// Lengths around each number of windows, and with each remainder of a hop.
func TestWindowsJoinWithoutASeamAtAnyLength(t *testing.T) {
	t.Parallel()
	const window, around = 16000, 1600
	lengths := []int{0, 1, 159, 160, 161, 3999}
	for windows := 1; windows <= 3; windows++ {
		for _, edge := range []int{windows * window, windows*window + around} {
			for off := -161; off <= 161; off += 40 {
				lengths = append(lengths, edge+off)
			}
			lengths = append(lengths, edge-1, edge, edge+1)
		}
	}
	for _, oip := range []bool{false, true} {
		handler := honest(t, nil)
		if oip {
			handler = inferring(t, true)
		}
		c := New(serve(t, handler))
		for _, n := range lengths {
			x := ramp(n)
			got, err := record(t, c, x, oip)
			require.NoError(t, err, "%d samples", n)
			require.Len(t, got.Curve.F0Hz, (n+159)/160, "%d samples", n)
			require.Len(t, got.Curve.Voicing, (n+159)/160, "%d samples", n)
			for i, f := range got.Curve.F0Hz {
				require.EqualValues(t, i%8000, f, "frame %d of %d samples, oip %t", i, n, oip)
			}
			require.Equal(t, 0.01, got.Curve.HopS)
			require.Equal(t, engine, got.Engine)
		}
	}
}

func TestWindowsJoinWithAllSettings(t *testing.T) {
	t.Parallel()
	cfg := serve(t, honest(t, nil))
	for _, window := range []time.Duration{time.Second, 1130 * time.Millisecond, 3 * time.Second} {
		for _, around := range []time.Duration{0, 10 * time.Millisecond, window / 2} {
			cfg.Window, cfg.Context = window, around
			require.NoError(t, cfg.Validate())
			got, err := record(t, New(cfg), ramp(70_007), false)
			require.NoError(t, err)
			require.Equal(t, first(samplesFrom(ramp(70_007))).Curve, got.Curve, "window %v, context %v", window, around)
		}
	}
}

func samplesFrom(x []float64) []int16 {
	s := make([]int16, len(x))
	for i, v := range x {
		s[i] = int16(math.Round(v * 32768))
	}
	return s
}

func TestWindowsOfTwoKindsAreRefused(t *testing.T) {
	t.Parallel()
	vector := func(name string, values ...float32) *orak.Embedding {
		return &orak.Embedding{Name: name, Version: "1", Values: values}
	}
	for name, c := range map[string]struct {
		change func(n int, f *Found)
		want   orak.Class
	}{
		"another version": {func(n int, f *Found) { f.Engine.Version = fmt.Sprint(n) }, orak.ClassTransient},
		"another engine":  {func(n int, f *Found) { f.Engine.Name = fmt.Sprintf("e%d", n) }, orak.ClassTransient},
		"no curve any more": {func(n int, f *Found) {
			if n > 1 {
				f.Curve = orak.PitchCurve{HopS: 0.01}
			}
		}, orak.ClassDependency},
		"an embedding of another kind": {func(n int, f *Found) { f.Embedding = vector(fmt.Sprintf("v%d", n), 1) }, orak.ClassDependency},
		"an embedding of another length": {func(n int, f *Found) {
			f.Embedding = vector("v", make([]float32, n)...)
		}, orak.ClassDependency},
		"an embedding no more": {func(n int, f *Found) {
			if n == 1 {
				f.Embedding = vector("v", 1)
			}
		}, orak.ClassDependency},
		"a key no more": {func(n int, f *Found) {
			if n == 1 {
				f.Key = &orak.Key{}
			}
		}, orak.ClassDependency},
		"a tempo from halfway on": {func(n int, f *Found) {
			if n > 1 {
				f.Tempo = &orak.Tempo{}
			}
		}, orak.ClassDependency},
		"a hop that windows are no multiple of": {func(_ int, f *Found) {
			f.Curve.HopS = 0.0625 // a thousand samples: divides the window, but not its context
			n := (len(f.Curve.F0Hz)*160 + 999) / 1000
			f.Curve.F0Hz, f.Curve.Voicing = f.Curve.F0Hz[:n], f.Curve.Voicing[:n]
		}, orak.ClassDependency},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := serve(t, honest(t, c.change))
			cfg.Patience = 0
			_, err := record(t, New(cfg), ramp(3*16000), false)
			require.Equal(t, c.want, faultOf(t, err).Class, "%v", err)
		})
	}
}

func TestEmbeddingIsTheMeanOfUnitLength(t *testing.T) {
	t.Parallel()
	c := New(serve(t, honest(t, func(n int, f *Found) {
		f.Embedding = &orak.Embedding{Name: "v", Version: "2", Values: []float32{float32(n % 2), float32((n + 1) % 2)}}
	})))
	got, err := record(t, c, ramp(2*16000), false)
	require.NoError(t, err)
	require.Equal(t, "v", got.Embedding.Name)
	require.Equal(t, "2", got.Embedding.Version)
	require.InDeltaSlice(t, []float32{0.70711, 0.70711}, got.Embedding.Values, 1e-4)
}

// Windows of a second each, and a last one of half a second.
func TestWindowsVoteOnKeyAndTempo(t *testing.T) {
	t.Parallel()
	key := func(tonic, mode string, confidence float64) *orak.Key {
		return &orak.Key{Tonic: tonic, Mode: mode, Confidence: confidence}
	}
	tempo := func(bpm, confidence float64) *orak.Tempo { return &orak.Tempo{BPM: bpm, Confidence: confidence} }
	for name, c := range map[string]struct {
		keys  [3]*orak.Key
		tempi [3]*orak.Tempo
		key   *orak.Key
		tempo *orak.Tempo
	}{
		"all agree": {
			[3]*orak.Key{key("C", "major", 0.8), key("C", "major", 0.8), key("C", "major", 0.8)}, [3]*orak.Tempo{tempo(100, 0.5), tempo(100, 0.5), tempo(100, 0.5)},
			key("C", "major", 0.8), tempo(100, 0.5),
		},
		"one is sure": {
			[3]*orak.Key{key("C", "major", 0.2), key("A", "minor", 1), key("C", "major", 0.2)}, [3]*orak.Tempo{tempo(100, 0.1), tempo(60, 1), tempo(100, 0.1)},
			key("A", "minor", 1/2.5), tempo(60, 1/2.5),
		},
		"the last is the shortest": {
			[3]*orak.Key{key("", "", 0), key("D", "minor", 0.6), key("G", "major", 1)}, [3]*orak.Tempo{tempo(0, 0), tempo(80, 0.6), tempo(120, 1)},
			key("D", "minor", 0.6/2.5), tempo(80, 0.6/2.5),
		},
		"a beat that wavers": {
			[3]*orak.Key{key("C", "major", 1), key("C", "minor", 1), key("C", "major", 1)}, [3]*orak.Tempo{tempo(99, 1), tempo(102, 1), tempo(100, 1)},
			key("C", "major", 1.5/2.5), tempo(100, 1),
		},
		"nobody finds any": {
			[3]*orak.Key{key("", "", 0), key("", "", 0), key("", "", 0)}, [3]*orak.Tempo{tempo(0, 0), tempo(0, 0), tempo(0, 0)},
			key("", "", 0), tempo(0, 0),
		},
		"found without a confidence": {
			[3]*orak.Key{key("E", "minor", 0), key("", "", 0), key("", "", 0)}, [3]*orak.Tempo{tempo(90, 0), tempo(0, 0), tempo(0, 0)},
			key("E", "minor", 0), tempo(90, 0),
		},
		"nobody looks for any": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := record(t, New(serve(t, honest(t, func(n int, f *Found) { f.Key, f.Tempo = c.keys[n-1], c.tempi[n-1] }))), ramp(2*16000+8000), false)
			require.NoError(t, err)
			if c.key == nil {
				require.Nil(t, got.Key)
				require.Nil(t, got.Tempo)
				return
			}
			require.True(t, got.Key.Valid() && got.Tempo.Valid())
			require.Equal(t, c.key.Tonic+c.key.Mode, got.Key.Tonic+got.Key.Mode)
			require.InDelta(t, c.key.Confidence, got.Key.Confidence, 1e-9)
			require.InDelta(t, c.tempo.BPM, got.Tempo.BPM, 1e-9)
			require.InDelta(t, c.tempo.Confidence, got.Tempo.Confidence, 1e-9)
		})
	}
}

func TestZeroEmbeddingStaysZero(t *testing.T) {
	t.Parallel()
	c := New(serve(t, honest(t, func(_ int, f *Found) {
		f.Embedding = &orak.Embedding{Name: "v", Version: "2", Values: []float32{0, 0}}
	})))
	got, err := record(t, c, nil, false)
	require.NoError(t, err)
	require.Equal(t, []float32{0, 0}, got.Embedding.Values)
}

func TestCanceledRecordingEndsItsRequest(t *testing.T) {
	t.Parallel()
	arrived, gone := make(chan struct{}), make(chan struct{})
	cfg := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // until then it does not notice that the caller is gone
		close(arrived)
		<-r.Context().Done()
		close(gone)
	})
	cfg.Timeout = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	r := New(cfg).Start(ctx, false)
	defer r.Abandon()
	require.NoError(t, r.Push(ramp(20000)))
	<-arrived
	cancel()
	_, err := r.Finish()
	require.ErrorIs(t, err, context.Canceled)
	<-gone
}

func TestAbandonedRecordingEndsItsWait(t *testing.T) {
	t.Parallel()
	cfg := serve(t, answering(http.StatusTooManyRequests, "", "Retry-After", "30"))
	cfg.Patience = time.Hour
	r := New(cfg).Start(t.Context(), false)
	require.NoError(t, r.Push(ramp(20000)))
	r.Abandon()
	_, err := r.Finish()
	require.ErrorIs(t, err, context.Canceled)
}
