package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

func TestStructuredEventIsTheSameEvent(t *testing.T) {
	t.Parallel()
	for _, e := range []Event{sampleEvent(t, UploadReceived), sampleCancellation(t)} {
		e.Traceparent, e.Tracestate = "", ""
		for _, encoded := range []bool{false, true} {
			got, err := FromRecord(sampleStructured(t, e, encoded))
			require.NoError(t, err)
			require.Equal(t, e, got)
		}
	}
}

func TestFromRecordReportsWhatIsMalformedInAStructuredEvent(t *testing.T) {
	t.Parallel()
	whole := func(value string) func(*kgo.Record) { return func(r *kgo.Record) { r.Value = []byte(value) } }
	field := func(name string, value any) func(*kgo.Record) {
		return func(r *kgo.Record) {
			var fields map[string]any
			require.NoError(t, json.Unmarshal(r.Value, &fields))
			fields[name] = value
			r.Value, _ = json.Marshal(fields)
		}
	}
	for name, test := range map[string]struct {
		change   func(*kgo.Record)
		contains string
	}{
		"no value":           {whole(""), "not a JSON object"},
		"a list":             {whole("[]"), "not a JSON object"},
		"cut off":            {func(r *kgo.Record) { r.Value = r.Value[:len(r.Value)-1] }, "not JSON"},
		"two objects":        {func(r *kgo.Record) { r.Value = append(r.Value, "{}"...) }, "more than one"},
		"not UTF-8":          {whole("{\"id\":\"\xff\"}"), "not UTF-8"},
		"id twice":           {func(r *kgo.Record) { r.Value = append([]byte(`{"id":"a",`), r.Value[1:]...) }, "given twice"},
		"names have a case":  {func(r *kgo.Record) { r.Value = bytes.Replace(r.Value, []byte(`"id"`), []byte(`"ID"`), 1) }, HeaderID},
		"id is a number":     {field("id", 7), "id: not a string"},
		"id is null":         {field("id", nil), HeaderID},
		"other spec version": {field("specversion", "0.3"), HeaderSpecVersion},
		"subject is no id":   {field("subject", "x"), HeaderSubject},
		"time is none":       {field("time", "yesterday"), HeaderTime},
		"data is XML":        {field("datacontenttype", "application/xml"), HeaderContentType},
		"data twice":         {field("data_base64", "e30="), "given twice"},
		"bad base64": {func(r *kgo.Record) {
			r.Value = bytes.Replace(r.Value, []byte(`"data":`), []byte(`"data_base64":"?","x":`), 1)
		}, "data_base64"},
		"no data":        {func(r *kgo.Record) { r.Value = bytes.Replace(r.Value, []byte(`"data":`), []byte(`"x":`), 1) }, "data"},
		"large data":     {field("data", strings.Repeat(" ", MaxData)), "at most"},
		"large envelope": {field("other", strings.Repeat(" ", MaxData+MaxHeaders)), "at most"},
		"large id":       {field("id", strings.Repeat("x", MaxHeaders)), "attributes"},
	} {
		r := sampleStructured(t, sampleEvent(t, UploadReceived), false)
		test.change(r)
		_, err := FromRecord(r)
		require.Error(t, err, name)
		requireInput(t, err, test.contains)
	}
}

func TestStructuredEventOfAnUnknownTypeIsNotAFault(t *testing.T) {
	t.Parallel()
	r := sampleStructured(t, Event{ID: "1", Type: "org.example.other", Source: "/x", Data: []byte(`"any"`)}, false)
	r.Value = bytes.Replace(r.Value, []byte(`"data":`), []byte(`"data_base64":`), 1)
	e, err := FromRecord(r)
	require.ErrorIs(t, err, ErrUnknownType)
	require.Equal(t, "1", e.ID)
}

func TestTraceOfTheHopIsPreferredToThatOfAStructuredEvent(t *testing.T) {
	t.Parallel()
	r := sampleStructured(t, sampleEvent(t, UploadReceived), false)
	r.Value = append([]byte(`{"traceparent":"00-origin",`), r.Value[1:]...)
	e, err := FromRecord(r)
	require.NoError(t, err)
	require.Equal(t, "00-origin", e.Traceparent)
	set(r, HeaderTraceparent, "00-hop")
	e, err = FromRecord(r)
	require.NoError(t, err)
	require.Equal(t, "00-hop", e.Traceparent)
}

func TestCancellationMustMatchItsEnvelope(t *testing.T) {
	t.Parallel()
	good := Cancellation{ID: sampleUpload().ID, Tenant: "choir-7", By: "ada"}
	e, err := NewCancellation(sampleTime.In(time.FixedZone("CET", 3600)), good)
	require.NoError(t, err)
	require.Equal(t, time.UTC, e.Time.Location())
	got, err := e.Cancellation()
	require.NoError(t, err)
	require.Equal(t, good, got)
	for field, change := range map[string]func(*Cancellation){
		"upload_id": func(c *Cancellation) { c.ID = "0195a2b4-7c3d-7e8f-9a0b-000000000000" },
		"tenant":    func(c *Cancellation) { c.Tenant = "" },
		"by":        func(c *Cancellation) { c.By = "" },
		"reason":    func(c *Cancellation) { c.Reason = strings.Repeat("x", MaxReason+1) },
	} {
		c := good
		change(&c)
		other := e
		other.Data, _ = json.Marshal(c)
		_, err := other.Cancellation()
		requireInput(t, err, field)
		if field != "upload_id" {
			_, err = NewCancellation(sampleTime, c)
			require.ErrorContains(t, err, field)
		}
	}
	_, err = NewCancellation(time.Time{}, good)
	require.Error(t, err)
	_, err = sampleEvent(t, UploadReceived).Cancellation()
	requireInput(t, err, "type")
}

// The two events of one type also differ in their data.
func TestCancellationRequestIsNotACanceledEvent(t *testing.T) {
	t.Parallel()
	_, err := sampleCancellation(t).Lifecycle()
	requireInput(t, err, "upload")
	_, err = sampleEvent(t, Canceled).Cancellation()
	requireInput(t, err, "upload_id")
	_, err = sampleErasure(t).Lifecycle()
	requireInput(t, err, "upload")
	_, err = sampleEvent(t, Erased).Erasure()
	requireInput(t, err, "upload_id")
}

func TestErasureMustMatchItsEnvelope(t *testing.T) {
	t.Parallel()
	good := Erasure{ID: sampleUpload().ID, Tenant: "choir-7", By: "ada"}
	e, err := NewErasure(sampleTime.In(time.FixedZone("CET", 3600)), good)
	require.NoError(t, err)
	require.Equal(t, time.UTC, e.Time.Location())
	got, err := e.Erasure()
	require.NoError(t, err)
	require.Equal(t, good, got)
	for field, change := range map[string]func(*Erasure){
		"upload_id": func(r *Erasure) { r.ID = "0195a2b4-7c3d-7e8f-9a0b-000000000000" },
		"tenant":    func(r *Erasure) { r.Tenant = "../choir-7" },
		"by":        func(r *Erasure) { r.By = "" },
		"reason":    func(r *Erasure) { r.Reason = strings.Repeat("x", MaxReason+1) },
	} {
		r := good
		change(&r)
		other := e
		other.Data, _ = json.Marshal(r)
		_, err := other.Erasure()
		requireInput(t, err, field)
		if field != "upload_id" {
			_, err = NewErasure(sampleTime, r)
			require.ErrorContains(t, err, field)
		}
	}
	_, err = NewErasure(time.Time{}, good)
	require.Error(t, err)
	_, err = sampleCancellation(t).Erasure()
	requireInput(t, err, "type")
}

// The event of an erasure must not repeat what was erased. No other event may have
// a bare upload.
func TestErasedEventHasABareUpload(t *testing.T) {
	t.Parallel()
	require.NotContains(t, string(sampleEvent(t, Erased).Data), "filename")
	require.NotContains(t, string(sampleEvent(t, Erased).Data), "sha256")
	u := sampleUpload()
	named := Lifecycle{Upload: orak.BareUpload(u.Tenant, u.ID), Status: orak.StatusErased}
	for field, change := range map[string]func(*Lifecycle){
		"upload_id": func(l *Lifecycle) { l.Upload.ID = "x" },
		"tenant":    func(l *Lifecycle) { l.Upload.Tenant = "" },
		"key":       func(l *Lifecycle) { l.Upload.Key = orak.OriginalKey("other", u.ID) },
		"status":    func(l *Lifecycle) { l.Status = orak.StatusCompleted },
	} {
		l := named
		change(&l)
		_, err := NewLifecycle("id", Erased, sampleTime, l)
		require.ErrorContains(t, err, field)
	}
	_, err := NewLifecycle("id", Completed, sampleTime, named)
	require.ErrorContains(t, err, "upload")
	_, err = NewLifecycle("id", Completed, sampleTime, Lifecycle{Upload: u, Status: orak.StatusErased})
	require.ErrorContains(t, err, "status")
}

func notification(entries ...string) *kgo.Record {
	return &kgo.Record{Value: []byte(`{"Records":[` + strings.Join(entries, ",") + `]}`)}
}

func notificationEntry(event, key string) string {
	return fmt.Sprintf(`{"eventName":%q,"s3":{"bucket":{"name":"orak"},"object":{"key":%q}}}`, event, key)
}

func TestNotificationsOfBothServersAnnounceTheUpload(t *testing.T) {
	t.Parallel()
	for _, minio := range []bool{false, true} {
		entries, ok, err := NotificationFrom(sampleNotification(t, minio))
		require.NoError(t, err)
		require.True(t, ok)
		require.Len(t, entries, 1)
		require.Equal(t, "orak", entries[0].Bucket)
		require.Equal(t, sampleUpload().Key, entries[0].Key)
		tenant, id, ok := entries[0].Recording()
		require.True(t, ok)
		require.Equal(t, sampleUpload().Tenant, tenant)
		require.Equal(t, sampleUpload().ID, id)
	}
}

func TestNotificationAnnouncesOnlyStoredRecordings(t *testing.T) {
	t.Parallel()
	key := sampleUpload().Key
	for _, other := range []string{
		notificationEntry("s3:ObjectRemoved:Delete", key),
		notificationEntry("s3:ObjectAccessed:Get", key),
		notificationEntry("ObjectCreatedNot", key),
		notificationEntry("ObjectCreated:Put", "a+b%2Bc"),
		notificationEntry("ObjectCreated:Put", "/"+key),
		notificationEntry("ObjectCreated:Put", key+"/"),
		notificationEntry("ObjectCreated:Put", "x"+key),
		notificationEntry("ObjectCreated:Put", orak.AudioKey("choir-7", sampleUpload().ID)),
		notificationEntry("ObjectCreated:Put", orak.PendingKey("choir-7", sampleUpload().ID)),
		notificationEntry("ObjectCreated:Put", "uploads/choir-7/../original"),
		notificationEntry("ObjectCreated:Put", "uploads/Choir/"+string(sampleUpload().ID)+"/original"),
		notificationEntry("ObjectCreated:Put", strings.Replace(key, "a", "A", 1)),
	} {
		entries, ok, err := NotificationFrom(notification(other, notificationEntry("s3:ObjectCreated:Post", key)))
		require.NoError(t, err, other)
		require.True(t, ok)
		require.Len(t, entries, 2)
		_, _, announces := entries[0].Recording()
		require.False(t, announces, other)
		_, _, announces = entries[1].Recording()
		require.True(t, announces)
	}
	entries, _, err := NotificationFrom(notification(notificationEntry("ObjectCreated:Put", "a+b%2Bc")))
	require.NoError(t, err)
	require.Equal(t, "a b+c", entries[0].Key)
}

func TestNotificationOfATestEventAnnouncesNothing(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"orak"}`,
		`{"Records":[]}`,
	} {
		entries, ok, err := NotificationFrom(&kgo.Record{Value: []byte(value)})
		require.NoError(t, err)
		require.True(t, ok)
		require.Empty(t, entries)
	}
}

func TestNotificationFromIgnoresOtherRecords(t *testing.T) {
	t.Parallel()
	for _, r := range []*kgo.Record{
		{}, {Value: []byte("{")}, {Value: []byte("[]")}, {Value: []byte(`{"Event":"other"}`)},
		sampleEvent(t, UploadReceived).Record(TopicUploads),
		sampleStructured(t, sampleEvent(t, UploadReceived), false),
		{Value: sampleNotification(t, true).Value, Headers: []kgo.RecordHeader{{Key: HeaderID, Value: []byte("1")}}},
	} {
		_, ok, err := NotificationFrom(r)
		require.NoError(t, err)
		require.False(t, ok)
	}
}

func TestNotificationFromReportsWhatIsMalformed(t *testing.T) {
	t.Parallel()
	key := sampleUpload().Key
	good := notificationEntry("s3:ObjectCreated:Put", key)
	for contains, r := range map[string]*kgo.Record{
		"not a list":                 {Value: []byte(`{"Records":{}}`)},
		"of a bucket's events":       {Value: []byte(`{"Records":null}`)},
		"records[1]: eventName":      notification(good, `{"Sns":{}}`),
		"s3.bucket.name":             notification(`{"eventName":"ObjectCreated:Put","s3":{"object":{"key":"a"}}}`),
		"s3.object.key: missing":     notification(notificationEntry("ObjectCreated:Put", "")),
		"s3.object.key: not URL-enc": notification(notificationEntry("ObjectCreated:Put", "100%")),
		"101 entries":                notification(strings.Split(strings.Repeat(good+"\n", 100)+good, "\n")...),
		"data: ":                     notification(notificationEntry("ObjectCreated:Put", strings.Repeat("x", MaxData))),
		"headers: ": {
			Value:   notification(good).Value,
			Headers: []kgo.RecordHeader{{Key: "x", Value: bytes.Repeat([]byte("x"), MaxHeaders)}},
		},
	} {
		_, ok, err := NotificationFrom(r)
		require.True(t, ok, contains)
		require.Error(t, err, contains)
		requireInput(t, err, contains)
	}
}

func FuzzStructured(f *testing.F) {
	seed := &testing.T{}
	for _, encoded := range []bool{false, true} {
		for _, e := range []Event{sampleEvent(seed, UploadReceived), sampleCancellation(seed), sampleErasure(seed)} {
			value := sampleStructured(seed, e, encoded).Value
			f.Add(value)
			f.Add(value[:len(value)/2])
		}
	}
	f.Add([]byte(`{"specversion":"1.0","id":null,"type":"orak.upload.canceled","data_base64":"bnVsbA=="}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		r := &kgo.Record{Value: value, Headers: []kgo.RecordHeader{{Key: HeaderContentType, Value: []byte(structuredType)}}}
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
		require.Equal(t, e, again, "the event in binary mode is the same")
		if c, err := e.Cancellation(); err == nil {
			require.Equal(t, e.Subject, c.ID)
			_, err = NewCancellation(sampleTime, c)
			require.NoError(t, err)
		}
		if r, err := e.Erasure(); err == nil {
			require.Equal(t, e.Subject, r.ID)
			_, err = NewErasure(sampleTime, r)
			require.NoError(t, err)
		}
	})
}

func FuzzNotification(f *testing.F) {
	seed := &testing.T{}
	for _, minio := range []bool{false, true} {
		value := sampleNotification(seed, minio).Value
		f.Add(value)
		f.Add(value[:len(value)/2])
	}
	f.Add([]byte(`{"Event":"s3:TestEvent"}`))
	f.Add([]byte(`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"a+%2e%"}}}]}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		entries, ok, err := NotificationFrom(&kgo.Record{Value: value})
		if err != nil {
			require.True(t, ok)
			requireInput(t, err, "")
			return
		}
		require.LessOrEqual(t, len(entries), MaxNotified)
		for _, n := range entries {
			if tenant, id, announces := n.Recording(); announces {
				require.Equal(t, orak.OriginalKey(tenant, id), n.Key)
			}
		}
	})
}
