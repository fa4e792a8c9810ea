package events

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

func TestDeadLetterKeepsTheBytesOfItsOrigin(t *testing.T) {
	t.Parallel()
	origin := &kgo.Record{
		Topic: TopicUploads, Partition: 3, Offset: 99, Key: []byte{0, 255, 1}, Value: []byte("\x00not JSON\xff"),
		Headers: []kgo.RecordHeader{
			{Key: "b", Value: []byte("2")}, {Key: "a", Value: []byte{0xfe}}, {Key: "b", Value: nil}, {Key: "", Value: []byte{}},
		},
	}
	d := DeadLetter{Origin: OriginOf(origin), Failure: *sampleFailure(), FailedAt: sampleTime}
	r := d.Record()
	require.Equal(t, TopicDeadLetters, r.Topic)
	require.Equal(t, origin.Key, r.Key)
	require.Equal(t, origin.Value, r.Value)
	require.Equal(t, origin.Headers, r.Headers[:len(origin.Headers)], "in order, repeats and empty ones too")
	require.Equal(t, HeaderDLQStage, r.Headers[len(origin.Headers)].Key)
}

func TestDeadLetterRoundTripsThroughItsRecord(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]DeadLetter{
		"full":        sampleDeadLetter(t),
		"first cause": sampleSecondLetter(t),
		"no workflow": {Origin: Origin{Topic: "t", Headers: []Header{}}, Failure: orak.Failure{Stage: orak.StageReceive, Class: orak.ClassInput}, FailedAt: sampleTime.Truncate(time.Millisecond)},
		"omitted":     {Origin: Origin{Topic: "t", Key: []byte("k"), Omitted: 123}, FailedAt: sampleTime.Truncate(time.Millisecond)},
	} {
		got, err := DeadLetterFrom(d.Record())
		require.NoError(t, err, name)
		if len(d.Origin.Headers) == 0 {
			d.Origin.Headers = nil
		}
		require.Equal(t, d, got, name)
	}
}

// A consumer of the dead-letter topic may write dead letters of dead letters. Each
// must be readable, and none may hide another.
func TestDeadLetterOfADeadLetterReadsAsTheLast(t *testing.T) {
	t.Parallel()
	first := sampleDeadLetter(t)
	record := first.Record()
	record.Partition, record.Offset = 1, 2
	second := DeadLetter{
		Origin:   OriginOf(record),
		Failure:  orak.Failure{Stage: orak.StageReceive, Class: orak.ClassInternal, Message: "again", Attempts: 1},
		FailedAt: sampleTime.Truncate(time.Millisecond),
	}
	got, err := DeadLetterFrom(second.Record())
	require.NoError(t, err)
	require.Equal(t, second, got)

	o := got.Origin
	inner := &kgo.Record{Topic: o.Topic, Key: o.Key, Value: o.Value, Timestamp: first.FailedAt}
	for _, h := range o.Headers {
		inner.Headers = append(inner.Headers, kgo.RecordHeader(h))
	}
	unpacked, err := DeadLetterFrom(inner)
	require.NoError(t, err)
	require.Equal(t, first, unpacked)
}

func TestDeadLetterIgnoresHeadersAddedByOthers(t *testing.T) {
	t.Parallel()
	d := sampleDeadLetter(t)
	r := d.Record()
	set(r, "mirror-cluster", "b")
	set(r, "orak-dlq-added-later", "x")
	got, err := DeadLetterFrom(r)
	require.NoError(t, err)
	require.Equal(t, d, got)
}

func TestRecordWithoutADeadLetterIsMalformed(t *testing.T) {
	t.Parallel()
	_, err := DeadLetterFrom(sampleEvent(t, UploadReceived).Record(TopicUploads))
	requireInput(t, err, HeaderDLQStage)
	for _, key := range []string{HeaderDLQAttempts, HeaderDLQPartition, HeaderDLQOffset, HeaderDLQCycle, HeaderDLQFirstAt} {
		r := sampleDeadLetter(t).Record()
		set(r, key, "many")
		_, err := DeadLetterFrom(r)
		requireInput(t, err, key)
	}
}

// Temporal stores the origin as JSON in the workflow's input.
func TestOriginRoundTripsThroughJSON(t *testing.T) {
	t.Parallel()
	for _, o := range []Origin{
		OriginOf(sampleEvent(t, UploadReceived).Record(TopicUploads)),
		{Topic: "t", Key: nil, Value: []byte{}, Headers: []Header{{Key: "k", Value: nil}, {Key: "k", Value: []byte{}}, {Value: []byte{0xff}}}},
	} {
		data, err := json.Marshal(o)
		require.NoError(t, err)
		var got Origin
		require.NoError(t, json.Unmarshal(data, &got))
		require.Equal(t, o, got)
	}
}
