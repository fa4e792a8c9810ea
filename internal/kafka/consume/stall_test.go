package consume

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStallIsLagWithoutProgress(t *testing.T) {
	t.Parallel()
	w := newStallWatch("t", time.Minute)
	at := func(seconds int, positions map[int32]position) *Stall {
		return w.look(time.Unix(int64(seconds), 0), positions)
	}
	require.Nil(t, at(0, map[int32]position{0: {5, 5}, 1: {5, 9}, 2: {5, 9}}))
	require.Nil(t, at(59, map[int32]position{0: {5, 5}, 1: {5, 9}, 2: {6, 9}}))
	got := at(60, map[int32]position{0: {5, 5}, 1: {5, 12}, 2: {6, 9}})
	require.Equal(t, &Stall{Topic: "t", Partitions: []int32{1}, Lag: 7, Since: time.Unix(0, 0)}, got)
	require.Nil(t, at(119, map[int32]position{0: {5, 9}, 2: {7, 9}}), "1 went to another member")
	require.Nil(t, at(120, map[int32]position{0: {5, 9}, 1: {5, 12}, 2: {7, 9}}), "and came back: it begins anew")
	require.Nil(t, at(121, map[int32]position{0: {0, 9}, 1: {5, 12}, 2: {7, 9}}), "a cut log was read anew: that is motion")
	got = at(180, map[int32]position{0: {0, 9}, 1: {5, 12}, 2: {7, 9}})
	require.Equal(t, []int32{1, 2}, got.Partitions)
	require.EqualValues(t, 9, got.Lag)
}

func TestTimeWithoutAnswersFromKafkaIsNoStall(t *testing.T) {
	t.Parallel()
	w := newStallWatch("t", time.Minute)
	waiting := map[int32]position{0: {5, 9}}
	require.Nil(t, w.look(time.Unix(0, 0), waiting))
	w.blind(time.Unix(300, 0))
	w.blind(time.Unix(600, 0))
	require.Nil(t, w.look(time.Unix(659, 0), waiting))
	require.NotNil(t, w.look(time.Unix(660, 0), waiting))
}
