package kafka_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orak"
	"orak/events"
	"orak/internal/kafka"
)

func requireClass(t *testing.T, err error, class orak.Class) {
	t.Helper()
	var f *orak.Fault
	require.ErrorAs(t, err, &f)
	require.Equal(t, class, f.Class, "%v", err)
}

func record(key, value string) *kgo.Record {
	return &kgo.Record{Topic: events.TopicUploads, Key: []byte(key), Value: []byte(value)}
}

func TestPublishReturnsAfterTheAcknowledgment(t *testing.T) {
	t.Parallel()
	c, cl, ctx := setup(t)
	p := kafka.NewProducer(cl)
	require.NoError(t, p.Ping(ctx))
	require.NoError(t, p.Publish(ctx, record("k", "v")))
	got := read(t, c, events.TopicUploads, 1)[0]
	require.Equal(t, "k", string(got.Key))
	require.Equal(t, "v", string(got.Value))
}

func TestPublishDoesNotLinger(t *testing.T) {
	t.Parallel()
	_, cl, _ := setup(t)
	require.Equal(t, time.Duration(0), cl.OptValue(kgo.ProducerLinger))
	require.Equal(t, kgo.AllISRAcks(), cl.OptValue(kgo.RequiredAcks))
	require.Equal(t, false, cl.OptValue(kgo.DisableIdempotentWrite))
}

func TestPublishReturnsWhenItsContextEndsAndTheRecordFollows(t *testing.T) {
	t.Parallel()
	c, _, ctx := setup(t)
	cable := new(network)
	cl := newClient(t, config(c), kgo.Dialer(cable.dial))
	p := kafka.NewProducer(cl)
	require.NoError(t, p.Publish(ctx, record("before", "")))

	cable.set(false)
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	err := p.Publish(short, record("meanwhile", ""))
	requireClass(t, err, orak.ClassDependency)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	requireClass(t, p.Ping(ctx), orak.ClassDependency)

	cable.set(true)
	keys := map[string]bool{}
	for _, r := range read(t, c, events.TopicUploads, 2) {
		keys[string(r.Key)] = true
	}
	require.True(t, keys["meanwhile"], "a record may be sent in spite of an error")
	require.NoError(t, p.Ping(ctx))
}

func TestPublishFailsFastWhileKafkaIsUnavailable(t *testing.T) {
	t.Parallel()
	c, _, ctx := setup(t)
	cable := new(network)
	p := kafka.NewProducer(newClient(t, config(c), kgo.Dialer(cable.dial)))
	require.NoError(t, p.Publish(ctx, record("before", "")))
	cable.set(false)
	long, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	requireClass(t, p.Publish(long, record("first", "")), orak.ClassDependency)
	require.NoError(t, long.Err(), "the first caller checks whether Kafka is reachable")
	began := time.Now()
	for range 1000 {
		requireClass(t, p.Publish(long, record("next", "")), orak.ClassDependency)
	}
	require.Less(t, time.Since(began), within/2, "the next callers use its result instead of waiting for their contexts")
	cable.set(true)
	require.Eventually(t, func() bool { return p.Publish(ctx, record("last", "")) == nil }, within, 10*time.Millisecond)
	keys := map[string]int{}
	for _, r := range read(t, c, events.TopicUploads, 3) {
		keys[string(r.Key)]++
	}
	require.Equal(t, map[string]int{"before": 1, "first": 1, "last": 1}, keys, "refused records are not sent")
}

// franz-go fails every record of a partition when the context of the first one in
// a batch ends.
func TestPublishIsNotFailedByTheContextsOfOthers(t *testing.T) {
	t.Parallel()
	c, _, ctx := setup(t)
	cable := new(network)
	cl := newClient(t, config(c), kgo.Dialer(cable.dial))
	p := kafka.NewProducer(cl)
	require.NoError(t, p.Publish(ctx, record("same", "first")))
	cable.set(false)

	impatient, leave := context.WithCancel(ctx)
	done := make(chan error, 2)
	go func() { done <- p.Publish(impatient, record("same", "impatient")) }()
	require.Eventually(t, func() bool { return cl.BufferedProduceRecords() == 1 }, within, time.Millisecond)
	patient := make(chan error, 1)
	go func() { patient <- p.Publish(ctx, record("same", "patient")) }()
	require.Eventually(t, func() bool { return cl.BufferedProduceRecords() == 2 }, within, time.Millisecond)
	leave()
	require.ErrorIs(t, <-done, context.Canceled)
	cable.set(true)
	require.NoError(t, <-patient)
	var values []string
	for _, r := range read(t, c, events.TopicUploads, 3) {
		values = append(values, string(r.Value))
	}
	require.Equal(t, []string{"first", "impatient", "patient"}, values, "records of a key stay in order")
}

func TestMissingTopicIsADependencyFaultAndIsNotCreated(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	c := cluster(t, kfake.AllowAutoTopicCreation())
	cl := newClient(t, config(c))
	requireClass(t, kafka.NewProducer(cl).Publish(ctx, record("k", "v")), orak.ClassDependency)
	_, err := kafka.Retention(ctx, cl, events.TopicUploads)
	require.Error(t, err)
}

func TestRecordThatCanNeverBeSentIsAnInternalFault(t *testing.T) {
	t.Parallel()
	_, cl, ctx := setup(t)
	p := kafka.NewProducer(cl)
	r := record("k", "")
	r.Value = bytes.Repeat([]byte("x"), 2<<20)
	requireClass(t, p.Publish(ctx, r), orak.ClassInternal)
	require.NoError(t, p.Publish(ctx, record("k", "the next one goes through")))
}

// A record that arrives corrupt is not at fault itself.
func TestRecordDamagedInTransitIsADependencyFault(t *testing.T) {
	t.Parallel()
	c, _, ctx := setup(t)
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range req.(*kmsg.ProduceRequest).Topics {
			refused := kmsg.ProduceResponseTopic{Topic: topic.Topic, TopicID: topic.TopicID}
			for _, p := range topic.Partitions {
				refused.Partitions = append(refused.Partitions, kmsg.ProduceResponseTopicPartition{Partition: p.Partition, ErrorCode: kerr.CorruptMessage.Code})
			}
			resp.Topics = append(resp.Topics, refused)
		}
		return resp, nil, true
	})
	cfg := config(c)
	cfg.DeliveryTimeout = time.Second
	requireClass(t, kafka.NewProducer(newClient(t, cfg)).Publish(ctx, record("k", "v")), orak.ClassDependency)
}

// A dead letter is larger than its origin, which may have the largest size.
func TestDeadLetterTopicHasRoomForTheLargestOrigin(t *testing.T) {
	t.Parallel()
	c, cl, ctx := setup(t)
	origin := &kgo.Record{Topic: events.TopicUploads, Value: bytes.Repeat([]byte("x"), 1<<20-1000)}
	letter := events.DeadLetter{Origin: events.OriginOf(origin), FailedAt: time.Now()}
	for i := range 16 {
		letter.Origin.Headers = append(letter.Origin.Headers, events.Header{Key: fmt.Sprint(i), Value: make([]byte, 4096)})
	}
	require.NoError(t, kafka.NewProducer(cl).Publish(ctx, letter.Record()))
	require.Equal(t, origin.Value, read(t, c, events.TopicDeadLetters, 1)[0].Value)
}

// takes sets the largest record that a topic accepts, in bytes.
func takes(t *testing.T, cl *kgo.Client, topic string, bytes int) {
	t.Helper()
	limit := fmt.Sprint(bytes)
	set := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &limit}}
	resp, err := kadm.NewClient(cl).AlterTopicConfigs(t.Context(), set, topic)
	require.NoError(t, err)
	_, err = resp.On(topic, nil)
	require.NoError(t, err)
}

func incompressible(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	_, err := rand.Read(b)
	require.NoError(t, err)
	return b
}

func TestDeadLetterThatIsTooLargeIsWrittenBare(t *testing.T) {
	t.Parallel()
	c, cl, ctx := setup(t)
	takes(t, cl, events.TopicDeadLetters, 2000)
	letter := events.DeadLetter{
		Origin:  events.Origin{Topic: events.TopicUploads, Partition: 3, Offset: 9, Key: []byte("k"), Value: incompressible(t, 5000)},
		Failure: orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "Not audio."}, FailedAt: time.Now(),
	}
	p := kafka.NewProducer(cl)
	require.NoError(t, p.PublishDeadLetter(ctx, letter))
	got, err := events.DeadLetterFrom(read(t, c, events.TopicDeadLetters, 1)[0])
	require.NoError(t, err)
	require.Equal(t, 5000, got.Origin.Omitted)
	require.Equal(t, "Not audio.", got.Failure.Message)
	require.Equal(t, "k", string(got.Origin.Key))
	require.EqualValues(t, 9, got.Origin.Offset)
}

func TestLifecycleEventThatIsTooLargeIsWrittenBare(t *testing.T) {
	t.Parallel()
	c, cl, ctx := setup(t)
	takes(t, cl, events.TopicLifecycle, 4000)
	const id orak.UploadID = "0195a2b4-7c3d-7e8f-9a0b-1c2d3e4f5a6b"
	u := orak.Upload{ID: id, Tenant: "choir", Key: orak.OriginalKey("choir", id), Size: 1, SHA256: strings.Repeat("0f", 32), ReceivedAt: time.Now()}
	analysis := &orak.Analysis{Engine: orak.Engine{Name: base64.StdEncoding.EncodeToString(incompressible(t, 9000))}}
	e, err := events.NewLifecycle("id", events.Completed, time.Now(), events.Lifecycle{Upload: u, Status: orak.StatusCompleted, Analysis: analysis, AnalysisKey: "k"})
	require.NoError(t, err)
	require.NoError(t, kafka.NewProducer(cl).PublishEvent(ctx, events.TopicLifecycle, e))
	got, err := events.FromRecord(read(t, c, events.TopicLifecycle, 1)[0])
	require.NoError(t, err)
	require.Equal(t, e.ID, got.ID)
	l, err := got.Lifecycle()
	require.NoError(t, err)
	require.Nil(t, l.Analysis)
	require.Equal(t, "k", l.AnalysisKey)
	require.Equal(t, orak.StatusCompleted, l.Status)
}

// Such a topic would fail every dead letter, so that operators must be alerted.
func TestTopicThatRefusesTheBareFormIsADependencyFault(t *testing.T) {
	t.Parallel()
	_, cl, ctx := setup(t)
	takes(t, cl, events.TopicDeadLetters, 100)
	letter := events.DeadLetter{Origin: events.Origin{Topic: events.TopicUploads, Value: incompressible(t, 5000)}, FailedAt: time.Now()}
	requireClass(t, kafka.NewProducer(cl).PublishDeadLetter(ctx, letter), orak.ClassDependency)
}

func TestFullBufferFailsAtOnce(t *testing.T) {
	t.Parallel()
	c, _, ctx := setup(t)
	cable := new(network)
	cl := newClient(t, config(c), kgo.Dialer(cable.dial), kgo.MaxBufferedRecords(1))
	p := kafka.NewProducer(cl)
	cable.set(false)
	first := make(chan error, 1)
	p.PublishAsync(ctx, record("k", "1"), func(err error) { first <- err })
	second := make(chan error, 1)
	p.PublishAsync(ctx, record("k", "2"), func(err error) { second <- err })
	requireClass(t, <-second, orak.ClassDependency)
	cable.set(true)
	require.NoError(t, <-first)
}

func TestAcknowledgedRecordsSurviveARestartOfTheBroker(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	dir := t.TempDir()
	first := cluster(t, kfake.DataDir(dir))
	cl := newClient(t, config(first))
	require.NoError(t, kafka.EnsureTopics(ctx, cl, events.Topics(), 1))
	for i := range 20 {
		require.NoError(t, kafka.NewProducer(cl).Publish(ctx, record(fmt.Sprint(i), "v")))
	}
	first.Close()
	second := cluster(t, kfake.DataDir(dir))
	require.Len(t, read(t, second, events.TopicUploads, 20), 20)
}

// A record that was made before an outage is sent after it, however long it was.
func TestRecordWithAnOldTimestampIsSent(t *testing.T) {
	t.Parallel()
	c, cl, ctx := setup(t)
	old := record("k", "v")
	old.Timestamp = time.Now().Add(-time.Hour)
	require.NoError(t, kafka.NewProducer(cl).Publish(ctx, old))
	require.WithinDuration(t, time.Now(), read(t, c, old.Topic, 1)[0].Timestamp, time.Minute)
}

// The client would look for the old topic for ever.
func TestRecreatedTopicIsUsedAgain(t *testing.T) {
	t.Parallel()
	c, cl, ctx := setup(t)
	p := kafka.NewProducer(cl)
	require.NoError(t, p.Publish(ctx, record("k", "first")))
	admin := kadm.NewClient(newClient(t, config(c)))
	topic := record("k", "").Topic
	_, err := admin.DeleteTopic(ctx, topic)
	require.NoError(t, err)
	_, err = admin.CreateTopic(ctx, 1, 1, nil, topic)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return p.Publish(ctx, record("k", "second")) == nil }, time.Minute, 50*time.Millisecond)
	require.Equal(t, "second", string(read(t, c, topic, 1)[0].Value))
}

// What asks for an act, and what tells of one, is never without its record.
func TestActOfAnEventIsRecorded(t *testing.T) {
	t.Parallel()
	c, cl, ctx := setup(t)
	p := kafka.NewProducer(cl)
	const id orak.UploadID = "01930000-0000-7000-8000-000000000001"
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	cancellation, err := events.NewCancellation(at, events.Cancellation{ID: id, Tenant: "choir", By: "ann"})
	require.NoError(t, err)
	erasure, err := events.NewErasure(at, events.Erasure{ID: id, Tenant: "choir", By: "bob"})
	require.NoError(t, err)
	require.NoError(t, p.PublishEvent(ctx, events.TopicUploads, cancellation))
	done := make(chan error, 2)
	p.PublishEventAsync(ctx, events.TopicUploads, erasure, func(err error) { done <- err })
	require.NoError(t, <-done)
	require.Len(t, read(t, c, events.TopicUploads, 2), 2)
	for i, r := range read(t, c, events.TopicAudit, 2) {
		a, err := events.ActFrom(r)
		require.NoError(t, err)
		require.Equal(t, []string{"upload.cancel ann", "upload.erase bob"}[i], a.Act+" "+a.By)
	}
	require.Empty(t, done, "it is called once")

	admin := kadm.NewClient(cl)
	_, err = admin.DeleteTopic(ctx, events.TopicAudit)
	require.NoError(t, err)
	requireClass(t, p.PublishEvent(ctx, events.TopicUploads, cancellation), orak.ClassDependency)
	p.PublishEventAsync(ctx, events.TopicUploads, erasure, func(err error) { done <- err })
	requireClass(t, <-done, orak.ClassDependency)
}
