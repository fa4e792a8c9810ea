package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/terminal"
	"orak/operate/lag"
)

// kafkaWith starts a broker on which the group "readers" has committed an offset
// in a partition of ten records.
func kafkaWith(t *testing.T, committed int64) (environ []string) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "voices"))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	for range 10 {
		r := &kgo.Record{Topic: "voices", Key: []byte("somebody"), Timestamp: time.Now().Add(-10 * time.Second)}
		require.NoError(t, cl.ProduceSync(t.Context(), r).FirstErr())
	}
	var offsets kadm.Offsets
	offsets.AddOffset("voices", 0, committed, -1)
	require.NoError(t, kadm.NewClient(cl).CommitAllOffsets(t.Context(), "readers", offsets))
	return []string{"COLUMNS=80", "LANG=C.UTF-8", "ORAK_KAFKA_BROKERS=" + strings.Join(cluster.ListenAddrs(), ",")}
}

func TestLagThatIsCaughtUpIsOK(t *testing.T) {
	t.Parallel()
	got := orakRunEnv(t.Context(), kafkaWith(t, 10), "lag", "--group", "readers")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "readers  OK\n  empty, 0 members, 0 records behind\n")
	require.Empty(t, got.err)
}

func TestLagInOneLookSuggestsToObserve(t *testing.T) {
	t.Parallel()
	got := orakRunEnv(t.Context(), kafkaWith(t, 4), "lag", "--all", "--keys")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "readers  UNKNOWN\n")
	require.Contains(t, got.out, "6 records behind, the oldest for ")
	require.Contains(t, got.out, "key somebody                                      10 100.0 % ██")
	require.Contains(t, got.err, "--for 30s, or --watch")
}

func TestLagOfAStalledGroupHasItsExitCode(t *testing.T) {
	t.Parallel()
	environ := kafkaWith(t, 4)
	got := orakRunEnv(t.Context(), environ, "lag", "--group", "readers", "--for", "1s", "--json")
	require.Equal(t, exitGroupError, got.code, got.err)
	require.Empty(t, got.err)
	var shown lagLook
	require.NoError(t, json.Unmarshal([]byte(got.out), &shown))
	require.Len(t, shown.Groups, 1)
	require.Equal(t, lag.StatusError, shown.Groups[0].Status)
	require.Equal(t, lag.StatusStall, shown.Groups[0].Partitions[0].Status)
	require.EqualValues(t, 6, shown.Groups[0].Partitions[0].Lag)

	lenient := orakRunEnv(t.Context(), environ, "lag", "--group", "readers", "--lag-allowed", "6")
	require.Equal(t, exitOK, lenient.code, lenient.err)
	require.Contains(t, lenient.out, "readers  OK\n")
}

func TestLagOfEachClusterIsShown(t *testing.T) {
	t.Parallel()
	standby, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, events.TopicUploads))
	require.NoError(t, err)
	t.Cleanup(standby.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(standby.ListenAddrs()...))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: events.TopicUploads}).FirstErr())
	var offsets kadm.Offsets
	offsets.AddOffset(events.TopicUploads, 0, 0, -1)
	require.NoError(t, kadm.NewClient(cl).CommitAllOffsets(t.Context(), events.GroupBridge, offsets))
	environ := append(kafkaWith(t, 10), "ORAK_KAFKA_STANDBY_BROKERS="+strings.Join(standby.ListenAddrs(), ","))

	got := orakRunEnv(t.Context(), environ, "lag")
	require.NotContains(t, got.err, events.GroupBridge, "it is on one of them")
	require.Contains(t, got.out, "cluster standby\norak-bridge  UNKNOWN\n  empty, 0 members, 1 record behind")
	all := orakRunEnv(t.Context(), environ, "lag", "--all")
	require.Contains(t, all.out, "cluster primary\nreaders  OK\n")
	require.Contains(t, all.out, "\n\ncluster standby\norak-bridge  UNKNOWN\n")
	one := orakRunEnv(t.Context(), environ, "lag", "--cluster", "standby")
	require.NotContains(t, one.out, "cluster")
	nobody := orakRunEnv(t.Context(), environ, "lag", "--group", "nobody", "--group", "readers")
	require.Equal(t, exitFailed, nobody.code)
	require.Equal(t, 1, strings.Count(nobody.err, "no such consumer group"), nobody.err)
	stalled := orakRunEnv(t.Context(), environ, "lag", "--group", events.GroupBridge, "--for", "1s", "--json")
	require.Equal(t, exitGroupError, stalled.code, stalled.err)
	looks := json.NewDecoder(strings.NewReader(stalled.out))
	var primary, other lagLook
	require.NoError(t, looks.Decode(&primary))
	require.NoError(t, looks.Decode(&other))
	require.Equal(t, "standby", other.Cluster)
	require.Equal(t, lag.StatusError, other.Groups[0].Status)

	standby.Close()
	down := orakRunEnv(t.Context(), environ, "lag", "--group", "readers")
	require.Equal(t, exitUnreachable, down.code)
	require.Contains(t, down.out, "readers  OK\n", "the other cluster is shown")
	require.Contains(t, down.err, "cluster standby: ")
}

func TestLagOfAnUnknownGroupIsAFailure(t *testing.T) {
	t.Parallel()
	environ := kafkaWith(t, 10)
	got := orakRunEnv(t.Context(), environ, "lag", "--group", "nobody", "--group", "readers")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.out, "readers  OK\n", "the others are shown")
	require.Contains(t, got.err, "nobody: no such consumer group")

	bridge := orakRunEnv(t.Context(), environ, "lag")
	require.Equal(t, exitFailed, bridge.code)
	require.Contains(t, bridge.err, "orak-bridge: no such consumer group", "the default is the bridge's group")
}

func TestLagWatchRunsUntilInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	environ := kafkaWith(t, 4)
	out := &cutAfter{lines: 12, cut: interrupt}
	code := run(ctx, []string{"lag", "--group", "readers", "--watch", "--for", "1s"}, environ, strings.NewReader(""), out, &strings.Builder{})
	require.Equal(t, exitInterrupted, code)
	require.Contains(t, out.String(), "readers  UNKNOWN\n")
}

// cutAfter calls cut once that many lines have been written to it.
type cutAfter struct {
	strings.Builder
	lines int
	cut   func()
}

func (c *cutAfter) Write(p []byte) (int, error) {
	if c.lines -= strings.Count(string(p), "\n"); c.lines <= 0 {
		c.cut()
	}
	return c.Builder.Write(p)
}

func TestLagRefusesInvalidFlags(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"can't be used together": {"lag", "--all", "--group", "a"},
		"at least 1s":            {"lag", "--for", "10ms"},
		"at least 1":             {"lag", "--keys", "--records", "0"},
		"two intervals":          {"lag", "--lag-window", "1s"},
	} {
		got := orakRunEnv(t.Context(), nil, args...)
		require.Equal(t, exitUsage, got.code, args)
		require.Contains(t, got.err, want)
	}
}

// lagged is a look with every kind of group and partition.
func lagged() lagLook {
	committed := func(n int64) *int64 { return &n }
	seconds := func(s float64) *float64 { return &s }
	return lagLook{
		Groups: []lag.GroupReport{
			{Group: "orak-bridge", Status: lag.StatusError, State: "Stable", Members: 3, Lag: 1_206_130, Seconds: seconds(9000), Partitions: []lag.PartitionReport{
				{Topic: "orak.uploads", Partition: 0, Status: lag.StatusOK, Committed: committed(120_000_000), End: 120_000_000, Seconds: seconds(0)},
				{Topic: "orak.uploads", Partition: 1, Status: lag.StatusStop, Committed: committed(118_800_000), End: 120_000_000, Lag: 1_200_000, Seconds: seconds(9000), Lost: 12},
				{Topic: "orak.uploads", Partition: 2, Status: lag.StatusWarn, Committed: committed(119_993_900), End: 120_000_000, Lag: 6100, Seconds: seconds(42)},
				{Topic: "orak.uploads", Partition: 11, Status: lag.StatusUnknown, End: 30, Lag: 30},
			}},
			{Group: "somebody-else", Status: lag.StatusOK, State: "Empty", Partitions: []lag.PartitionReport{
				{Topic: "their.topic", Status: lag.StatusOK, Committed: committed(7), End: 7, Seconds: seconds(0)},
			}},
			{Group: "nobody", Err: errors.New("no such consumer group")},
		},
		Hot: []lag.Hot{{
			Topic: "orak.uploads", Records: 1000, Since: time.Date(2026, 11, 22, 11, 0, 0, 0, time.Local),
			Keys:       []lag.Count{{Key: testID, Count: 400}, {Key: "", Count: 2}, {Key: "\x1b[2Jhostile", Count: 1}},
			Partitions: []lag.PartitionCount{{Partition: 1, Records: 990}, {Partition: 0, Records: 10}},
		}},
	}
}

func TestLagAsPeopleSeeIt(t *testing.T) {
	t.Parallel()
	for name, columns := range map[string]int{"lag": 80, "lag_narrow": 48} {
		con, out, _ := testConsole(columns)
		con.lag(lagged(), false)
		golden(t, name, out.String())
	}
	con, out, _ := testConsole(80)
	con.lag(lagged(), true)
	golden(t, "lag_all", out.String())
}

func TestLagFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for columns := 44; columns <= 120; columns++ {
		con, out, _ := testConsole(columns)
		con.lag(lagged(), false)
		for line := range strings.Lines(out.String()) {
			require.LessOrEqual(t, terminal.Width(strings.TrimSuffix(line, "\n")), columns, line)
		}
	}
}
