package bridge

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

func TestDeduplicationCacheIsBounded(t *testing.T) {
	t.Parallel()
	k := newDuplicates()
	id := func(i int) orak.UploadID { return orak.UploadID(fmt.Sprint(i)) }
	record := func(i int) *kgo.Record { return &kgo.Record{Key: []byte(id(i))} }
	for i := range maxKnown + 1 {
		k.note(record(i), 1, id(i), outcomeStarted)
	}
	require.Equal(t, maxKnown, k.known.Len())
	require.False(t, k.has(record(0), 1, id(0)), "the oldest goes first")
	require.True(t, k.has(record(1), 1, id(1)))

	now := time.Now().Add(knownFor)
	k.now = func() time.Time { return now }
	require.False(t, k.has(record(1), 1, id(1)), "after a while Temporal is asked again")
}

func TestDeduplicationCacheHoldsOnlyExistingWorkflowsUnderTheirOwnKey(t *testing.T) {
	t.Parallel()
	k := newDuplicates()
	own, other := &kgo.Record{Key: []byte("a")}, &kgo.Record{Key: []byte("voices/a.wav")}
	for _, out := range []outcome{outcomeDeadLettered, outcomeAbandoned, outcomeSkipped, outcomeCanceled} {
		k.note(own, 1, "a", out)
		require.False(t, k.has(own, 1, "a"), out)
	}
	k.note(other, 1, "a", outcomeStarted)
	require.False(t, k.has(own, 1, "a"), "events under another key are in another partition")
	k.note(own, 1, "a", outcomeDuplicate)
	require.True(t, k.has(own, 1, "a"))
	require.False(t, k.has(other, 1, "a"))
	require.False(t, k.has(own, 2, "a"), "the partition was another member's in between")
	k.forget(own)
	require.False(t, k.has(own, 1, "a"))
}
