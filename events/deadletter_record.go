package events

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

// OriginOf returns the whole of r as an Origin. It shares the memory of r.
func OriginOf(r *kgo.Record) Origin {
	o := Origin{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Key: r.Key, Value: r.Value}
	if len(r.Headers) > 0 {
		o.Headers = make([]Header, len(r.Headers))
	}
	for i, h := range r.Headers {
		o.Headers[i] = Header{Key: h.Key, Value: h.Value}
	}
	return o
}

// Record returns d as a record on TopicDeadLetters: the key, the value and all
// headers of the origin, byte for byte and in order, followed by one block of
// orak-dlq- headers, which is complete and begins with HeaderDLQStage. An origin
// that is a dead letter itself keeps its own block as plain headers: the last
// block counts.
func (d DeadLetter) Record() *kgo.Record {
	o, f := d.Origin, d.Failure
	headers := make([]kgo.RecordHeader, 0, len(o.Headers)+17)
	for _, h := range o.Headers {
		headers = append(headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	for _, h := range [...]struct{ key, value string }{
		{HeaderDLQStage, string(f.Stage)},
		{HeaderDLQClass, string(f.Class)},
		{HeaderDLQMessage, f.Message},
		{HeaderDLQAttempts, strconv.Itoa(f.Attempts)},
		{HeaderDLQFirstAt, formatTime(f.FirstAt)},
		{HeaderDLQLastAt, formatTime(f.LastAt)},
		{HeaderDLQWorkflowID, d.WorkflowID},
		{HeaderDLQRunID, d.RunID},
		{HeaderDLQTopic, o.Topic},
		{HeaderDLQPartition, strconv.FormatInt(int64(o.Partition), 10)},
		{HeaderDLQOffset, strconv.FormatInt(o.Offset, 10)},
		{HeaderDLQWebUI, d.WebUI},
		{HeaderDLQCycle, strconv.Itoa(d.Cycle)},
	} {
		headers = append(headers, kgo.RecordHeader{Key: h.key, Value: []byte(h.value)})
	}
	if d.First != nil {
		headers = append(headers,
			kgo.RecordHeader{Key: HeaderDLQFirstStage, Value: []byte(d.First.Stage)},
			kgo.RecordHeader{Key: HeaderDLQFirstClass, Value: []byte(d.First.Class)},
			kgo.RecordHeader{Key: HeaderDLQFirstMessage, Value: []byte(d.First.Message)})
	}
	if o.Omitted > 0 {
		headers = append(headers, kgo.RecordHeader{Key: HeaderDLQOmitted, Value: []byte(strconv.Itoa(o.Omitted))})
	}
	return &kgo.Record{Topic: TopicDeadLetters, Key: o.Key, Value: o.Value, Headers: headers, Timestamp: d.FailedAt}
}

// DeadLetterFrom reads a record made by DeadLetter.Record. FailedAt is the
// record's timestamp, which Kafka keeps in milliseconds. Headers that others add
// after the block are ignored. An error is an *orak.Fault of class input.
func DeadLetterFrom(r *kgo.Record) (DeadLetter, error) {
	start := blockStart(r.Headers)
	if start < 0 {
		return DeadLetter{}, malformed(fmt.Errorf("%s: missing", HeaderDLQStage))
	}
	block := make(map[string]string)
	for _, h := range r.Headers[start:] {
		if strings.HasPrefix(h.Key, "orak-dlq-") {
			block[h.Key] = string(h.Value)
		}
	}
	d, err := fromBlock(block)
	if err != nil {
		return DeadLetter{}, malformed(err)
	}
	o := OriginOf(&kgo.Record{Key: r.Key, Value: r.Value, Headers: r.Headers[:start]})
	d.Origin.Key, d.Origin.Value, d.Origin.Headers = o.Key, o.Value, o.Headers
	d.FailedAt = r.Timestamp.UTC()
	return d, nil
}

func blockStart(headers []kgo.RecordHeader) int {
	for i := len(headers) - 1; i >= 0; i-- {
		if headers[i].Key == HeaderDLQStage {
			return i
		}
	}
	return -1
}

func fromBlock(block map[string]string) (DeadLetter, error) {
	p := blockParser{block: block}
	d := DeadLetter{
		Origin: Origin{
			Topic:     block[HeaderDLQTopic],
			Partition: int32(p.number(HeaderDLQPartition, 32)),
			Offset:    p.number(HeaderDLQOffset, 64),
		},
		Failure: orak.Failure{
			Stage:    orak.Stage(block[HeaderDLQStage]),
			Class:    orak.Class(block[HeaderDLQClass]),
			Message:  block[HeaderDLQMessage],
			Attempts: int(p.number(HeaderDLQAttempts, 32)),
			FirstAt:  p.time(HeaderDLQFirstAt),
			LastAt:   p.time(HeaderDLQLastAt),
		},
		WorkflowID: block[HeaderDLQWorkflowID],
		RunID:      block[HeaderDLQRunID],
		WebUI:      block[HeaderDLQWebUI],
		Cycle:      int(p.number(HeaderDLQCycle, 32)),
	}
	if stage, ok := block[HeaderDLQFirstStage]; ok {
		d.First = &orak.Failure{Stage: orak.Stage(stage), Class: orak.Class(block[HeaderDLQFirstClass]), Message: block[HeaderDLQFirstMessage]}
	}
	if _, ok := block[HeaderDLQOmitted]; ok {
		d.Origin.Omitted = int(p.number(HeaderDLQOmitted, 32))
	}
	return d, p.err
}

// blockParser keeps the first error, so that a block reads as one literal.
type blockParser struct {
	block map[string]string
	err   error
}

func (p *blockParser) number(key string, bits int) int64 {
	n, err := strconv.ParseInt(p.block[key], 10, bits)
	if err != nil {
		p.fail(key, "not a number")
	}
	return n
}

func (p *blockParser) time(key string) time.Time {
	t, err := parseTime(p.block[key])
	if err != nil {
		p.fail(key, err.Error())
	}
	return t
}

func (p *blockParser) fail(key, why string) {
	if p.err == nil {
		p.err = fmt.Errorf("%s: %s", key, why)
	}
}
