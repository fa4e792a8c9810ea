package events

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

func TestAnnouncedByReadsTheUploadOfAMalformedRecord(t *testing.T) {
	t.Parallel()
	u := sampleUpload()
	bare := orak.BareUpload(u.Tenant, u.ID)
	data := func(field string, value any) func(*kgo.Record) {
		return func(r *kgo.Record) {
			var fields map[string]any
			require.NoError(t, json.Unmarshal(r.Value, &fields))
			fields[field] = value
			r.Value, _ = json.Marshal(fields)
		}
	}
	for name, test := range map[string]struct {
		spoil func(*kgo.Record)
		want  orak.Upload
	}{
		"no time":            {func(r *kgo.Record) { set(r, HeaderTime, "yesterday") }, u},
		"another version":    {func(r *kgo.Record) { set(r, HeaderSpecVersion, "0.3") }, u},
		"no subject":         {func(r *kgo.Record) { set(r, HeaderSubject, "") }, u},
		"no digest":          {data("sha256", "x"), bare},
		"a size of text":     {data("size", "ten"), bare},
		"another's object":   {data("key", "uploads/choir-7/x/original"), bare},
		"no id in the data":  {data("upload_id", 7), bare},
		"another upload":     {data("upload_id", "0195a2b4-7c3d-7e8f-9a0b-000000000000"), orak.Upload{}},
		"no tenant":          {data("tenant", nil), orak.Upload{}},
		"a tenant of others": {data("tenant", "../x"), orak.Upload{}},
		"no JSON":            {func(r *kgo.Record) { r.Value = []byte("x") }, orak.Upload{}},
		"an erasure":         {func(r *kgo.Record) { set(r, HeaderType, string(Erased)) }, orak.Upload{}},
		"no event":           {func(r *kgo.Record) { r.Headers = nil }, orak.Upload{}},
	} {
		r := sampleEvent(t, UploadReceived).Record(TopicUploads)
		test.spoil(r)
		got, ok := AnnouncedBy(r)
		require.Equal(t, test.want.ID != "", ok, name)
		require.Equal(t, test.want, got, name)
	}
}

func TestAnnouncedByReadsTheUploadOfAMalformedStructuredRecord(t *testing.T) {
	t.Parallel()
	for _, encoded := range []bool{false, true} {
		r := sampleStructured(t, sampleEvent(t, UploadReceived), encoded)
		r.Value = bytes.Replace(r.Value, []byte(`"1.0"`), []byte(`"0.3"`), 1)
		_, err := FromRecord(r)
		require.Error(t, err)
		got, ok := AnnouncedBy(r)
		require.True(t, ok)
		require.Equal(t, sampleUpload(), got)
	}
}

func TestRefusedAnnouncementMayHaveABareUpload(t *testing.T) {
	t.Parallel()
	u := sampleUpload()
	l := Lifecycle{Upload: orak.BareUpload(u.Tenant, u.ID), Status: orak.StatusDiscarded, Failure: sampleFailure()}
	_, err := NewLifecycle("id", Discarded, sampleTime, l)
	require.ErrorContains(t, err, "upload", "an upload that failed in a later stage is complete")
	l.Failure.Stage = orak.StageReceive
	e, err := NewLifecycle("id", Discarded, sampleTime, l)
	require.NoError(t, err)
	requireConforms(t, "refused", compiled(t, "lifecycle"), e.Data)
	got, err := e.Lifecycle()
	require.NoError(t, err)
	require.Equal(t, l, got)
}
