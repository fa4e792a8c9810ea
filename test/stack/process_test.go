package stack

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/sdk/client"
)

// things is the number of records, objects and workflows that
// TestKillLosesNothing makes.
const things = 60

func TestKillLosesNothing(t *testing.T) {
	t.Parallel()
	p := StartServers(t, Options{})
	createTopic(t, p, "orak.uploads")
	require.NoError(t, p.Store(t).MakeBucket(t.Context(), "orak", minio.MakeBucketOptions{}))
	produce(t, p, things)
	put(t, p, things)
	startWorkflows(t, p, things)
	commit(t, p, things/2)

	p.Kill()
	p.Restart()

	require.Len(t, consume(t, p), things, "acknowledged records")
	require.EqualValues(t, things/2, committed(t, p), "committed offset")
	requireObjects(t, p, things)
	requireWorkflows(t, p, things)
}

func TestStopEndsWellAndLosesNothing(t *testing.T) {
	t.Parallel()
	p := StartServers(t, Options{})
	createTopic(t, p, "orak.uploads")
	produce(t, p, 1)
	p.Stop()
	p.Restart()
	require.Len(t, consume(t, p), 1)
}

// HTTP clients open connections before they have a request, and some never send one.
func TestStopWaitsForNoConnectionWithoutARequest(t *testing.T) {
	t.Parallel()
	p := StartServers(t, Options{})
	for _, address := range []string{p.S3, p.Kafka, p.Temporal, strings.TrimPrefix(p.TemporalUI, "http://")} {
		conn, err := net.Dial("tcp4", address)
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
	}
	p.Stop()
}

func TestProcessEndsWithItsStandardInput(t *testing.T) {
	t.Parallel()
	p := StartServers(t, Options{})
	require.NoError(t, p.stdin.Close())
	select {
	case <-p.exited:
		require.NoError(t, p.err)
	case <-time.After(stopTimeout):
		t.Fatal("the process still runs")
	}
}

func TestDataFolderHasOneProcessAtATime(t *testing.T) {
	t.Parallel()
	p := StartServers(t, Options{})
	_, _, err := spawn("", nil, "servers", "--data-dir="+p.DataDir,
		"--temporal-port=0", "--temporal-ui-port=0", "--kafka-port=0", "--s3-port=0")
	require.ErrorContains(t, err, fmt.Sprintf("the data folder is in use: process %d", p.PID()))
	require.ErrorContains(t, err, "ORAK_DATA_DIR")
}

func TestTakenPortIsNamedWithItsFlag(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { taken.Close() })
	number := port(taken.Addr().String())
	_, _, err = spawn("", nil, "servers", "--data-dir="+t.TempDir(),
		"--temporal-port="+number, "--temporal-ui-port=0", "--kafka-port=0", "--s3-port=0")
	require.ErrorContains(t, err, "port "+number+", where Temporal would listen")
	require.ErrorContains(t, err, "--temporal-port or ORAK_TEMPORAL_PORT")
}

func TestDataFolderMayHaveAnyName(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a b?c#d%20é")
	p := StartServers(t, Options{DataDir: dir})
	startWorkflows(t, p, 1)
	require.FileExists(t, filepath.Join(dir, "temporal", "temporal.db"))
	p.Kill()
	p.Restart()
	requireWorkflows(t, p, 1)
}

// The store changes its process's working directory, which must not move the
// folder of anything else.
func TestDataFolderMayBeRelative(t *testing.T) {
	t.Parallel()
	cwd, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	relative, err := filepath.Rel(cwd, dir)
	require.NoError(t, err)
	p := StartServers(t, Options{DataDir: relative})
	require.Equal(t, dir, p.DataDir)
	for _, name := range []string{"temporal/temporal.db", "kafka/meta.json", "s3/objects", "logs/servers.log"} {
		_, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
	}
}

func TestProducingCreatesNoTopic(t *testing.T) {
	t.Parallel()
	p := StartServers(t, Options{})
	cl := kafka(t, p, kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(0))
	err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "missing", Value: []byte("x")}).FirstErr()
	require.ErrorIs(t, err, kerr.UnknownTopicOrPartition)
}

func kafka(t *testing.T, p *Process, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(p.Kafka), kgo.ProducerLinger(0))...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

func createTopic(t *testing.T, p *Process, name string) {
	t.Helper()
	_, err := kadm.NewClient(kafka(t, p)).CreateTopic(t.Context(), 1, 1, nil, name)
	require.NoError(t, err)
}

func produce(t *testing.T, p *Process, n int) {
	t.Helper()
	cl := kafka(t, p)
	for i := range n {
		r := &kgo.Record{Topic: "orak.uploads", Value: body(i)}
		require.NoError(t, cl.ProduceSync(t.Context(), r).FirstErr())
	}
}

func consume(t *testing.T, p *Process) []*kgo.Record {
	t.Helper()
	cl := kafka(t, p, kgo.ConsumeTopics("orak.uploads"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ends, err := kadm.NewClient(cl).ListEndOffsets(t.Context(), "orak.uploads")
	require.NoError(t, err)
	end, ok := ends.Lookup("orak.uploads", 0)
	require.True(t, ok)
	var records []*kgo.Record
	for int64(len(records)) < end.Offset {
		fetches := cl.PollFetches(t.Context())
		require.NoError(t, fetches.Err())
		records = append(records, fetches.Records()...)
	}
	return records
}

func commit(t *testing.T, p *Process, at int64) {
	t.Helper()
	offsets := kadm.Offsets{}
	offsets.AddOffset("orak.uploads", 0, at, -1)
	require.NoError(t, kadm.NewClient(kafka(t, p)).CommitAllOffsets(t.Context(), "orak-bridge", offsets))
}

func committed(t *testing.T, p *Process) int64 {
	t.Helper()
	offsets, err := kadm.NewClient(kafka(t, p)).FetchOffsets(t.Context(), "orak-bridge")
	require.NoError(t, err)
	o, ok := offsets.Lookup("orak.uploads", 0)
	require.True(t, ok)
	return o.At
}

func body(i int) []byte       { return bytes.Repeat([]byte{byte(i), 'x'}, 500) }
func key(i int) string        { return fmt.Sprintf("uploads/default/%d/original", i) }
func workflowID(i int) string { return fmt.Sprintf("upload-%d", i) }

func put(t *testing.T, p *Process, n int) {
	t.Helper()
	store := p.Store(t)
	for i := range n {
		_, err := store.PutObject(t.Context(), "orak", key(i), bytes.NewReader(body(i)), int64(len(body(i))),
			minio.PutObjectOptions{ContentType: "audio/wav"})
		require.NoError(t, err)
	}
}

func requireObjects(t *testing.T, p *Process, n int) {
	t.Helper()
	store := p.Store(t)
	for i := range n {
		object, err := store.GetObject(t.Context(), "orak", key(i), minio.GetObjectOptions{})
		require.NoError(t, err)
		info, err := object.Stat()
		require.NoError(t, err)
		require.Equal(t, "audio/wav", info.ContentType)
		data, err := io.ReadAll(object)
		require.NoError(t, err)
		require.Equal(t, body(i), data)
	}
}

func startWorkflows(t *testing.T, p *Process, n int) {
	t.Helper()
	c := p.Client(t, "default")
	for i := range n {
		_, err := c.ExecuteWorkflow(t.Context(),
			client.StartWorkflowOptions{ID: workflowID(i), TaskQueue: "orak-pipeline"}, "ProcessUpload")
		require.NoError(t, err)
	}
}

func requireWorkflows(t *testing.T, p *Process, n int) {
	t.Helper()
	c := p.Client(t, "default")
	for i := range n {
		_, err := c.DescribeWorkflowExecution(t.Context(), workflowID(i), "")
		require.NoError(t, err, "workflow %d", i)
	}
}

func TestDownEndsWhatRunsOnTheDataFolder(t *testing.T) {
	t.Parallel()
	p := StartServers(t, Options{})
	path, release, err := build()
	require.NoError(t, err)
	release()
	down := func() string {
		out, err := exec.Command(path, "down", "--data-dir="+p.DataDir).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	// The test reaps the child, so that it does not stay behind as a zombie.
	require.Contains(t, down(), fmt.Sprintf("ended process %d", p.PID()))
	<-p.exited
	require.NoError(t, p.err)
	require.Contains(t, down(), "nothing runs on "+p.DataDir)
}

func TestProcessEndsWithAnother(t *testing.T) {
	t.Parallel()
	other := exec.Command("cat")
	stdin, err := other.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, other.Start())
	path, release, err := build()
	require.NoError(t, err)
	release()

	cmd := exec.Command(path, "servers", "--data-dir="+t.TempDir(), fmt.Sprintf("--exit-with=%d", other.Process.Pid),
		"--temporal-port=0", "--temporal-ui-port=0", "--kafka-port=0", "--s3-port=0")
	cmd.Env = Environ()
	c, err := Run(cmd, func(string) bool { return false })
	require.NoError(t, err)
	require.NoError(t, stdin.Close())
	require.NoError(t, other.Wait())
	select {
	case <-c.exited:
		require.NoError(t, c.err, "%s", c.Output())
	case <-time.After(stopTimeout):
		c.Kill()
		t.Fatal("the process still runs")
	}
}
