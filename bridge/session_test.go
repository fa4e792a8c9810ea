package bridge

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

func testRecord(offset int64, key string) *kgo.Record {
	return &kgo.Record{Topic: "t", Key: []byte(key), Offset: offset}
}

func TestRecordsOfAKeyTakeTurnsInOrder(t *testing.T) {
	t.Parallel()
	s := newSession(partition{topic: "t"})
	for offset, key := range []string{"a", "b", "a", "a"} {
		first, known := s.accept(testRecord(int64(offset), key))
		require.True(t, known)
		require.Equal(t, offset < 2, first, "a lane is started once while it runs")
	}
	for _, want := range []int64{0, 2, 3} {
		r, _ := s.next("a")
		require.Equal(t, want, r.Offset)
	}
	r, dropped := s.next("a")
	require.Nil(t, r)
	require.Zero(t, dropped)
	first, _ := s.accept(testRecord(4, "a"))
	require.True(t, first, "a lane that ended is started anew")
}

func TestEndingSessionBeginsNothingAndCommitsWhatIsSettled(t *testing.T) {
	t.Parallel()
	s := newSession(partition{topic: "t"})
	for offset := range int64(4) {
		s.accept(testRecord(offset, "k"))
	}
	r, _ := s.next("k")
	s.finish(r.Offset, true)
	s.end()
	r, dropped := s.next("k")
	require.Nil(t, r)
	require.Equal(t, 3, dropped)
	s.drain(context.Background())
	at, ok := s.toCommit()
	require.True(t, ok)
	require.EqualValues(t, 1, at.Offset)
	s.noteCommitted(at)
	_, ok = s.toCommit()
	require.False(t, ok, "nothing is committed twice")
}

func TestDrainCutsOffWhatDoesNotFinishInTime(t *testing.T) {
	t.Parallel()
	s := newSession(partition{topic: "t"})
	s.accept(testRecord(0, "k"))
	r, _ := s.next("k")
	handling, cancel := context.WithCancel(context.Background())
	s.begin(r.Offset, cancel)
	go func() {
		<-handling.Done()
		s.finish(r.Offset, false)
		s.next("k")
	}()
	bound, expire := context.WithCancel(context.Background())
	expire()
	s.drain(bound)
	_, ok := s.toCommit()
	require.False(t, ok)

	late, cancelLate := context.WithCancel(context.Background())
	defer cancelLate()
	s.begin(1, cancelLate)
	require.Error(t, late.Err(), "what begins after the cut is cut off at once")
}

func TestBackoffGrowsToItsLimit(t *testing.T) {
	t.Parallel()
	b := newBackoff(time.Second)
	for _, step := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
		wait := b.wait()
		require.GreaterOrEqual(t, wait, step*time.Millisecond/2)
		require.LessOrEqual(t, wait, step*time.Millisecond)
	}
}
