package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events/schema"
)

// Headers of a CloudEvent in binary mode. Kafka compares header keys byte by
// byte, so these are exact.
const (
	HeaderSpecVersion = "ce_specversion"
	HeaderID          = "ce_id"
	HeaderType        = "ce_type"
	HeaderSource      = "ce_source"
	HeaderTime        = "ce_time"
	HeaderSubject     = "ce_subject"
	HeaderContentType = "content-type"
	// HeaderDataSchema names the schema of the data and its version, such as
	// "urn:orak:schema:lifecycle:2"; see package schema. It is written, and never read:
	// readers take what they know.
	HeaderDataSchema = "ce_dataschema"

	// HeaderTraceparent and HeaderTracestate are the trace context of the
	// hop, without the prefix "ce_": tracing libraries such as kotel read and
	// rewrite it there. The CloudEvents extension ce_traceparent names the
	// trace in which the event was made; it is read where the plain header
	// is missing, and never written.
	HeaderTraceparent = "traceparent"
	HeaderTracestate  = "tracestate"

	headerCETraceparent = "ce_traceparent"
	headerCETracestate  = "ce_tracestate"
)

// The envelope's fixed values.
const (
	specVersion = "1.0"
	contentType = "application/json"
)

// MaxData bounds an event's JSON data, in bytes. Larger data is malformed: with
// its headers an event must fit in Kafka's default limit, about 1 MB, and in
// a payload of Temporal, 2 MiB as base64.
const MaxData = 900 << 10

// MaxHeaders bounds the sum of the keys and values of a record's headers, in
// bytes, for the same reason.
const MaxHeaders = 64 << 10

// ErrUnknownType means that a record is a CloudEvent of a type that this version
// does not know: of another program, or of a later version. It is no fault:
// readers skip the record.
var ErrUnknownType = errors.New("event of an unknown type")

// Record returns e as a Kafka record: in binary mode, keyed by its subject. The
// same event always gives the same bytes.
func (e Event) Record(topic string) *kgo.Record {
	headers := []kgo.RecordHeader{
		{Key: HeaderSpecVersion, Value: []byte(specVersion)},
		{Key: HeaderID, Value: []byte(e.ID)},
		{Key: HeaderType, Value: []byte(e.Type)},
		{Key: HeaderSource, Value: []byte(e.Source)},
	}
	add := func(key, value string) {
		if value != "" {
			headers = append(headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
		}
	}
	add(HeaderTime, formatTime(e.Time))
	add(HeaderSubject, string(e.Subject))
	add(HeaderContentType, contentType)
	add(HeaderDataSchema, schema.DataSchema(schemaOf(topic, e.Type)))
	add(HeaderTraceparent, e.Traceparent)
	add(HeaderTracestate, e.Tracestate)
	return &kgo.Record{Topic: topic, Key: []byte(e.Subject), Value: e.Data, Headers: headers}
}

// schemaOf returns the name of the schema of an event's data. Requests and facts of
// the same type are on different topics.
func schemaOf(topic string, t Type) string {
	switch {
	case t == UploadReceived:
		return schema.Received
	case topic == TopicUploads && t == Canceled:
		return schema.Cancellation
	case topic == TopicUploads && t == Erased:
		return schema.Erasure
	default:
		return schema.Lifecycle
	}
}

// FromRecord reads the envelope of r, in binary or structured mode, and checks
// that its data is JSON; the methods Received, Cancellation, Erasure and Lifecycle
// check the data itself. It shares the memory of r.
//
// An error is ErrUnknownType (then the event's ID, Type and Source are set),
// or an *orak.Fault of class input that says what is malformed. Unknown headers
// and attributes are ignored, as is the key; the time and the content type may
// be absent.
func FromRecord(r *kgo.Record) (Event, error) {
	e, err := fromRecord(r)
	if err == nil || errors.Is(err, ErrUnknownType) {
		return e, err
	}
	return Event{}, malformed(err)
}

func fromRecord(r *kgo.Record) (Event, error) {
	attrs, err := attributes(r.Headers)
	if err != nil {
		return Event{}, err
	}
	data := r.Value
	if isStructured(attrs[HeaderContentType]) {
		if attrs, data, err = structured(r, attrs); err != nil {
			return Event{}, err
		}
	}
	if err := checkRequired(attrs); err != nil {
		return Event{}, err
	}
	e := Event{ID: attrs[HeaderID], Type: Type(attrs[HeaderType]), Source: attrs[HeaderSource]}
	if !e.Type.Known() {
		return e, fmt.Errorf("%w: %q", ErrUnknownType, e.Type)
	}
	if e.Time, err = parseTime(attrs[HeaderTime]); err != nil {
		return Event{}, fmt.Errorf("%s: %w", HeaderTime, err)
	}
	if e.Subject, err = orak.ParseUploadID(attrs[HeaderSubject]); err != nil {
		return Event{}, fmt.Errorf("%s: %w", HeaderSubject, err)
	}
	if err := checkContentType(attrs[HeaderContentType]); err != nil {
		return Event{}, err
	}
	if len(data) > MaxData {
		return Event{}, fmt.Errorf("data: %d bytes, at most %d are allowed", len(data), MaxData)
	}
	if !json.Valid(data) {
		return Event{}, errors.New("data: not JSON")
	}
	e.Data = data
	e.Traceparent, e.Tracestate = traceContext(attrs)
	return e, nil
}

// attributes returns the headers that an event is read from. One that occurs
// twice with different values is an error, since it is ambiguous.
func attributes(headers []kgo.RecordHeader) (map[string]string, error) {
	attrs := make(map[string]string, len(headers))
	size := 0
	for _, h := range headers {
		if size += len(h.Key) + len(h.Value); size > MaxHeaders {
			return nil, fmt.Errorf("headers: at most %d bytes are allowed", MaxHeaders)
		}
		if !isAttribute(h.Key) {
			continue
		}
		if !utf8.Valid(h.Value) {
			return nil, fmt.Errorf("%s: not UTF-8", h.Key)
		}
		if earlier, twice := attrs[h.Key]; twice && earlier != string(h.Value) {
			return nil, fmt.Errorf("%s: given twice", h.Key)
		}
		attrs[h.Key] = string(h.Value)
	}
	return attrs, nil
}

func isAttribute(key string) bool {
	switch key {
	case HeaderSpecVersion, HeaderID, HeaderType, HeaderSource, HeaderTime, HeaderSubject,
		HeaderContentType, HeaderTraceparent, HeaderTracestate, headerCETraceparent, headerCETracestate:
		return true
	default:
		return false
	}
}

func checkRequired(attrs map[string]string) error {
	switch v := attrs[HeaderSpecVersion]; v {
	case specVersion:
	case "":
		return fmt.Errorf("%s: missing", HeaderSpecVersion)
	default:
		return fmt.Errorf("%s: want %s", HeaderSpecVersion, specVersion)
	}
	for _, key := range []string{HeaderID, HeaderType, HeaderSource} {
		if attrs[key] == "" {
			return fmt.Errorf("%s: missing", key)
		}
	}
	return nil
}

// checkContentType accepts JSON under any of its names. An absent content type
// means JSON.
func checkContentType(value string) error {
	if value == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(value)
	if err != nil || (media != contentType && !strings.HasSuffix(media, "+json")) {
		return fmt.Errorf("%s: want %s", HeaderContentType, contentType)
	}
	return nil
}

func traceContext(attrs map[string]string) (parent, state string) {
	if p := attrs[HeaderTraceparent]; p != "" {
		return p, attrs[HeaderTracestate]
	}
	return attrs[headerCETraceparent], attrs[headerCETracestate]
}

// formatTime returns t as RFC 3339 in UTC; "" for the zero time.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, errors.New("not an RFC 3339 time")
	}
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}, errors.New("not an RFC 3339 time")
	}
	return t, nil
}

// malformed returns the fault for a record that cannot be read. Its message says
// what is wrong, so that operators need no log; it holds only names of attributes
// and fields, and values of the event itself.
func malformed(err error) *orak.Fault {
	message := "The event cannot be read: " + err.Error()
	if len(message) > orak.MaxMessage {
		message = message[:orak.MaxMessage]
	}
	return &orak.Fault{Class: orak.ClassInput, Message: strings.ToValidUTF8(message, "")}
}
