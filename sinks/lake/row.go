package lake

import (
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
)

// Table is a table of the lake. The set is closed: folders of the store and labels
// of metrics carry it.
type Table string

const (
	// Lifecycle has a row for each event of events.TopicLifecycle.
	Lifecycle Table = "lifecycle"
	// Analyses has a row for each completed event that carries its analysis.
	Analyses Table = "analyses"
)

// Tables returns all tables.
func Tables() []Table { return []Table{Lifecycle, Analyses} }

// The columns are contracts: queries name them. They are only ever added, and the
// name of a file, its owner's data and what people typed are in none of them.

// Origin has the columns that every table begins with: where the event is on Kafka,
// and whose it is.
type Origin struct {
	Topic     string `parquet:"kafka_topic,dict"`
	Partition int32  `parquet:"kafka_partition"`
	Offset    int64  `parquet:"kafka_offset,delta"`
	EventID   string `parquet:"event_id"`
	// EventTime is when it happened, ReceivedAt when the upload was accepted, both in
	// microseconds since 1970 in UTC; an erased upload has no ReceivedAt.
	EventTime  int64  `parquet:"event_time,timestamp(microsecond)"`
	UploadID   string `parquet:"upload_id"`
	Tenant     string `parquet:"tenant,dict"`
	Kind       string `parquet:"kind,dict"`
	Cycle      int32  `parquet:"cycle"`
	ReceivedAt int64  `parquet:"received_at,optional,timestamp(microsecond)"`
}

// origin returns o; the row types embed it.
func (o Origin) origin() Origin { return o }

// LifecycleRow is a row of the table Lifecycle.
type LifecycleRow struct {
	Origin
	Type   string `parquet:"type,dict"`
	Status string `parquet:"status,dict"`
	// Stage is the stage that failed or runs again.
	Stage           string `parquet:"stage,optional,dict"`
	FailureStage    string `parquet:"failure_stage,optional,dict"`
	FailureClass    string `parquet:"failure_class,optional,dict"`
	FailureAttempts int32  `parquet:"failure_attempts,optional"`
	FailureFirstAt  int64  `parquet:"failure_first_at,optional,timestamp(microsecond)"`
	FailureLastAt   int64  `parquet:"failure_last_at,optional,timestamp(microsecond)"`
	ContentType     string `parquet:"content_type,optional,dict"`
	SizeBytes       int64  `parquet:"size_bytes,optional"`
}

// AnalysisRow is a row of the table Analyses; see orak.Analysis for the units.
type AnalysisRow struct {
	Origin
	DurationS        float64   `parquet:"duration_s"`
	Codec            string    `parquet:"codec,dict"`
	SampleRateHz     int32     `parquet:"sample_rate_hz"`
	Channels         int32     `parquet:"channels"`
	Damage           []string  `parquet:"damage,list"`
	MedianHz         float64   `parquet:"median_hz"`
	MinHz            float64   `parquet:"min_hz"`
	MaxHz            float64   `parquet:"max_hz"`
	LowNote          string    `parquet:"low_note,dict"`
	HighNote         string    `parquet:"high_note,dict"`
	TessituraLowHz   float64   `parquet:"tessitura_low_hz"`
	TessituraHighHz  float64   `parquet:"tessitura_high_hz"`
	VoicedRatio      float64   `parquet:"voiced_ratio"`
	KeyTonic         string    `parquet:"key_tonic,dict"`
	KeyMode          string    `parquet:"key_mode,dict"`
	KeyConfidence    float64   `parquet:"key_confidence"`
	TempoBPM         float64   `parquet:"tempo_bpm"`
	TempoConfidence  float64   `parquet:"tempo_confidence"`
	IntegratedLUFS   float64   `parquet:"integrated_lufs"`
	TruePeakDBTP     float64   `parquet:"true_peak_dbtp"`
	CentroidHz       float64   `parquet:"centroid_hz"`
	MFCCMean         []float64 `parquet:"mfcc_mean,list"`
	MFCCStd          []float64 `parquet:"mfcc_std,list"`
	EmbeddingName    string    `parquet:"embedding_name,dict"`
	EmbeddingVersion string    `parquet:"embedding_version,dict"`
	Embedding        []float32 `parquet:"embedding,list"`
	EngineName       string    `parquet:"engine_name,dict"`
	EngineVersion    string    `parquet:"engine_version,dict"`
}

// row is what the row types have in common.
type row interface {
	LifecycleRow | AnalysisRow
	origin() Origin
}

func originOf(r *kgo.Record, e events.Event, l events.Lifecycle) Origin {
	return Origin{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
		EventID: clone(e.ID), EventTime: eventTime(r, e).UnixMicro(),
		UploadID: clone(string(l.Upload.ID)), Tenant: clone(string(l.Upload.Tenant)), Kind: l.Upload.Kind.String(),
		Cycle: int32(l.Cycle), ReceivedAt: micros(l.Upload.ReceivedAt),
	}
}

// clone lets go of the record that s was cut from.
func clone(s string) string { return strings.Clone(s) }

func lifecycleRow(o Origin, e events.Event, l events.Lifecycle) LifecycleRow {
	r := LifecycleRow{
		Origin: o, Type: string(e.Type), Status: string(l.Status), Stage: string(l.Stage),
		ContentType: l.Upload.ContentType, SizeBytes: l.Upload.Size,
	}
	if f := l.Failure; f != nil {
		r.FailureStage, r.FailureClass, r.FailureAttempts = string(f.Stage), string(f.Class), int32(f.Attempts)
		r.FailureFirstAt, r.FailureLastAt = micros(f.FirstAt), micros(f.LastAt)
	}
	return r
}

func analysisRow(o Origin, a *orak.Analysis) AnalysisRow {
	return AnalysisRow{
		Origin:    o,
		DurationS: a.Audio.DurationS, Codec: a.Audio.Codec, SampleRateHz: int32(a.Audio.SampleRateHz),
		Channels: int32(a.Audio.Channels), Damage: damage(a.Audio.Damage),
		MedianHz: a.Pitch.MedianHz, MinHz: a.Pitch.MinHz, MaxHz: a.Pitch.MaxHz,
		LowNote: a.Pitch.LowNote, HighNote: a.Pitch.HighNote,
		TessituraLowHz: a.Pitch.TessituraLowHz, TessituraHighHz: a.Pitch.TessituraHighHz, VoicedRatio: a.Pitch.VoicedRatio,
		KeyTonic: a.Key.Tonic, KeyMode: a.Key.Mode, KeyConfidence: a.Key.Confidence,
		TempoBPM: a.Tempo.BPM, TempoConfidence: a.Tempo.Confidence,
		IntegratedLUFS: a.Loudness.IntegratedLUFS, TruePeakDBTP: a.Loudness.TruePeakDBTP,
		CentroidHz: a.Timbre.CentroidHz, MFCCMean: a.Timbre.MFCCMean, MFCCStd: a.Timbre.MFCCStd,
		EmbeddingName: a.Embedding.Name, EmbeddingVersion: a.Embedding.Version, Embedding: a.Embedding.Values,
		EngineName: a.Engine.Name, EngineVersion: a.Engine.Version,
	}
}

func damage(ds []orak.Damage) []string {
	codes := make([]string, len(ds))
	for i, d := range ds {
		codes[i] = string(d)
	}
	return codes
}

// micros returns t in microseconds since 1970; 0, which is stored as null, for the
// zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// maxSkew is how far the time of an event may be from that of its record. Beyond
// it, the record's counts, so that a wrong clock makes no folders in other years.
const maxSkew = 30 * 24 * time.Hour

// The times that folders and columns can have. A record's own time is any number of
// milliseconds that its producer wrote.
var (
	earliest = time.Unix(0, 0).UTC()
	latest   = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)
)

// eventTime is the time of e in UTC, from earliest to latest.
func eventTime(r *kgo.Record, e events.Event) time.Time {
	at := r.Timestamp
	recordIsOff := at.Before(earliest) || at.After(latest)
	if !e.Time.IsZero() && (recordIsOff || e.Time.Sub(at).Abs() <= maxSkew) {
		at = e.Time
	}
	switch {
	case at.Before(earliest):
		return earliest
	case at.After(latest):
		return latest
	default:
		return at.UTC()
	}
}
