package lag_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/operate/lag"
)

func TestGroupThatKeepsUpIsOK(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	member, board := w.member(), lag.NewBoard(brief)
	for range 5 {
		w.produce(0, time.Now(), "a", "b")
		w.produce(1, time.Now(), "c")
		w.consume(member, 3)
		report := w.look(board)
		require.Equal(t, lag.StatusOK, report.Status)
		require.Zero(t, report.Lag)
		require.Zero(t, *report.Seconds)
	}
	report := w.look(board)
	require.Equal(t, "Stable", report.State)
	require.Equal(t, 1, report.Members)
	require.Len(t, report.Partitions, 2)
	require.EqualValues(t, 10, *report.Partitions[0].Committed)
	require.EqualValues(t, 10, report.Partitions[0].End)
}

func TestGroupThatLeavesABacklogIsInStall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(0, time.Now(), "a", "b", "c", "d")
	w.consume(w.member(kgo.FetchMaxBytes(1)), 1)
	report := w.eventually(lag.NewBoard(brief), lag.StatusError, nothing)
	require.Equal(t, lag.StatusStall, report.Partitions[0].Status)
	require.Equal(t, lag.StatusOK, report.Partitions[1].Status, "the partition is empty")
	require.EqualValues(t, 1, report.Partitions[0].Complete)
}

func TestGroupWhoseMembersLeaveIsInStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(0, time.Now(), "a", "b")
	member := w.member()
	w.consume(member, 2)
	member.Close()
	report := w.eventually(lag.NewBoard(brief), lag.StatusError, func() { w.produce(0, time.Now(), "c") })
	require.Equal(t, lag.StatusStop, report.Partitions[0].Status)
	require.Equal(t, "Empty", report.State)
	require.Positive(t, *report.Partitions[0].In)
	require.Zero(t, *report.Partitions[0].Out)
}

func TestGroupThatWasResetIsInRewindUntilItHasRecovered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(0, time.Now(), "a", "b", "c", "d")
	w.commit(0, 4)
	w.commit(1, 0)
	board := lag.NewBoard(endless)
	require.Equal(t, lag.StatusOK, w.look(board).Status)
	w.commit(0, 1)
	report := w.look(board)
	require.Equal(t, lag.StatusError, report.Status)
	require.Equal(t, lag.StatusRewind, report.Partitions[0].Status)
	w.commit(0, 4)
	w.produce(0, time.Now(), "e")
	require.Equal(t, lag.StatusOK, w.look(board).Status)
}

func TestGroupWithoutMembersIsJudgedByItsCommits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(0, time.Now(), "a", "b", "c")
	w.commit(0, 1)
	report := w.look(lag.NewBoard(endless))
	require.Equal(t, "Empty", report.State)
	require.Zero(t, report.Members)
	require.Equal(t, lag.StatusUnknown, report.Status, "one look shows no movement")
	require.EqualValues(t, 2, report.Lag)
}

func TestUnknownGroupIsErrNoGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	report := w.look(lag.NewBoard(endless))
	require.ErrorIs(t, report.Err, lag.ErrNoGroup)
	require.Empty(t, report.Partitions)
}

func TestPartitionWithoutACommitCountsFromItsStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(0, time.Now(), "a", "b")
	w.produce(1, time.Now(), "c", "d", "e")
	w.commit(0, 2)
	board := lag.NewBoard(brief)
	report := w.look(board)
	require.Nil(t, report.Partitions[1].Committed)
	require.EqualValues(t, 3, report.Partitions[1].Lag)
	report = w.eventually(board, lag.StatusError, nothing)
	require.Equal(t, lag.StatusStall, report.Partitions[1].Status, "a topic that is not read is not OK")
}

func TestGroupThatNeverCommittedIsMeasured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(1, time.Now(), "a")
	member := w.member()
	require.NoError(t, member.PollRecords(w.ctx, 1).Err0())
	report := w.look(lag.NewBoard(endless))
	require.NoError(t, report.Err)
	require.EqualValues(t, 1, report.Lag)
}

func TestRecordsThatWereDeletedUnreadAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(0, time.Now(), "a", "b", "c", "d")
	w.commit(0, 1)
	var until kadm.Offsets
	until.AddOffset(topic, 0, 3, -1)
	_, err := w.adm.DeleteRecords(w.ctx, until)
	require.NoError(t, err)
	report := w.look(lag.NewBoard(endless))
	require.EqualValues(t, 2, report.Partitions[0].Lost)
	require.EqualValues(t, 1, report.Partitions[0].Lag)
}

func TestAgeIsThatOfTheFirstUncommittedRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	began := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	w.produce(0, began, "a", "b", "c", "d")
	w.produce(1, began.Add(-time.Hour), "e")
	w.commit(0, 2)
	w.commit(1, 1)
	looks, err := w.sampler.Look(w.ctx, group)
	require.NoError(t, err)
	waits, read := looks[0].Partitions[lag.Partition{Topic: topic, ID: 0}], looks[0].Partitions[lag.Partition{Topic: topic, ID: 1}]
	require.True(t, began.Add(2*time.Second).Equal(waits.Oldest), "%s", waits.Oldest)
	require.True(t, read.Oldest.IsZero(), "there is no lag")
	age, known := read.Behind()
	require.True(t, known)
	require.Zero(t, age)

	w.commit(0, 3)
	report := w.look(lag.NewBoard(endless))
	require.InDelta(t, time.Since(began.Add(3*time.Second)).Seconds(), *report.Seconds, patience.Seconds())
}

func TestGroupsInOnePartitionHaveTheirOwnAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	began := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	w.produce(0, began, "a", "b", "c")
	w.commit(0, 1)
	var offsets kadm.Offsets
	offsets.AddOffset(topic, 0, 2, -1)
	require.NoError(t, w.adm.CommitAllOffsets(w.ctx, "others", offsets))
	looks, err := w.sampler.Look(w.ctx, group, "others")
	require.NoError(t, err)
	for i, want := range []time.Duration{time.Second, 2 * time.Second} {
		require.True(t, began.Add(want).Equal(looks[i].Partitions[lag.Partition{Topic: topic}].Oldest))
	}
	names, err := w.sampler.Groups(w.ctx)
	require.NoError(t, err)
	require.Equal(t, []string{group, "others"}, names)
}

func TestGroupOfTheNewerProtocolIsMeasured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(0, time.Now(), "a", "b")
	member := w.member(kgo.ServerSideBalancer())
	w.consume(member, 2)
	report := w.look(lag.NewBoard(endless))
	require.NoError(t, report.Err)
	require.Equal(t, 1, report.Members)
	require.Equal(t, lag.StatusOK, report.Status)
	require.Len(t, report.Partitions, 2)
}

func TestUnreachableKafkaIsADependencyFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	_, err := w.sampler.Look(ctx, group)
	var fault *orak.Fault
	require.ErrorAs(t, err, &fault)
	require.Equal(t, orak.ClassDependency, fault.Class)
}
