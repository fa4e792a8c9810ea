package bridge

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

func TestRecentUploadsAreBounded(t *testing.T) {
	t.Parallel()
	k := newRecent()
	id := func(i int) orak.UploadID { return orak.UploadID(fmt.Sprint(i)) }
	record := func(i int) *kgo.Record { return &kgo.Record{Key: []byte(id(i))} }
	for i := range recentUploads + 1 {
		k.note(record(i), id(i), outcomeStarted)
	}
	require.Equal(t, recentUploads, k.at.Len())
	require.False(t, k.has(record(0), id(0)), "the oldest goes first")
	require.True(t, k.has(record(1), id(1)))

	now := time.Now().Add(recentFor)
	k.now = func() time.Time { return now }
	require.False(t, k.has(record(1), id(1)), "after a while Temporal is asked again")
}

func TestOnlyWhatIsThereAndUnderItsOwnKeyIsRemembered(t *testing.T) {
	t.Parallel()
	k := newRecent()
	own, other := &kgo.Record{Key: []byte("a")}, &kgo.Record{Key: []byte("voices/a.wav")}
	for _, out := range []outcome{outcomeDeadLettered, outcomeAbandoned, outcomeSkipped, outcomeCanceled} {
		k.note(own, "a", out)
		require.False(t, k.has(own, "a"), out)
	}
	k.note(other, "a", outcomeStarted)
	require.False(t, k.has(own, "a"), "events under another key are in another partition")
	k.note(own, "a", outcomeDuplicate)
	require.True(t, k.has(own, "a"))
	require.False(t, k.has(other, "a"))
	k.forget(own)
	require.False(t, k.has(own, "a"))
}
