package analysis

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkAnalyze reports how many times faster than real time a minute of
// singing is analyzed, on one core.
func BenchmarkAnalyze(b *testing.B) {
	const seconds = 60
	tune := melody(0.5, hz(60), hz(62), hz(64), hz(65), hz(67), hz(69), hz(71), hz(72), 0, hz(67))
	song := func(t float64) float64 {
		for t >= 5 {
			t -= 5
		}
		return tune(t)
	}
	wav := encode(mix(sing(seconds, 0.1, song, ah()), white(seconds, 0.002, 1)))
	for _, plain := range []bool{true, false} {
		if !plain && !Vectors() {
			continue
		}
		b.Run(map[bool]string{true: "plain", false: "vectors"}[plain], func(b *testing.B) {
			engine := New(Config{Plain: plain})
			b.ReportAllocs()
			for b.Loop() {
				_, _, err := engine.Analyze(context.Background(), bytes.NewReader(wav), nil)
				require.NoError(b, err)
			}
			b.ReportMetric(seconds*float64(b.N)/b.Elapsed().Seconds(), "x-realtime")
		})
	}
}
