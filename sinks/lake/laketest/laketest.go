// Package laketest makes lifecycle events for tests and benchmarks of the lake, and
// reads back what the lake has of them.
package laketest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/parquet-go/parquet-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/sinks/lake"
)

// Sentinel is in every field of an event that must not reach the lake.
const Sentinel = "zq7-not-for-the-lake"

// Start is when the first events of a Source happened.
var Start = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// Source makes lifecycle events, the same ones for the same seed.
type Source struct {
	rng *rand.Rand
	at  time.Time
	// Step is the longest time between two events.
	Step time.Duration
	// Uploads are those that were made so far.
	Uploads []orak.Upload
}

// NewSource makes a Source whose events are a few hours apart at most, so that a
// hundred of them spread over days.
func NewSource(seed uint64) *Source {
	return &Source{rng: rand.New(rand.NewPCG(seed, 1)), at: Start, Step: 2 * time.Hour}
}

// Next makes the next event: of a new upload, or of one that has been.
func (s *Source) Next() (events.Event, events.Lifecycle) {
	s.at = s.at.Add(time.Duration(s.rng.Int64N(int64(s.Step))))
	u := s.upload()
	switch s.rng.IntN(4) {
	case 0:
		return s.Event(events.Converted, events.Lifecycle{Upload: u, Status: orak.StatusAnalyzing})
	case 1:
		return s.Event(events.DeadLettered, events.Lifecycle{
			Upload: u, Status: orak.StatusDeadLettered, Stage: orak.StageConvert, By: Sentinel, Reason: Sentinel,
			Failure: &orak.Failure{
				Stage: orak.StageConvert, Class: orak.Classes()[s.rng.IntN(3)], Message: Sentinel, Attempts: 2, FirstAt: s.at, LastAt: s.at,
			},
		})
	default:
		return s.Event(events.Completed, events.Lifecycle{Upload: u, Status: orak.StatusCompleted, Analysis: s.analysis()})
	}
}

// Event makes the event t at the Source's time.
func (s *Source) Event(t events.Type, l events.Lifecycle) (events.Event, events.Lifecycle) {
	e, err := events.NewLifecycle(uuid.NewString(), t, s.at, l)
	if err != nil {
		panic(fmt.Sprintf("making an event: %v", err))
	}
	return e, l
}

// Erase makes the event that an upload is erased.
func (s *Source) Erase(u orak.Upload) events.Event {
	e, _ := s.Event(events.Erased, events.Lifecycle{Upload: orak.BareUpload(u.Tenant, u.ID), Status: orak.StatusErased})
	return e
}

// Record returns e as the record at an offset of a partition of the lifecycle topic.
func (s *Source) Record(e events.Event, partition int32, offset int64) *kgo.Record {
	r := e.Record(events.TopicLifecycle)
	r.Partition, r.Offset, r.Timestamp = partition, offset, s.at
	return r
}

func (s *Source) upload() orak.Upload {
	if len(s.Uploads) > 0 && s.rng.IntN(3) > 0 {
		return s.Uploads[s.rng.IntN(len(s.Uploads))]
	}
	var id uuid.UUID
	for i := range id {
		id[i] = byte(s.rng.Uint32())
	}
	u := orak.Upload{
		ID: orak.UploadID(id.String()), Tenant: orak.Tenant(fmt.Sprintf("choir-%d", s.rng.IntN(3))), ContentType: "audio/webm",
		Filename: Sentinel + ".webm", Owner: Sentinel, Metadata: orak.Metadata(`{"note":"` + Sentinel + `"}`),
		Size: 1 << 20, SHA256: strings.Repeat("a1", 32), ReceivedAt: s.at.Add(-time.Duration(s.rng.IntN(60)) * time.Second),
	}
	u.Key = orak.OriginalKey(u.Tenant, u.ID)
	s.Uploads = append(s.Uploads, u)
	return u
}

func (s *Source) analysis() *orak.Analysis {
	low := 80 + 200*s.rng.Float64()
	values := make([]float32, 64)
	for i := range values {
		values[i] = s.rng.Float32()
	}
	return &orak.Analysis{
		Audio: orak.Audio{DurationS: 60 * s.rng.Float64(), Codec: "opus", SampleRateHz: 48000, Channels: 1, Damage: []orak.Damage{}},
		Pitch: orak.Pitch{
			MedianHz: 1.4 * low, MinHz: low, MaxHz: 2 * low, LowNote: "E2", HighNote: "E3",
			TessituraLowHz: 1.1 * low, TessituraHighHz: 1.8 * low, VoicedRatio: s.rng.Float64(), HopS: 0.01,
		},
		Key:       orak.Key{Tonic: "C", Mode: "major", Confidence: 0.5},
		Tempo:     orak.Tempo{BPM: 60 + 100*s.rng.Float64(), Confidence: 0.25},
		Loudness:  orak.Loudness{IntegratedLUFS: -23, TruePeakDBTP: -1.5},
		Timbre:    orak.Timbre{MFCCMean: []float64{s.rng.Float64(), 2}, MFCCStd: []float64{0.5, 0.25}, CentroidHz: 1500},
		Embedding: orak.Embedding{Name: "mfcc", Version: "1", Values: values},
		Engine:    orak.Engine{Name: "orak", Version: "1"},
	}
}

// Contents is what the lake has.
type Contents struct {
	Lifecycle []lake.LifecycleRow
	Analyses  []lake.AnalysisRow
	// Files has the keys of all files, in their order, and Data their bytes.
	Files []string
	Data  map[string][]byte
}

// ReadAll reads every file of the lake.
func ReadAll(ctx context.Context, s lake.Store) (*Contents, error) {
	c := &Contents{Data: make(map[string][]byte)}
	for o, err := range s.List(ctx, lake.Prefix, "") {
		if err != nil {
			return nil, err
		}
		if !strings.HasSuffix(o.Key, ".parquet") {
			continue
		}
		if err := c.read(ctx, s, o.Key); err != nil {
			return nil, fmt.Errorf("reading %s: %w", o.Key, err)
		}
	}
	return c, nil
}

func (c *Contents) read(ctx context.Context, s lake.Store, key string) error {
	body, _, err := s.Open(ctx, key)
	if err != nil {
		return err
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	c.Files = append(c.Files, key)
	c.Data[key] = data
	if strings.HasPrefix(key, lake.Prefix+string(lake.Lifecycle)+"/") {
		return appendRows(&c.Lifecycle, data)
	}
	return appendRows(&c.Analyses, data)
}

func appendRows[T any](all *[]T, data []byte) error {
	rows, err := parquet.Read[T](bytes.NewReader(data), int64(len(data)))
	*all = append(*all, rows...)
	return err
}
