package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

func set(r *kgo.Record, key, value string) {
	for i, h := range r.Headers {
		if h.Key == key {
			r.Headers[i].Value = []byte(value)
			return
		}
	}
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
}

func remove(r *kgo.Record, key string) {
	var kept []kgo.RecordHeader
	for _, h := range r.Headers {
		if h.Key != key {
			kept = append(kept, h)
		}
	}
	r.Headers = kept
}

func requireInput(t *testing.T, err error, contains string) {
	t.Helper()
	var f *orak.Fault
	require.ErrorAs(t, err, &f)
	require.Equal(t, orak.ClassInput, f.Class)
	require.Contains(t, f.Message, contains)
	require.LessOrEqual(t, len(f.Message), orak.MaxMessage)
}

func TestEventRoundTripsThroughItsRecord(t *testing.T) {
	t.Parallel()
	for _, typ := range allTypes() {
		e := sampleEvent(t, typ)
		r := e.Record("some.topic")
		require.Equal(t, "some.topic", r.Topic)
		require.Equal(t, string(e.Subject), string(r.Key))
		got, err := FromRecord(r)
		require.NoError(t, err)
		require.Equal(t, e, got)
	}
}

func TestAnnouncingAnUploadAgainGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	first, err := NewReceived(sampleUpload())
	require.NoError(t, err)
	elsewhere := sampleUpload()
	elsewhere.ReceivedAt = elsewhere.ReceivedAt.In(time.FixedZone("CET", 3600))
	again, err := NewReceived(elsewhere)
	require.NoError(t, err)
	require.Equal(t, first.Record(TopicUploads), again.Record(TopicUploads))
}

func TestInvalidUploadIsNotAnnounced(t *testing.T) {
	t.Parallel()
	u := sampleUpload()
	u.Size = 0
	_, err := NewReceived(u)
	require.Error(t, err)
	_, err = NewLifecycle("id", Converted, sampleTime, Lifecycle{Upload: u, Status: orak.StatusAnalyzing})
	require.Error(t, err)
	_, err = NewLifecycle("id", UploadReceived, sampleTime, sampleLifecycle(Converted))
	require.Error(t, err, "a type of another topic")
}

func TestFromRecordReportsWhatIsMalformed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change   func(r *kgo.Record)
		contains string
	}{
		"no headers":           {func(r *kgo.Record) { r.Headers = nil }, HeaderSpecVersion},
		"other spec version":   {func(r *kgo.Record) { set(r, HeaderSpecVersion, "0.3") }, HeaderSpecVersion},
		"no id":                {func(r *kgo.Record) { remove(r, HeaderID) }, HeaderID},
		"empty id":             {func(r *kgo.Record) { set(r, HeaderID, "") }, HeaderID},
		"no type":              {func(r *kgo.Record) { remove(r, HeaderType) }, HeaderType},
		"no source":            {func(r *kgo.Record) { remove(r, HeaderSource) }, HeaderSource},
		"no subject":           {func(r *kgo.Record) { remove(r, HeaderSubject) }, HeaderSubject},
		"subject is no id":     {func(r *kgo.Record) { set(r, HeaderSubject, "../../etc/passwd") }, HeaderSubject},
		"time is none":         {func(r *kgo.Record) { set(r, HeaderTime, "yesterday") }, HeaderTime},
		"time before year 0":   {func(r *kgo.Record) { set(r, HeaderTime, "0000-01-01T00:00:00+23:59") }, HeaderTime},
		"content type is text": {func(r *kgo.Record) { set(r, HeaderContentType, "text/plain") }, HeaderContentType},
		"id is not UTF-8":      {func(r *kgo.Record) { set(r, HeaderID, "\xff") }, HeaderID},
		"id is given twice": {func(r *kgo.Record) {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: HeaderID, Value: []byte("another")})
		}, HeaderID},
		"data is not JSON":  {func(r *kgo.Record) { r.Value = []byte("{") }, "data"},
		"no data":           {func(r *kgo.Record) { r.Value = nil }, "data"},
		"data is too large": {func(r *kgo.Record) { r.Value = bytes.Repeat([]byte(" "), MaxData+1) }, "data"},
		"headers are too large": {func(r *kgo.Record) {
			set(r, "other", strings.Repeat("x", MaxHeaders))
		}, "headers"},
	} {
		r := sampleEvent(t, UploadReceived).Record(TopicUploads)
		test.change(r)
		_, err := FromRecord(r)
		require.Error(t, err, name)
		requireInput(t, err, test.contains)
	}
}

func TestFromRecordIgnoresWhatItDoesNotNeed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *kgo.Record){
		"no time":              func(r *kgo.Record) { remove(r, HeaderTime) },
		"no content type":      func(r *kgo.Record) { remove(r, HeaderContentType) },
		"charset":              func(r *kgo.Record) { set(r, HeaderContentType, "application/json; charset=utf-8") },
		"+json":                func(r *kgo.Record) { set(r, HeaderContentType, "application/vnd.x+json") },
		"other headers":        func(r *kgo.Record) { set(r, "ce_unknown", "\xff") },
		"no key":               func(r *kgo.Record) { r.Key = nil },
		"another key":          func(r *kgo.Record) { r.Key = []byte("k") },
		"the same id twice":    func(r *kgo.Record) { r.Headers = append(r.Headers, r.Headers[1]) },
		"another offset, time": func(r *kgo.Record) { set(r, HeaderTime, "2026-03-14T16:09:26.5+01:00") },
	} {
		r := sampleEvent(t, UploadReceived).Record(TopicUploads)
		change(r)
		e, err := FromRecord(r)
		require.NoError(t, err, name)
		require.True(t, e.Time.IsZero() || e.Time.Location() == time.UTC)
		_, err = e.Received()
		require.NoError(t, err, name)
	}
}

func TestUnknownTypeIsNotAFault(t *testing.T) {
	t.Parallel()
	r := sampleEvent(t, UploadReceived).Record(TopicUploads)
	set(r, HeaderType, "org.example.other")
	r.Value = []byte("not JSON, and none of our business")
	remove(r, HeaderSubject)
	e, err := FromRecord(r)
	require.ErrorIs(t, err, ErrUnknownType)
	require.Equal(t, Type("org.example.other"), e.Type)
	var f *orak.Fault
	require.False(t, errors.As(err, &f))
}

func TestTraceOfTheHopIsPreferredToTheTraceOfTheOrigin(t *testing.T) {
	t.Parallel()
	r := sampleEvent(t, UploadReceived).Record(TopicUploads)
	set(r, headerCETraceparent, "00-origin")
	e, err := FromRecord(r)
	require.NoError(t, err)
	require.Equal(t, sampleEvent(t, UploadReceived).Traceparent, e.Traceparent)
	remove(r, HeaderTraceparent)
	e, err = FromRecord(r)
	require.NoError(t, err)
	require.Equal(t, "00-origin", e.Traceparent)
}

func TestDataMustMatchItsEnvelope(t *testing.T) {
	t.Parallel()
	const other = orak.UploadID("0195a2b4-7c3d-7e8f-9a0b-000000000000")
	e := sampleEvent(t, UploadReceived)
	e.Subject = other
	_, err := e.Received()
	requireInput(t, err, "upload_id")
	_, err = e.Lifecycle()
	requireInput(t, err, "type")

	e = sampleEvent(t, Converted)
	e.Subject = other
	_, err = e.Lifecycle()
	requireInput(t, err, "upload_id")
	_, err = e.Received()
	requireInput(t, err, "type")

	for _, data := range []string{`[]`, `"x"`, `null`, `{}`, `{"size":"big"}`} {
		for _, typ := range []Type{UploadReceived, Converted} {
			e := sampleEvent(t, typ)
			e.Data = []byte(data)
			if typ == UploadReceived {
				_, err = e.Received()
			} else {
				_, err = e.Lifecycle()
			}
			requireInput(t, err, "data")
		}
	}
}

func FuzzFromRecord(f *testing.F) {
	seed := func(typ Type) (string, []byte) {
		e, err := NewReceived(sampleUpload())
		if typ != UploadReceived {
			e, err = NewLifecycle("id", typ, sampleTime, sampleLifecycle(typ))
		}
		require.NoError(f, err)
		var headers []string
		for _, h := range e.Record("").Headers {
			headers = append(headers, h.Key+"="+string(h.Value))
		}
		return strings.Join(headers, "\n"), e.Data
	}
	for _, typ := range allTypes() {
		headers, value := seed(typ)
		f.Add(headers, value)
		f.Add(headers, value[:len(value)/2])
		f.Add(headers[:len(headers)/2], value)
		f.Add(headers+"\n"+headers, []byte("{}"))
	}
	f.Add("", []byte(nil))
	f.Add("ce_specversion=1.0\nce_id=\x00\nce_type=orak.upload.received\nce_source=", []byte("null"))
	f.Fuzz(func(t *testing.T, headers string, value []byte) {
		r := &kgo.Record{Value: value}
		for line := range strings.SplitSeq(headers, "\n") {
			k, v, _ := strings.Cut(line, "=")
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: k, Value: []byte(v)})
		}
		e, err := FromRecord(r)
		if errors.Is(err, ErrUnknownType) {
			return
		}
		if err != nil {
			requireInput(t, err, "")
			return
		}
		again, err := FromRecord(e.Record("t"))
		require.NoError(t, err)
		require.Equal(t, e, again, "an event that was read is written and read again")
		if received, err := e.Received(); err == nil {
			require.NoError(t, received.Validate())
			require.Equal(t, e.Subject, received.ID)
		}
		if l, err := e.Lifecycle(); err == nil {
			require.Equal(t, e.Subject, l.Upload.ID)
			require.Equal(t, orak.OriginalKey(l.Upload.Tenant, l.Upload.ID), l.Upload.Key)
			if e.Type != Erased {
				require.NoError(t, l.Upload.Validate())
			}
		}
	})
}

func TestAnnouncedNamesAreBounded(t *testing.T) {
	t.Parallel()
	e := sampleEvent(t, UploadReceived)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(e.Data, &fields))
	fields["filename"] = "../" + strings.Repeat("é", 300) + "\u202e.wav"
	fields["content_type"] = strings.Repeat("x", 300)
	e.Data, _ = json.Marshal(fields)
	r, err := e.Received()
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("é", 127), r.Filename)
	require.Equal(t, "application/octet-stream", r.ContentType)
}

// Uploads that were announced before names were bounded are still processed.
func TestLifecycleEventThatIsTooLargeIsBare(t *testing.T) {
	t.Parallel()
	received, err := sampleEvent(t, UploadReceived).Received()
	require.NoError(t, err)
	l := Lifecycle{Upload: received.Upload, Status: orak.StatusConverting}
	l.Upload.Filename = strings.Repeat("x", MaxData)
	e, err := NewLifecycle("id", Converted, time.Now(), l)
	require.NoError(t, err)
	l.Upload.Filename = ""
	got, err := e.Lifecycle()
	require.NoError(t, err)
	require.Equal(t, l, got)
}
