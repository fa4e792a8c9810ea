package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/operate/replay"
	"orak/test/stack"
	"orak/workflows"
)

// topicOf starts a broker whose uploads topic has the announcement of the test's
// upload and a record that is not an event.
func topicOf(t *testing.T) kafka.Config {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	cfg := kafka.Config{Brokers: broker.ListenAddrs(), ClientID: "test", ReplicationFactor: 1}
	cl, err := kafka.NewClient(cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, events.Topics(), 1))
	e, err := events.NewReceived(orak.Upload{
		ID: testID, Tenant: "choir", Key: orak.OriginalKey("choir", testID), ContentType: "audio/wav",
		Size: 10, SHA256: strings.Repeat("0f", 32), ReceivedAt: time.Now(),
	})
	require.NoError(t, err)
	noEvent := &kgo.Record{Topic: events.TopicUploads, Key: []byte("in another partition"), Value: []byte("no event")}
	require.NoError(t, cl.ProduceSync(t.Context(), e.Record(events.TopicUploads), noEvent).FirstErr())
	return cfg
}

func TestReplayPlansThenStartsThenHasNothingToDo(t *testing.T) {
	t.Parallel()
	servers := stack.Start(t)
	environ := []string{
		"COLUMNS=80", "LANG=C.UTF-8", "ORAK_KAFKA_BROKERS=" + strings.Join(topicOf(t).Brokers, ","),
		"ORAK_TEMPORAL_ADDRESS=" + servers.Temporal, "ORAK_TEMPORAL_NAMESPACE=" + servers.Namespace(t),
		"XDG_CACHE_HOME=" + t.TempDir(),
		"ORAK_S3_ENDPOINT=" + servers.S3, "ORAK_S3_BUCKET=" + servers.Bucket(t),
		"ORAK_S3_ACCESS_KEY=" + servers.S3AccessKey, "ORAK_S3_SECRET_KEY=" + servers.S3SecretKey,
	}
	state := filepath.Join(t.TempDir(), "state.json")
	words := []string{"replay", "--since", "1h", "--state", state}

	got := orakRunEnv(t.Context(), environ, append(words, "--dry-run")...)
	require.Equal(t, exitOK, got.code, got.err)
	for _, want := range []string{"2 records", "Missing", "1 to start", "Undecodable", "Would start 1 workflow, at most 50/s", "ce_specversion: missing"} {
		require.Contains(t, got.out, want)
	}
	require.NotContains(t, got.out, "Started")

	got = orakRunEnv(t.Context(), environ, append(words, "--resume", "--yes")...)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "no interrupted replay")

	got = orakRunEnv(t.Context(), environ, append(words, "--yes")...)
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "✓ Started 1 workflow.")
	require.Contains(t, got.err, "replaying: 1 of 1 workflow\n")
	require.NoFileExists(t, state)

	got = orakRunEnv(t.Context(), environ, append(words, "--yes", "--json")...)
	require.Equal(t, exitOK, got.code, got.err)
	var plan struct {
		Phase string
		replay.Plan
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &plan))
	require.Equal(t, "plan", plan.Phase)
	require.Equal(t, map[replay.State]int{replay.Running: 1}, plan.States)
	require.Empty(t, plan.Start)
	require.Equal(t, 1, plan.Undecodable)
	require.Empty(t, got.err)
}

// A recording that a device put into the bucket is announced only by the bucket,
// and replayed from its bytes.
func TestReplayStartsUploadsAnnouncedOnlyByTheBucket(t *testing.T) {
	t.Parallel()
	servers := stack.Start(t)
	bucket, id := servers.Bucket(t), orak.UploadID("0195a2b4-7c3d-7e8f-9a0b-00000000c0de")
	wav := "RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"
	_, err := servers.Store(t).PutObject(t.Context(), bucket, orak.OriginalKey("choir", id), strings.NewReader(wav), int64(len(wav)), minio.PutObjectOptions{})
	require.NoError(t, err)
	cfg, ns := topicOf(t), servers.Namespace(t)
	cl, err := kafka.NewClient(cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer cl.Close()
	notification := fmt.Sprintf(`{"Records":[{"eventName":"s3:ObjectCreated:Put","s3":{"bucket":{"name":%q},"object":{"key":%q}}}]}`,
		bucket, orak.OriginalKey("choir", id))
	require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: events.TopicUploads, Value: []byte(notification)}).FirstErr())
	environ := []string{
		"LANG=C.UTF-8", "ORAK_KAFKA_BROKERS=" + strings.Join(cfg.Brokers, ","), "ORAK_TEMPORAL_ADDRESS=" + servers.Temporal,
		"ORAK_TEMPORAL_NAMESPACE=" + ns, "XDG_CACHE_HOME=" + t.TempDir(),
		"ORAK_S3_ENDPOINT=" + servers.S3, "ORAK_S3_BUCKET=" + bucket,
		"ORAK_S3_ACCESS_KEY=" + servers.S3AccessKey, "ORAK_S3_SECRET_KEY=" + servers.S3SecretKey,
	}
	got := orakRunEnv(t.Context(), environ, "replay", "--id", string(id), "--yes")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "Started 1 workflow.")
	described, err := servers.Client(t, ns).DescribeWorkflowExecution(t.Context(), workflows.UploadWorkflowID(id), "")
	require.NoError(t, err)
	var progress orak.Progress
	memo := described.GetWorkflowExecutionInfo().GetMemo().GetFields()[workflows.MemoProgress]
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(memo, &progress))
	require.Equal(t, []any{int64(len(wav)), "audio/wav"}, []any{progress.Upload.Size, progress.Upload.ContentType})
}

func TestOffsetsAreShownAndReset(t *testing.T) {
	t.Parallel()
	cfg := topicOf(t)
	broker := "--kafka-brokers=" + strings.Join(cfg.Brokers, ",")
	got := orakRun(t.Context(), "", "offsets", "show", broker)
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "orak-bridge on orak.uploads: dead, 0 members, lag 2\n")
	require.Contains(t, got.out, "        0          none")

	got = orakRun(t.Context(), "", "offsets", "reset", broker, "--to", "latest", "--dry-run")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "1 record skipped")
	got = orakRun(t.Context(), "", "offsets", "reset", broker, "--to", "latest", "--yes")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "The offsets are reset.")
	got = orakRun(t.Context(), "", "offsets", "show", broker, "--json")
	var group replay.Group
	require.NoError(t, json.Unmarshal([]byte(got.out), &group))
	require.Zero(t, group.Lag())
	require.Equal(t, group.Partitions[3].End, group.Partitions[3].Committed)

	assigned := make(chan struct{})
	member, err := kafka.NewClient(cfg, slog.New(slog.DiscardHandler), kgo.ConsumerGroup(events.GroupBridge),
		kgo.ConsumeTopics(events.TopicUploads), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { close(assigned) }))
	require.NoError(t, err)
	defer member.Close()
	<-assigned
	got = orakRun(t.Context(), "", "offsets", "reset", broker, "--to", "earliest", "--yes")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "orak-bridge has active members")
	require.Contains(t, got.err, "test at ")
	require.NotContains(t, got.out, "The offsets are reset.")
}

func TestUnreachableBrokerIsOneClearLine(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"replay", "--since", "1h", "--dry-run"}, {"offsets", "show"}, {"offsets", "reset", "--to", "latest", "--dry-run"},
	} {
		got := orakRun(t.Context(), "", append(args, "--kafka-brokers=127.0.0.1:1")...)
		require.Equal(t, exitUnreachable, got.code, args)
		require.True(t, strings.HasPrefix(got.err, "orak: Kafka does not return the offsets of orak.uploads: "), got.err)
		require.Contains(t, got.err, "connection refused")
	}
}

func TestReplayRefusesInvalidFlags(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"say what to replay":         {"replay", "--yes"},
		"put --id before ids":        {"replay", testID, "--since", "1h"},
		"exclude each other":         {"replay", "--since", "1h", "--from-offset", "3"},
		"not a terminal to ask":      {"replay", "--since", "1h"},
		"want an age such as":        {"replay", "--since", "yesterday"},
		"want partition:offset":      {"replay", "--from-offset", "1:x"},
		"given twice":                {"replay", "--from-offset", "1:1,1:2"},
		"not after the beginning":    {"replay", "--since", "1h", "--until", "2h"},
		"not an upload id":           {"replay", "--id", "x"},
		"--only":                     {"replay", "--since", "1h", "--only", "parked"},
		"want a number a second":     {"replay", "--since", "1h", "--rate", "fast"},
		"missing flags":              {"offsets", "reset"},
		"can't be used together":     {"offsets", "reset", "--to", "latest", "--to-time", "1h"},
		"add --yes to go ahead":      {"offsets", "reset", "--to", "latest"},
		"want an age such as 2h or ": {"offsets", "reset", "--to-time", "now"},
	} {
		got := orakRun(t.Context(), "", args...)
		require.Equal(t, exitUsage, got.code, "%v: %s", args, got.err)
		require.Contains(t, got.err, want)
	}
}

func TestReplayParsesAgesTimesRatesAndIDs(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2h": now.Add(-2 * time.Hour), "3d": now.AddDate(0, 0, -3), "": {},
		"2026-11-22T09:00:00+01:00": now.Add(-4 * time.Hour),
	} {
		got, err := parseWhen(text, now)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for text, want := range map[string]float64{"50/s": 50, "600/m": 10, "7": 7, "0": 0} {
		got, err := parseRate(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	sel, err := (&replayCmd{ID: []string{testID}, More: []string{"upload-" + otherID}, Only: []string{"missing"}}).selection(now)
	require.NoError(t, err)
	require.Equal(t, []orak.UploadID{testID, otherID}, sel.IDs)
}

func TestInterruptedReplayPrintsTheCommandToContinue(t *testing.T) {
	t.Parallel()
	con, _, _ := testConsole(80)
	con.repeat = func(name string) bool { return name == "kafka-brokers" || name == "rate" }
	c := &replayCmd{Since: "2h", Until: "1h", ID: []string{testID}, Force: true, Rate: "5/m", Only: []string{"missing"}}
	c.Settings.Kafka.Brokers = []string{"a:1", "b:2"}
	require.Equal(t, "orak replay --since 2h --until 1h --id "+testID+" --force --rate 5/m --kafka-brokers 'a:1,b:2' --resume",
		c.command(con, true))
}

// What was interrupted on one cluster has not begun on the next.
func TestInterruptedReplayOfTwoClustersIsContinuedOnBoth(t *testing.T) {
	t.Parallel()
	servers := stack.Start(t)
	primary, standby, ns := topicOf(t), topicOf(t), servers.Namespace(t)
	announce := func(cfg kafka.Config, n int) {
		cl, err := kafka.NewClient(cfg, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer cl.Close()
		for range n {
			id := orak.UploadID(uuid.NewString())
			e, err := events.NewReceived(orak.Upload{
				ID: id, Tenant: "choir", Key: orak.OriginalKey("choir", id), ContentType: "audio/wav",
				Size: 10, SHA256: strings.Repeat("0f", 32), ReceivedAt: time.Now(),
			})
			require.NoError(t, err)
			require.NoError(t, cl.ProduceSync(t.Context(), e.Record(events.TopicUploads)).FirstErr())
		}
	}
	announce(primary, 1) // two with the one that it has
	announce(standby, 1)
	environ := []string{
		"LANG=C.UTF-8", "ORAK_KAFKA_BROKERS=" + strings.Join(primary.Brokers, ","), "ORAK_KAFKA_STANDBY_BROKERS=" + strings.Join(standby.Brokers, ","),
		"ORAK_TEMPORAL_ADDRESS=" + servers.Temporal, "ORAK_TEMPORAL_NAMESPACE=" + ns, "XDG_CACHE_HOME=" + t.TempDir(),
		"ORAK_S3_ENDPOINT=" + servers.S3, "ORAK_S3_BUCKET=" + servers.Bucket(t),
		"ORAK_S3_ACCESS_KEY=" + servers.S3AccessKey, "ORAK_S3_SECRET_KEY=" + servers.S3SecretKey,
	}
	c := servers.Client(t, ns)
	started := func() int {
		list, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: ns})
		require.NoError(t, err)
		return len(list.GetExecutions())
	}
	words := []string{"replay", "--from-offset", "0", "--yes"}

	got := orakRunEnv(t.Context(), environ, append(words, "--resume")...)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "no interrupted replay")
	got = orakRunEnv(t.Context(), environ, append(words, "--state", "x")...)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "add --cluster")

	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		assert.Eventually(t, func() bool { return started() == 1 }, time.Minute, 50*time.Millisecond)
		interrupt()
	}()
	got = orakRunEnv(ctx, environ, append(words, "--rate", "1/m")...)
	require.Equal(t, exitInterrupted, got.code, got.err)
	require.Contains(t, got.err, "Stopped after 1 workflow of 2. Continue with:\n  orak replay --from-offset 0 --cluster primary --rate 1/m --resume\n")
	require.Contains(t, got.err, "standby was not begun. Begin with:\n  orak replay --from-offset 0 --cluster standby --rate 1/m\n")

	got = orakRunEnv(t.Context(), environ, append(words, "--resume", "--force")...)
	require.Equal(t, exitUsage, got.code, "the selection is another one with --force")
	got = orakRunEnv(t.Context(), environ, append(words, "--resume")...)
	require.Equal(t, exitOK, got.code, got.err)
	require.Eventually(t, func() bool { return started() == 3 }, time.Minute, 50*time.Millisecond)
	got = orakRunEnv(t.Context(), environ, append(words, "--resume")...)
	require.Equal(t, exitUsage, got.code, "nothing is left")
}
