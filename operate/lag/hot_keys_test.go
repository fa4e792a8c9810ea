package lag_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/operate/lag"
)

// repeat returns n times the key.
func repeat(key string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = key
	}
	return keys
}

func TestHottestReturnsTheMostFrequentKeysAndPartitions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	began := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	w.produce(0, began, append(repeat("hot", 30), repeat("warm", 10)...)...)
	w.produce(1, began, "cold", "hot")
	hot, err := w.sampler.Hottest(w.ctx, topic, 1000, 2)
	require.NoError(t, err)
	require.EqualValues(t, 42, hot.Records)
	require.True(t, began.Equal(hot.Since))
	require.Equal(t, []lag.Count{{Key: "hot", Count: 31}, {Key: "warm", Count: 10}}, hot.Keys)
	require.Equal(t, []lag.PartitionCount{{Partition: 0, Records: 40}, {Partition: 1, Records: 2}}, hot.Partitions)
}

// One partition is busy, the records of the other are all old.
func TestHottestReadsOnlyTheLastRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(1, time.Now().Add(-9*24*time.Hour), repeat("old", 100)...)
	w.produce(0, time.Now().Add(-10*time.Minute), repeat("new", 400)...)
	for _, n := range []int64{1, 7, 50, 400} {
		hot, err := w.sampler.Hottest(w.ctx, topic, n, 10)
		require.NoError(t, err)
		require.LessOrEqual(t, hot.Records, n)
		require.GreaterOrEqual(t, hot.Records, n-2, "a partition's share is rounded")
		require.Equal(t, "new", hot.Keys[0].Key, fmt.Sprint(n))
	}
}

func TestTopicWithoutRecordsHasNoKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hot, err := w.sampler.Hottest(w.ctx, topic, 100, 10)
	require.NoError(t, err)
	require.Zero(t, hot.Records)
	require.Empty(t, hot.Keys)
	_, err = w.sampler.Hottest(w.ctx, "none", 100, 10)
	require.ErrorContains(t, err, "none")
}
