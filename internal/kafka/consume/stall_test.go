package consume

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// at is a partition of a topic.
func at(id int32) partition { return partition{topic: "t", id: id} }

func TestStallIsLagWithoutProgress(t *testing.T) {
	t.Parallel()
	w := newStallWatch(time.Minute)
	look := func(seconds int, positions map[partition]position) *Stall {
		return w.look(time.Unix(int64(seconds), 0), positions)
	}
	require.Nil(t, look(0, map[partition]position{at(0): {5, 5, 0}, at(1): {5, 9, 0}, at(2): {5, 9, 0}}))
	require.Nil(t, look(59, map[partition]position{at(0): {5, 5, 0}, at(1): {5, 9, 0}, at(2): {6, 9, 0}}))
	got := look(60, map[partition]position{at(0): {5, 5, 0}, at(1): {5, 12, 0}, at(2): {6, 9, 0}})
	require.Equal(t, &Stall{Partitions: map[string][]int32{"t": {1}}, Lag: 7, Since: time.Unix(0, 0)}, got)
	require.Nil(t, look(119, map[partition]position{at(0): {5, 9, 0}, at(2): {7, 9, 0}}), "1 went to another member")
	require.Nil(t, look(120, map[partition]position{at(0): {5, 9, 0}, at(1): {5, 12, 0}, at(2): {7, 9, 0}}), "and came back: it begins anew")
	require.Nil(t, look(121, map[partition]position{at(0): {0, 9, 0}, at(1): {5, 12, 0}, at(2): {7, 9, 0}}), "a cut log was read anew: that is motion")
	got = look(180, map[partition]position{at(0): {0, 9, 0}, at(1): {5, 12, 0}, at(2): {7, 9, 0}})
	require.Equal(t, []int32{1, 2}, got.Partitions["t"])
	require.EqualValues(t, 9, got.Lag)
}

func TestTimeWithoutAnswersFromKafkaIsNoStall(t *testing.T) {
	t.Parallel()
	w := newStallWatch(time.Minute)
	waiting := map[partition]position{at(0): {5, 9, 0}}
	require.Nil(t, w.look(time.Unix(0, 0), waiting))
	w.blind(time.Unix(300, 0))
	w.blind(time.Unix(600, 0))
	require.Nil(t, w.look(time.Unix(659, 0), waiting))
	require.NotNil(t, w.look(time.Unix(660, 0), waiting))
}
