package lag_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/operate/lag"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// rules have a window of five samples of series.
var rules = lag.Rules{Window: 5 * time.Minute, Allowed: 2}

// series returns one sample per minute, from pairs of commit and end.
func series(pairs ...[2]int64) []lag.Sample {
	samples := make([]lag.Sample, len(pairs))
	for i, pair := range pairs {
		samples[i] = lag.Sample{At: noon.Add(time.Duration(i) * time.Minute), Committed: pair[0], End: pair[1]}
	}
	return samples
}

func TestEvaluateAppliesTheFirstRule(t *testing.T) {
	t.Parallel()
	type at = [2]int64
	for name, test := range map[string]struct {
		want    lag.Status
		samples []lag.Sample
	}{
		"nothing was seen":                         {lag.StatusUnknown, nil},
		"one look, caught up":                      {lag.StatusOK, series(at{10, 10})},
		"one look, within the allowed lag":         {lag.StatusOK, series(at{8, 10})},
		"one look, behind":                         {lag.StatusUnknown, series(at{0, 10})},
		"caught up now, whatever was before":       {lag.StatusOK, series(at{9, 50}, at{5, 60}, at{5, 70}, at{5, 80}, at{5, 90}, at{90, 90})},
		"commits end, records come":                {lag.StatusStop, series(at{5, 10}, at{5, 20}, at{5, 30}, at{5, 40}, at{5, 50}, at{5, 60})},
		"the same, before the window is full":      {lag.StatusUnknown, series(at{5, 10}, at{5, 20}, at{5, 30}, at{5, 40}, at{5, 50})},
		"never a commit, records come":             {lag.StatusStop, series(at{-1, 10}, at{-1, 20}, at{-1, 30}, at{-1, 40}, at{-1, 50}, at{-1, 60})},
		"a quiet topic that one record woke":       {lag.StatusOK, series(at{9, 9}, at{9, 9}, at{9, 9}, at{9, 9}, at{9, 9}, at{9, 12})},
		"the commit went back":                     {lag.StatusRewind, series(at{50, 60}, at{10, 60})},
		"it went back from having caught up":       {lag.StatusRewind, series(at{60, 60}, at{10, 60}, at{12, 60})},
		"it went back and was recovered":           {lag.StatusOK, series(at{50, 60}, at{10, 60}, at{50, 70}, at{55, 70})},
		"it went back and stands":                  {lag.StatusRewind, series(at{50, 60}, at{5, 60}, at{5, 60}, at{5, 60}, at{5, 60}, at{5, 60})},
		"a commit that expired is no way back":     {lag.StatusUnknown, series(at{50, 60}, at{-1, 60})},
		"caught up within the window":              {lag.StatusOK, series(at{5, 50}, at{50, 50}, at{51, 60}, at{52, 70}, at{53, 80}, at{54, 90})},
		"commits stand, and so does the head":      {lag.StatusStall, series(at{5, 10}, at{5, 10}, at{5, 10}, at{5, 10}, at{5, 10}, at{5, 10})},
		"the same, before the window is full ":     {lag.StatusUnknown, series(at{5, 10}, at{5, 10}, at{5, 10}, at{5, 10}, at{5, 10})},
		"reads slower than records come":           {lag.StatusWarn, series(at{5, 10}, at{6, 20}, at{7, 30}, at{8, 40}, at{9, 50}, at{10, 60})},
		"reads as fast as records come, behind":    {lag.StatusWarn, series(at{0, 10}, at{10, 20}, at{20, 30}, at{30, 40}, at{40, 50}, at{50, 60})},
		"the same, before the window is full  ":    {lag.StatusUnknown, series(at{0, 10}, at{10, 20}, at{20, 30}, at{30, 40})},
		"behind, and catching up":                  {lag.StatusOK, series(at{0, 100}, at{20, 110}, at{40, 120}, at{60, 130}, at{80, 140}, at{90, 150})},
		"it catches up: that needs no full window": {lag.StatusOK, series(at{0, 100}, at{20, 110})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, lag.Evaluate(test.samples, rules))
		})
	}
}

// A quiet topic has no commits either, so that its first record would raise an
// alarm if only commits counted. Within one window it does not.
func TestQuietTopicIsInStopOneWindowAfterItsFirstRecord(t *testing.T) {
	t.Parallel()
	quiet := series([2]int64{9, 9}, [2]int64{9, 9}, [2]int64{9, 9}, [2]int64{9, 9}, [2]int64{9, 9})
	for i := range 6 {
		// One sample per minute of a group that no longer reads.
		next := lag.Sample{At: quiet[len(quiet)-1].At.Add(time.Minute), Committed: 9, End: 20 + int64(i)}
		quiet = append(quiet[len(quiet)-5:], next)
		want := lag.StatusOK
		if i == 5 {
			want = lag.StatusStop
		}
		require.Equal(t, want, lag.Evaluate(quiet, rules), "%d minutes after it woke", i)
	}
}

func TestGroupHasTheStatusOfItsWorstPartition(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		want       lag.Status
		partitions []lag.Status
	}{
		{lag.StatusOK, nil},
		{lag.StatusOK, []lag.Status{lag.StatusOK, lag.StatusOK}},
		{lag.StatusUnknown, []lag.Status{lag.StatusUnknown, lag.StatusOK}},
		{lag.StatusWarn, []lag.Status{lag.StatusOK, lag.StatusWarn, lag.StatusUnknown}},
		{lag.StatusError, []lag.Status{lag.StatusOK, lag.StatusStop}},
		{lag.StatusError, []lag.Status{lag.StatusStall, lag.StatusWarn}},
		{lag.StatusError, []lag.Status{lag.StatusRewind}},
	} {
		require.Equal(t, test.want, lag.OfGroup(test.partitions), test.partitions)
	}
}

func TestCodesAreStable(t *testing.T) {
	t.Parallel()
	for code, status := range []lag.Status{"OK", "UNKNOWN", "WARN", "STALL", "STOP", "REWIND", "ERROR"} {
		require.Equal(t, code, status.Code())
		require.Equal(t, code >= 3, status.Bad())
	}
	require.Equal(t, -1, lag.Status("FINE").Code())
}

func TestSampleCountsLagAndLoss(t *testing.T) {
	t.Parallel()
	uncommitted := lag.Sample{Start: 100, End: 130, Committed: lag.NoCommit}
	require.EqualValues(t, 30, uncommitted.Lag(), "counted from the start of the log")
	require.Zero(t, uncommitted.Lost())

	expired := lag.Sample{Start: 100, End: 130, Committed: 60}
	require.EqualValues(t, 30, expired.Lag(), "deleted records are not counted")
	require.EqualValues(t, 40, expired.Lost())

	recreated := lag.Sample{Start: 0, End: 10, Committed: 500}
	require.Zero(t, recreated.Lag())

	_, known := expired.Behind()
	require.False(t, known)
	expired.At, expired.Oldest = noon, noon.Add(-time.Minute)
	age, known := expired.Behind()
	require.True(t, known)
	require.Equal(t, time.Minute, age)
	expired.Oldest = noon.Add(time.Minute)
	age, _ = expired.Behind()
	require.Zero(t, age, "a producer's clock may be ahead")
}

// history returns random samples of a partition: the end grows, and commit returns
// the position of the group.
func history(r *rand.Rand, commit func(r *rand.Rand, before, end int64) int64) []lag.Sample {
	samples := make([]lag.Sample, 1+r.IntN(12))
	at, end, committed := noon, int64(r.IntN(100)), int64(0)
	for i := range samples {
		end += int64(r.IntN(50))
		committed = commit(r, committed, end)
		samples[i] = lag.Sample{At: at, Committed: committed, End: end}
		at = at.Add(time.Duration(1+r.IntN(120)) * time.Second)
	}
	return samples
}

// anyhow is a group that commits at random.
func anyhow(r *rand.Rand, before, end int64) int64 {
	switch r.IntN(4) {
	case 0:
		return before
	case 1:
		return lag.NoCommit
	default:
		return r.Int64N(end + 1)
	}
}

// forEach checks a property on many histories, which are the same in every run.
func forEach(t *testing.T, commit func(*rand.Rand, int64, int64) int64, check func(*rand.Rand, []lag.Sample)) {
	t.Helper()
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 0))
		check(r, history(r, commit))
		require.False(t, t.Failed(), "seed %d", seed)
	}
}

func TestGroupThatKeepsUpIsNeverWorseThanOK(t *testing.T) {
	t.Parallel()
	keepsUp := func(r *rand.Rand, before, end int64) int64 { return max(before, end-r.Int64N(rules.Allowed+1)) }
	forEach(t, keepsUp, func(_ *rand.Rand, samples []lag.Sample) {
		require.Equal(t, lag.StatusOK, lag.Evaluate(samples, rules), samples)
	})
}

func TestGroupThatOnlyMovesForwardIsNeverInRewind(t *testing.T) {
	t.Parallel()
	forward := func(r *rand.Rand, before, end int64) int64 { return before + r.Int64N(end-before+1) }
	forEach(t, forward, func(_ *rand.Rand, samples []lag.Sample) {
		require.NotEqual(t, lag.StatusRewind, lag.Evaluate(samples, rules), samples)
	})
}

func TestGroupThatDoesNotMoveIsAlwaysDetected(t *testing.T) {
	t.Parallel()
	stands := func(_ *rand.Rand, before, _ int64) int64 { return before }
	forEach(t, stands, func(_ *rand.Rand, samples []lag.Sample) {
		everBehind := true
		for _, s := range samples {
			everBehind = everBehind && s.Lag() > rules.Allowed
		}
		if everBehind && rules.Complete(samples) >= 1 {
			require.Contains(t, []lag.Status{lag.StatusStop, lag.StatusStall}, lag.Evaluate(samples, rules), samples)
		}
	})
}

func TestIncompleteWindowIsNeverInStopStallOrWarn(t *testing.T) {
	t.Parallel()
	forEach(t, anyhow, func(_ *rand.Rand, samples []lag.Sample) {
		if rules.Complete(samples) < 1 {
			require.Contains(t, []lag.Status{lag.StatusOK, lag.StatusUnknown, lag.StatusRewind}, lag.Evaluate(samples, rules), samples)
		}
	})
}

func TestStatusDoesNotDependOnTheClockOrTheFirstOffset(t *testing.T) {
	t.Parallel()
	forEach(t, anyhow, func(r *rand.Rand, samples []lag.Sample) {
		want := lag.Evaluate(samples, rules)
		days, offsets := time.Duration(r.IntN(1000)-500)*24*time.Hour, r.Int64N(1e12)
		moved := make([]lag.Sample, len(samples))
		for i, s := range samples {
			s.At, s.Start, s.End = s.At.Add(days), s.Start+offsets, s.End+offsets
			if s.Committed != lag.NoCommit {
				s.Committed += offsets
			}
			moved[i] = s
		}
		require.Equal(t, want, lag.Evaluate(moved, rules), samples)
	})
}

func TestHigherAllowedLagNeverWorsensTheStatus(t *testing.T) {
	t.Parallel()
	forEach(t, anyhow, func(r *rand.Rand, samples []lag.Sample) {
		strict := lag.Rules{Window: rules.Window, Allowed: r.Int64N(100)}
		lenient := lag.Rules{Window: rules.Window, Allowed: strict.Allowed + r.Int64N(100)}
		require.LessOrEqual(t, lag.Evaluate(samples, lenient).Code(), lag.Evaluate(samples, strict).Code(), samples)
	})
}

// The lake writes a file every few minutes: until then nothing is read, and nothing is
// wrong.
func TestGroupThatWritesInBatchesIsCaughtUpWhileItsRecordsAreYoung(t *testing.T) {
	t.Parallel()
	rules := lag.Config{Window: 30 * time.Second, Interval: time.Second, Batched: []string{"orak-lake=5m"}}.Rules()
	now := time.Now()
	samples := []lag.Sample{
		{At: now.Add(-time.Minute), End: 10, Committed: lag.NoCommit, Oldest: now.Add(-2 * time.Minute)},
		{At: now, End: 20, Committed: lag.NoCommit, Oldest: now.Add(-2 * time.Minute)},
	}
	require.Equal(t, lag.StatusStop, lag.Evaluate(samples, rules.Of("orak-bridge")))
	require.Equal(t, lag.StatusOK, lag.Evaluate(samples, rules.Of("orak-lake")))
	samples[1].Oldest = now.Add(-6 * time.Minute)
	require.Equal(t, lag.StatusStop, lag.Evaluate(samples, rules.Of("orak-lake")))
	samples[1].Oldest = time.Time{}
	require.Equal(t, lag.StatusStop, lag.Evaluate(samples, rules.Of("orak-lake")), "an unknown age excuses nothing")
	for _, wrong := range []string{"orak-lake", "=5m", "orak-lake=", "orak-lake=0s", "orak-lake=soon"} {
		require.Error(t, lag.Config{Window: time.Minute, Interval: time.Second, Batched: []string{wrong}}.Validate(), wrong)
	}
}
