package events

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

// The goldens are made from the samples. Never change a sample: add one for a new
// shape.

var sampleTime = time.Date(2026, 3, 14, 15, 9, 26, 535897932, time.UTC)

func sampleUpload() orak.Upload {
	const id = orak.UploadID("0195a2b4-7c3d-7e8f-9a0b-1c2d3e4f5a6b")
	return orak.Upload{
		ID:          id,
		Tenant:      "choir-7",
		Key:         orak.OriginalKey("choir-7", id),
		ContentType: "audio/webm",
		Filename:    "Probe Nr. 3 – Ännchen.webm",
		Size:        1048576,
		SHA256:      "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		ReceivedAt:  sampleTime,
	}
}

// sampleDescribed is an upload with all that a caller may say of it.
func sampleDescribed() orak.Upload {
	u := sampleUpload()
	u.Owner, u.Kind, u.Metadata = "user-42", orak.KindSong, `{"room":"A","take":3}`
	return u
}

func sampleFailure() *orak.Failure {
	return &orak.Failure{
		Stage: orak.StageConvert, Class: orak.ClassInput, Message: "The file is not audio.",
		Attempts: 1, FirstAt: sampleTime, LastAt: sampleTime.Add(time.Second),
	}
}

func sampleAnalysis() *orak.Analysis {
	return &orak.Analysis{
		Audio: orak.Audio{DurationS: 12.5, Codec: "opus", SampleRateHz: 48000, Channels: 1, Damage: []orak.Damage{orak.DamageTruncated}},
		Pitch: orak.Pitch{
			MedianHz: 220, MinHz: 110, MaxHz: 440, LowNote: "A2", HighNote: "A4",
			TessituraLowHz: 130.8, TessituraHighHz: 392, VoicedRatio: 0.75, HopS: 0.01,
		},
		Key:       orak.Key{Tonic: "C#", Mode: "minor", Confidence: 0.5},
		Tempo:     orak.Tempo{BPM: 96, Confidence: 0.25},
		Loudness:  orak.Loudness{IntegratedLUFS: -23, TruePeakDBTP: -1.5},
		Timbre:    orak.Timbre{MFCCMean: []float64{-1.5, 2}, MFCCStd: []float64{0.5, 0.25}, CentroidHz: 1500},
		Embedding: orak.Embedding{Name: "mfcc", Version: "1", Values: []float32{0.6, 0.8}},
		Engine:    orak.Engine{Name: "orak", Version: "1"},
	}
}

// sampleLifecycle has every field that an event of type t may have.
func sampleLifecycle(t Type) Lifecycle {
	u := sampleUpload()
	l := Lifecycle{Upload: u}
	keys := func(n int) {
		all := []string{orak.AudioKey(u.Tenant, u.ID), orak.AnalysisKey(u.Tenant, u.ID), orak.PitchKey(u.Tenant, u.ID)}
		for i, to := range []*string{&l.AudioKey, &l.AnalysisKey, &l.PitchKey}[:n] {
			*to = all[i]
		}
	}
	switch t {
	case Converted:
		l.Status, l.Stage = orak.StatusAnalyzing, orak.StageConvert
		keys(1)
	case Analyzed:
		l.Status, l.Stage = orak.StatusPublishing, orak.StageAnalyze
		keys(3)
	case Completed:
		l.Status, l.Cycle, l.Analysis = orak.StatusCompleted, 1, sampleAnalysis()
		keys(3)
	case DeadLettered:
		l.Status, l.Stage, l.Failure = orak.StatusDeadLettered, orak.StageConvert, sampleFailure()
	case Reprocessed:
		l.Status, l.Cycle, l.Stage, l.By, l.Reason = orak.StatusConverting, 1, orak.StageConvert, "ada", "ffmpeg was mended"
	case Discarded:
		l.Status, l.Failure, l.By, l.Reason = orak.StatusDiscarded, sampleFailure(), "ada", "spam"
	case Canceled:
		l.Status = orak.StatusCanceled
	case Expired:
		l.Status, l.Failure = orak.StatusExpired, sampleFailure()
	case Erased:
		l.Upload, l.Status = orak.BareUpload(u.Tenant, u.ID), orak.StatusErased
		l.By, l.Reason = "ada", "asked by the singer"
	}
	return l
}

func sampleEvent(t *testing.T, typ Type) Event {
	t.Helper()
	var e Event
	var err error
	if typ == UploadReceived {
		e, err = NewReceived(sampleUpload())
	} else {
		l := sampleLifecycle(typ)
		id := LifecycleID("upload-"+string(l.Upload.ID), "2f1c", typ, l.Cycle)
		e, err = NewLifecycle(id, typ, sampleTime, l)
	}
	require.NoError(t, err)
	e.Traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	e.Tracestate = "vendor=value"
	return e
}

// sampleCompleted has an analysis with a schema version, of a file that lacks so many
// seconds at its end.
func sampleCompleted(t *testing.T, missing float64) Event {
	t.Helper()
	l := sampleLifecycle(Completed)
	l.Analysis.Audio.MissingS = missing
	l.Analysis.SchemaVersion = 2
	e, err := NewLifecycle(LifecycleID("upload-"+string(l.Upload.ID), "2f1c", Completed, l.Cycle), Completed, sampleTime, l)
	require.NoError(t, err)
	return e
}

func sampleDeadLetter(t *testing.T) DeadLetter {
	t.Helper()
	r := sampleEvent(t, UploadReceived).Record(TopicUploads)
	r.Partition, r.Offset = 7, 4711
	return DeadLetter{
		Origin: OriginOf(r), Failure: *sampleFailure(),
		WorkflowID: "upload-" + string(sampleUpload().ID), RunID: "2f1c",
		WebUI: "http://127.0.0.1:8233/namespaces/default/workflows/upload-x/2f1c/history",
		Cycle: 2, FailedAt: sampleTime.Truncate(time.Millisecond),
	}
}

// sampleSecondLetter is of an upload whose first failure was another.
func sampleSecondLetter(t *testing.T) DeadLetter {
	t.Helper()
	d := sampleDeadLetter(t)
	d.First = &orak.Failure{Stage: orak.StageAnalyze, Class: orak.ClassModel, Message: "The song could not be analyzed – größer als gedacht."}
	return d
}

func allTypes() []Type { return append([]Type{UploadReceived}, LifecycleTypes()...) }

func sampleCancellation(t *testing.T) Event {
	t.Helper()
	u := sampleUpload()
	e, err := NewCancellation(sampleTime, Cancellation{ID: u.ID, Tenant: u.Tenant, By: "ada", Reason: "sung in the wrong key"})
	require.NoError(t, err)
	return e
}

func sampleErasure(t *testing.T) Event {
	t.Helper()
	u := sampleUpload()
	e, err := NewErasure(sampleTime, Erasure{ID: u.ID, Tenant: u.Tenant, By: "ada", Reason: "asked by the singer"})
	require.NoError(t, err)
	return e
}

// sampleStructured returns e as other producers may write it: with an extension,
// and with its data as JSON or in base64.
func sampleStructured(t *testing.T, e Event, encoded bool) *kgo.Record {
	t.Helper()
	fields := map[string]any{
		"specversion": specVersion, "id": e.ID, "type": e.Type, "source": e.Source, "subject": e.Subject,
		"time": formatTime(e.Time), "datacontenttype": contentType, "comexampleother": 7,
	}
	if encoded {
		fields["data_base64"] = e.Data
	} else {
		fields["data"] = json.RawMessage(e.Data)
	}
	value, err := json.Marshal(fields)
	require.NoError(t, err)
	return &kgo.Record{Topic: TopicUploads, Key: []byte(e.Subject), Value: value, Headers: []kgo.RecordHeader{
		{Key: HeaderContentType, Value: []byte(structuredType + "; charset=UTF-8")},
	}}
}

// sampleNotification returns the notification of MinIO, or else of AWS, for the
// recording of the sample.
func sampleNotification(t *testing.T, minio bool) *kgo.Record {
	t.Helper()
	type fields = map[string]any
	u := sampleUpload()
	who := fields{"principalId": "choir"}
	object := fields{"key": u.Key, "size": u.Size, "eTag": "0cc175b9c0f1b6a831c399e269772661", "sequencer": "17A4B2C9D0E1F203"}
	entry := fields{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-central-1",
		"eventTime": "2026-03-14T15:09:26.535Z", "eventName": "ObjectCreated:CompleteMultipartUpload",
		"userIdentity":      who,
		"requestParameters": fields{"sourceIPAddress": "192.0.2.7"},
		"responseElements":  fields{"x-amz-request-id": "17A4B2C9D0E1F204", "x-amz-id-2": "b3Jhaw=="},
		"s3": fields{
			"s3SchemaVersion": "1.0", "configurationId": "uploads", "object": object,
			"bucket": fields{"name": "orak", "ownerIdentity": who, "arn": "arn:aws:s3:::orak"},
		},
	}
	body := fields{"Records": []fields{entry}}
	r := &kgo.Record{Topic: TopicUploads}
	if minio {
		object["key"] = strings.ReplaceAll(u.Key, "/", "%2F")
		object["contentType"], object["userMetadata"] = u.ContentType, fields{"content-type": u.ContentType}
		entry["eventVersion"], entry["eventSource"], entry["awsRegion"] = "2.0", "minio:s3", ""
		entry["eventName"] = "s3:ObjectCreated:Put"
		entry["source"] = fields{"host": "192.0.2.7", "port": "", "userAgent": "MinIO (linux; amd64) minio-go/v7.4.1"}
		body["EventName"], body["Key"] = entry["eventName"], "orak/"+u.Key
		r.Key = []byte("orak/" + u.Key)
	}
	var err error
	r.Value, err = json.Marshal(body)
	require.NoError(t, err)
	return r
}
