package consume

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

var roomy = buffer{records: 1000, bytes: 1 << 20}

func testSession(p partition, room buffer) *session {
	return newSession(p, 1, room, Batch{Records: 1}, nil)
}

func testRecord(offset int64, key string) *kgo.Record {
	return &kgo.Record{Topic: "t", Key: []byte(key), Offset: offset}
}

func TestRecordsOfAKeyTakeTurnsInOrder(t *testing.T) {
	t.Parallel()
	s := testSession(partition{topic: "t"}, roomy)
	for offset, key := range []string{"a", "a", "a", "b"} {
		require.True(t, s.accept(testRecord(int64(offset), key)))
	}
	require.False(t, s.accept(testRecord(3, "b")), "offsets that go backwards are another log")
	take := func(offset int64, more bool) {
		t.Helper()
		records, got := s.take()
		require.Len(t, records, 1)
		require.Equal(t, offset, records[0].Offset)
		require.Equal(t, more, got)
	}
	take(0, true)
	take(3, false)
	records, _ := s.take()
	require.Nil(t, records, "a key has one record underway")
	require.True(t, s.release(testRecord(0, "a")))
	require.False(t, s.release(testRecord(3, "b")))
	s.accept(testRecord(4, "b"))
	take(1, true)
	take(4, false)
	require.True(t, s.release(testRecord(1, "a")))
	take(2, false)
}

// However hot one key is, it takes one turn and leaves the others theirs.
func TestHotKeyLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	turns := newTurns(2)
	hot, cold := testSession(partition{topic: "t", id: 0}, roomy), testSession(partition{topic: "t", id: 1}, roomy)
	for offset := range int64(1000) {
		hot.accept(testRecord(offset, "hot"))
		turns.offer(hot)
	}
	hot.accept(testRecord(1000, "behind"))
	cold.accept(testRecord(0, "other"))
	turns.offer(cold)
	var begun []string
	for range 3 {
		s, records := turns.next()
		begun = append(begun, string(records[0].Key))
		if len(begun) > 1 {
			s.release(records[0])
			turns.done()
			turns.offer(s)
		}
	}
	require.Equal(t, []string{"hot", "other", "behind"}, begun)
	_, records := turns.next()
	require.Nil(t, records, "the hot key's second record waits for its first")
}

// Each record is begun once, those of a key in order and one at a time, and
// never more than the budget at once: in random order of all else.
func TestTurnsKeepTheOrderOfKeysAndTheBudget(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		budget := 1 + rnd.IntN(5)
		turns := newTurns(budget)
		sessions := []*session{testSession(partition{id: 0}, roomy), testSession(partition{id: 1}, roomy), testSession(partition{id: 2}, roomy)}
		next, begun := make(map[*session]int64), make(map[*session]int)
		type key struct {
			s *session
			k string
		}
		lastOf, underway := make(map[key]int64), make(map[key]bool)
		var open []key
		for range 500 {
			switch choice := rnd.IntN(3); {
			case choice == 0:
				s := sessions[rnd.IntN(3)]
				next[s]++
				require.True(t, s.accept(testRecord(next[s], string(rune('a'+rnd.IntN(3))))))
				turns.offer(s)
			case choice == 1 && len(open) > 0:
				i := rnd.IntN(len(open))
				k := open[i]
				open = append(open[:i], open[i+1:]...)
				delete(underway, k)
				if k.s.release(testRecord(0, k.k)) {
					turns.offer(k.s)
				}
				turns.done()
			default:
				s, records := turns.next()
				if records == nil {
					require.True(t, len(open) == budget || startable(sessions) == 0, "seed %d: room is left unused", seed)
					continue
				}
				r := records[0]
				k := key{s, string(r.Key)}
				require.False(t, underway[k], "seed %d", seed)
				require.Greater(t, r.Offset, lastOf[k], "seed %d", seed)
				underway[k], lastOf[k] = true, r.Offset
				open = append(open, k)
				begun[s]++
				require.LessOrEqual(t, len(open), budget, "seed %d", seed)
			}
		}
		for _, s := range sessions {
			require.EqualValues(t, next[s], begun[s]+s.waiting, "seed %d", seed)
		}
	}
}

func startable(sessions []*session) (n int) {
	for _, s := range sessions {
		for _, l := range s.lanes {
			if !l.running && len(l.waiting) > 0 {
				n++
			}
		}
	}
	return n
}

func TestFullBufferPausesUntilHalfOfItIsWorkedOff(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]buffer{"records": {records: 4, bytes: 1000}, "bytes": {records: 1000, bytes: 4}} {
		s := testSession(partition{topic: "t"}, f)
		for offset := range int64(4) {
			pause, resume := s.regulate()
			require.False(t, pause || resume, name)
			s.accept(testRecord(offset, string(rune('a'+offset))))
		}
		pause, _ := s.regulate()
		require.True(t, pause, name)
		pause, resume := s.regulate()
		require.False(t, pause || resume, "%s: said once", name)
		s.take()
		_, resume = s.regulate()
		require.False(t, resume, name)
		s.take()
		_, resume = s.regulate()
		require.True(t, resume, name)
	}
}

// Nothing more is fetched of a paused partition, so no batch of it gets fuller.
func TestPausedPartitionDoesNotLinger(t *testing.T) {
	t.Parallel()
	batch := Batch{Records: 4, Linger: time.Hour}
	s := newSession(partition{topic: "t"}, 1, buffer{records: 8, bytes: 100}, batch, func(*session) {})
	for offset := range int64(7) {
		require.True(t, s.accept(testRecord(offset, "a key of twenty-eight bytes.")))
		s.regulate()
	}
	records, _ := s.take()
	require.Len(t, records, 4)
	_, resume := s.regulate()
	require.False(t, resume, "three records are more than half of the bytes")
	require.True(t, s.release(records[0]))
	records, _ = s.take()
	require.Len(t, records, 3)
	_, resume = s.regulate()
	require.True(t, resume)
}

func TestLingerBeginsWithTheFirstRecordThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var due atomic.Int32
		s := newSession(partition{topic: "t"}, 1, roomy, Batch{Records: 2, Linger: time.Second}, func(*session) { due.Add(1) })
		for offset := range int64(3) {
			s.accept(testRecord(offset, "k"))
		}
		first, _ := s.take()
		require.Len(t, first, 2)
		time.Sleep(999 * time.Millisecond)
		require.Zero(t, due.Load())
		time.Sleep(time.Millisecond)
		synctest.Wait()
		require.EqualValues(t, 1, due.Load())
		require.True(t, s.release(first[0]), "the third record has waited for as long as it may while the first two were handled")
		rest, _ := s.take()
		require.Len(t, rest, 1)
		s.accept(testRecord(3, "k"))
		require.False(t, s.release(rest[0]), "the fourth has not")
		s.end()
	})
}

func TestEndingSessionBeginsNothingAndCommitsWhatIsDone(t *testing.T) {
	t.Parallel()
	s := testSession(partition{topic: "t"}, roomy)
	for offset := range int64(4) {
		s.accept(testRecord(offset, "k"))
	}
	records, _ := s.take()
	s.finish(records, true)
	require.Equal(t, 3, s.end())
	require.Zero(t, s.end(), "what was given up is counted once")
	_, resume := s.regulate()
	require.False(t, resume)
	require.False(t, s.release(records[0]))
	records, _ = s.take()
	require.Nil(t, records)
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
	s := testSession(partition{topic: "t"}, roomy)
	s.accept(testRecord(0, "k"))
	records, _ := s.take()
	handling, cancel := context.WithCancel(context.Background())
	s.begin(records[0].Offset, cancel)
	go func() {
		<-handling.Done()
		s.finish(records, false)
		s.release(records[0])
	}()
	s.end()
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

func TestBackoffStaysBelowItsLimit(t *testing.T) {
	t.Parallel()
	for range 100 {
		require.LessOrEqual(t, newBackoff(minBackoff).NextBackOff(), minBackoff)
	}
}

func TestBackoffGrowsToItsLimit(t *testing.T) {
	t.Parallel()
	b := newBackoff(time.Second)
	for _, step := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
		wait := b.NextBackOff()
		require.GreaterOrEqual(t, wait, step*time.Millisecond/2)
		require.LessOrEqual(t, wait, min(step*time.Millisecond*4/3, time.Second))
	}
}
