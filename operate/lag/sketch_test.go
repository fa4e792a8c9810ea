package lag_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/operate/lag"
)

// TestSketchKeepsItsPromises holds the sketch to what the paper proves, on
// streams from even to steep.
func TestSketchKeepsItsPromises(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		room, n := 1+r.IntN(50), 1+r.IntN(5000)
		zipf := rand.NewZipf(r, 1.01+2*r.Float64(), 1, 1000)
		sketch, truth := lag.NewSketch(room), make(map[string]int64)
		for range n {
			key := fmt.Sprint(zipf.Uint64())
			truth[key]++
			sketch.Add([]byte(key))
		}
		require.EqualValues(t, n, sketch.Added())
		top := sketch.Top(room + 1)
		require.LessOrEqual(t, len(top), room, "it stays within its room")

		var sum int64
		found := make(map[string]bool)
		for i, c := range top {
			found[c.Key] = true
			sum += c.Count
			require.GreaterOrEqual(t, c.Count, truth[c.Key], "no count is too low")
			require.LessOrEqual(t, c.Count-c.Error, truth[c.Key], "nor too high by more than its error")
			require.LessOrEqual(t, c.Error*int64(room), int64(n), "and the error is at most n/k")
			require.True(t, i == 0 || top[i-1].Count >= c.Count, "the most frequent comes first")
		}
		require.EqualValues(t, n, sum, "the counts add up to the stream")
		for key, count := range truth {
			require.True(t, count*int64(room) <= int64(n) || found[key], "%s came more than n/k times", key)
		}
	}
}

func TestSketchWithRoomForAllIsExact(t *testing.T) {
	t.Parallel()
	sketch := lag.NewSketch(4)
	for _, key := range []string{"b", "a", "c", "a", "", "b", "a"} {
		sketch.Add([]byte(key))
	}
	require.Equal(t, []lag.Count{{"a", 3, 0}, {"b", 2, 0}, {"", 1, 0}, {"c", 1, 0}}, sketch.Top(10))
	require.Equal(t, []lag.Count{{"a", 3, 0}}, sketch.Top(1))
	require.Empty(t, sketch.Top(-1))
}
