package lake

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/config"
	"orak/internal/kafka"
	"orak/sinks/lake"
	"orak/sinks/lake/laketest"
)

// within is how long tests wait for what must happen.
const within = 60 * time.Second

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// broker starts a Kafka with orak's topics.
func broker(t *testing.T) (kafka.Config, *kgo.Client) {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()))
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	cfg := kafka.Config{Brokers: fake.ListenAddrs(), ClientID: "test", ReplicationFactor: 1}
	cl, err := kafka.NewClient(cfg, quiet(), kgo.MetadataMinAge(50*time.Millisecond), kgo.RecordDeliveryTimeout(0)) // for records of long ago
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, events.Topics(), 1))
	return cfg, cl
}

func startLake(t *testing.T, cfg kafka.Config, cl *kgo.Client, store lake.Store, records int) *lake.Lake {
	t.Helper()
	settings := config.MustDefaults[lake.Config]()
	settings.FileRecords, settings.FileAge = records, 100*time.Millisecond
	settings.CommitInterval, settings.SessionTimeout, settings.MaxBackoff = 20*time.Millisecond, 6*time.Second, 200*time.Millisecond
	l := lake.New(settings, lake.Deps{
		Kafka: cfg, KafkaOpts: []kgo.Opt{kgo.HeartbeatInterval(200 * time.Millisecond)},
		Store: store, Publisher: kafka.NewProducer(cl), Log: quiet(),
	})
	require.NoError(t, l.Start(t.Context()))
	return l
}

func stop(t *testing.T, l *lake.Lake) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	require.NoError(t, l.Stop(ctx))
}

func TestDocumentedQuestionsAreAnswered(t *testing.T) {
	servers, bucket, store := openLake(t)
	cfg, cl := broker(t)
	source := laketest.NewSource(3)
	var records []*kgo.Record
	uploads := make(map[string]bool)
	record := func(e events.Event) {
		r := e.Record(events.TopicLifecycle)
		r.Timestamp = e.Time // one that is far from it counts in its place
		records = append(records, r)
	}
	for range 400 {
		e, l := source.Next()
		uploads[string(l.Upload.ID)] = true
		record(e)
	}
	parked := source.Uploads[0]
	e, _ := source.Event(events.Reprocessed, events.Lifecycle{Upload: parked, Status: "converting", By: laketest.Sentinel, Reason: laketest.Sentinel})
	record(e)
	require.NoError(t, cl.ProduceSync(t.Context(), records...).FirstErr())
	l := startLake(t, cfg, cl, store, 100)
	defer stop(t, l)
	d := startDuck(t, servers, bucket)
	require.Eventually(t, func() bool {
		_, err := d.ask(documented(t, "duckdb", bucket)[1])
		return err == nil
	}, within, 200*time.Millisecond)
	require.Eventually(t, func() bool {
		rows, err := d.ask("SELECT count(*) FROM lifecycle")
		return err == nil && rows[0][0] == float64(len(records))
	}, within, 200*time.Millisecond)

	blocks := documented(t, "duckdb", bucket)
	require.Len(t, blocks, 7, "the secret, the views and five questions")
	answers := make([][][]any, 5)
	for i, sql := range blocks[2:] {
		var err error
		answers[i], err = d.ask(sql)
		require.NoError(t, err, sql)
		require.NotEmpty(t, answers[i], sql)
		t.Logf("%s=> %v", sql, answers[i][0])
	}
	require.EqualValues(t, len(uploads), sum(answers[0], 2), "uploads a day")
	completed, err := d.ask("SELECT count(DISTINCT upload_id) FROM lifecycle WHERE type = 'orak.upload.completed'")
	require.NoError(t, err)
	require.EqualValues(t, completed[0][0], sum(answers[1], 1), "times to the result")
	require.EqualValues(t, completed[0][0], sum(answers[3], 2), "voices")
	require.Positive(t, sum(answers[2], 3), "failures")
	require.Positive(t, sum(answers[4], 4), "completed after a failure")
}

func sum(rows [][]any, column int) (total float64) {
	for _, row := range rows {
		total += row[column].(float64)
	}
	return total
}

// The statements for Athena cannot be run here: they name the columns of the files, in
// their order, and their types.
func TestAthenaStatementsHaveTheColumnsOfTheFiles(t *testing.T) {
	tables := documented(t, "athena", "orak")
	require.Len(t, tables, 2)
	for i, schema := range []*parquet.Schema{parquet.SchemaOf(lake.LifecycleRow{}), parquet.SchemaOf(lake.AnalysisRow{})} {
		_, columns, _ := strings.Cut(tables[i], "(\n")
		columns, _, _ = strings.Cut(columns, "\n)")
		var names []string
		for _, column := range strings.Split(columns, ",") {
			names = append(names, strings.Fields(column)[0])
		}
		var want []string
		for _, f := range schema.Fields() {
			want = append(want, f.Name())
		}
		require.Equal(t, want, names)
	}
}
