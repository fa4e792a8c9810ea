package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"orak"
	"orak/events"
	"orak/internal/app"
	"orak/internal/config"
	"orak/internal/kafka"
	"orak/operate/reconcile"
	"orak/test/stack"
	"orak/workflows"
)

// parked starts an upload that is parked without a letter, and returns the
// environment in which commands find it.
func parked(t *testing.T) (environ []string, u orak.Upload) {
	t.Helper()
	servers := stack.Start(t)
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	namespace := servers.Namespace(t)
	environ = []string{
		"COLUMNS=100", "LANG=C.UTF-8", "ORAK_KAFKA_BROKERS=" + strings.Join(broker.ListenAddrs(), ","), "ORAK_KAFKA_REPLICATION_FACTOR=1",
		"ORAK_TEMPORAL_ADDRESS=" + servers.Temporal, "ORAK_TEMPORAL_NAMESPACE=" + namespace,
		"ORAK_S3_ENDPOINT=" + servers.S3, "ORAK_S3_BUCKET=" + servers.Bucket(t),
		"ORAK_S3_ACCESS_KEY=" + servers.S3AccessKey, "ORAK_S3_SECRET_KEY=" + servers.S3SecretKey,
		"ORAK_ADMIN_LISTEN=", "ORAK_WORKER_QUEUES=orak-pipeline", "ORAK_RECONCILE_INTERVAL=8000h", "ORAK_RECONCILE_MIN_AGE=0s",
	}
	now := time.Now().UTC().Add(-time.Hour)
	u = orak.Upload{
		ID: testID, Tenant: "choir", Key: orak.OriginalKey("choir", testID), ContentType: "audio/wav",
		Size: 10, SHA256: strings.Repeat("0f", 32), ReceivedAt: now,
	}
	c := servers.Client(t, namespace)
	_, err = c.ExecuteWorkflow(t.Context(), workflows.StartOptions(workflows.ProcessUploadInput{Upload: u}), workflows.TypeProcessUpload, workflows.ProcessUploadInput{
		Upload: u, Origin: events.Origin{Topic: events.TopicUploads, Key: []byte(u.ID), Value: []byte("{}")},
		Resume: &workflows.Resume{ParkedAt: now, Progress: orak.Progress{
			Upload: u, Status: orak.StatusDeadLettered, Stage: orak.StageConvert, UpdatedAt: now,
			Failure: &orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "No.", Attempts: 1, FirstAt: now, LastAt: now},
		}},
	})
	require.NoError(t, err)
	return environ, u
}

// work runs a worker until the test ends.
func work(t *testing.T, environ []string) {
	t.Helper()
	var s struct {
		App app.Config `embed:""`
	}
	_, err := config.Load(nil, &s, config.Options{Name: "orak", Environ: environ, Stdout: io.Discard, Warn: func(string) {}})
	require.NoError(t, err)
	a, err := app.Start(t.Context(), s.App, app.Roles{Worker: true}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Stop(context.WithoutCancel(t.Context()))) })
}

func TestOperatorsReconcileAndVerify(t *testing.T) {
	t.Parallel()
	environ, u := parked(t)

	got := orakRunEnv(t.Context(), environ, "reconcile", "--history")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.err, "There was no reconciliation yet")
	got = orakRunEnv(t.Context(), environ, "reconcile", "--now")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "start a worker")

	work(t, environ)
	require.Eventually(t, func() bool {
		got = orakRunEnv(t.Context(), environ, "dlq", "verify")
		return got.code == exitFailed
	}, time.Minute, 100*time.Millisecond)
	require.Contains(t, got.out, workflows.UploadWorkflowID(u.ID)+"  parked_without_letter  cycle 0")
	require.Contains(t, got.out, "orak reconcile --now")

	got = orakRunEnv(t.Context(), environ, "reconcile", "--now")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "completed")
	require.Contains(t, got.out, "1 letters rewritten")

	got = orakRunEnv(t.Context(), environ, "dlq", "verify")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "✓ All agree. Compared 1 dead-lettered upload with 1 parked upload.")
	got = orakRunEnv(t.Context(), environ, "dlq", "verify", "--json")
	require.Equal(t, exitOK, got.code, got.err)
	var sum verified
	require.NoError(t, json.Unmarshal([]byte(got.out), &sum))
	require.Equal(t, reconcile.Compared{Letters: 1, Parked: 1}, sum.Compared)

	require.Eventually(t, func() bool {
		got = orakRunEnv(t.Context(), environ, "reconcile", "--history", "--json")
		return strings.Contains(got.out, `"status":"completed"`)
	}, time.Minute, 100*time.Millisecond)
	require.Equal(t, exitOK, got.code, got.err)
	var run reconcile.Run
	require.NoError(t, json.Unmarshal([]byte(got.out), &run))
	require.Equal(t, 1, run.Report.Total().Rewritten)
	got = orakRunEnv(t.Context(), environ, "reconcile", "--history")
	require.Contains(t, got.out, "completed")
	require.Contains(t, got.out, "1 letters rewritten")
}

func TestVerifySaysWhatToDoAboutALetterWithoutWorkflow(t *testing.T) {
	t.Parallel()
	environ, _ := parked(t)
	cl, err := kafka.NewClient(kafka.Config{Brokers: []string{strings.TrimPrefix(environ[2], "ORAK_KAFKA_BROKERS=")}, ClientID: "test", ReplicationFactor: 1},
		slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, events.Topics(), 1))
	now := time.Now().UTC()
	letter := events.DeadLetter{WorkflowID: workflows.UploadWorkflowID("0195a2b4-7c3d-7e8f-9a0b-000000000000"), FailedAt: now, Failure: orak.Failure{
		Stage: orak.StageConvert, Class: orak.ClassInput, Message: "No.", FirstAt: now, LastAt: now}}
	hostile := letter
	hostile.WorkflowID = "upload-\x1b[2J" + strings.Repeat("x", 5000)
	require.NoError(t, cl.ProduceSync(t.Context(), letter.Record(), hostile.Record()).FirstErr())
	got := orakRunEnv(t.Context(), environ, "dlq", "verify")
	require.Equal(t, exitFailed, got.code, got.err)
	require.Contains(t, got.out, "letter_without_workflow")
	require.Contains(t, got.out, "orak replay --id")
	require.Contains(t, got.out, "1 record on the topic cannot be decoded")
	require.NotContains(t, got.out, "\x1b")
}

func TestReconcileNeedsOneOfTwoFlags(t *testing.T) {
	t.Parallel()
	for _, words := range [][]string{{"reconcile"}, {"reconcile", "--now", "--history"}, {"reconcile", "--history", "--limit", "0"}} {
		require.Equal(t, exitUsage, orakRunEnv(t.Context(), nil, words...).code, words)
	}
	got := orakRunEnv(t.Context(), []string{"ORAK_TEMPORAL_ADDRESS=127.0.0.1:1", "ORAK_TEMPORAL_DIAL_TIMEOUT=1s"}, "reconcile", "--history")
	require.Equal(t, exitUnreachable, got.code, got.err)
}
