package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var someTargets = []string{"api", "kafka-1", "kafka-2", "temporal", "worker-1", "worker-2"}

func TestScheduleFollowsFromTheSeed(t *testing.T) {
	t.Parallel()
	first := strike(7, someTargets, 20, 2, time.Minute)
	require.Equal(t, first, strike(7, someTargets, 20, 2, time.Minute))
	require.NotEqual(t, first, strike(8, someTargets, 20, 2, time.Minute))
}

func TestEveryProcessIsHitAndFewAreDownAtOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		blows := strike(seed, someTargets, 24, 2, 30*time.Second)
		hits := map[string]int{}
		for i, b := range blows {
			hits[b.Target]++
			require.GreaterOrEqual(t, b.Away, minAway)
			down := 0
			for j, other := range blows {
				if other.At > b.At || b.At >= other.back() {
					continue
				}
				down++
				require.True(t, i == j || !exclusive(other.Target, b.Target), "seed %d: %s is hit while %s is down", seed, b.Target, other.Target)
			}
			require.LessOrEqual(t, down, 2, "seed %d", seed)
		}
		for _, target := range someTargets {
			require.Equal(t, 4, hits[target], "seed %d: %s", seed, target)
		}
	}
}
