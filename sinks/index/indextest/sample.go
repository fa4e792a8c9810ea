package indextest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"orak"
	"orak/sinks/index"
)

// start is when the first sample was received.
var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// ID returns the id of the n-th sample.
func ID(n int) orak.UploadID { return orak.UploadID(fmt.Sprintf("01930000-0000-7000-8000-%012x", n)) }

// Recording returns the n-th sample, received a second after the one before.
func Recording(t orak.Tenant, n int) orak.Upload {
	return orak.Upload{
		ID: ID(n), Tenant: t, Key: orak.OriginalKey(t, ID(n)), ContentType: "audio/ogg", Filename: fmt.Sprintf("Take %d.ogg", n),
		Size: int64(1000 + n), SHA256: strings.Repeat(fmt.Sprintf("%x", n%16), 64), ReceivedAt: start.Add(time.Duration(n) * time.Second),
		Owner: fmt.Sprintf("user-%d", n%7), Metadata: orak.Metadata(fmt.Sprintf(`{"n":%d}`, n)),
	}
}

// Queued returns the row of the n-th sample after its announcement.
func Queued(t orak.Tenant, n int) index.Upload { return index.Queued(Recording(t, n)) }

// Completed returns the row of the n-th sample with an analysis.
func Completed(t orak.Tenant, n int, values ...float32) index.Upload {
	u := index.Upload{Upload: Recording(t, n), Status: orak.StatusCompleted, UpdatedAt: start.Add(time.Hour + time.Duration(n)*time.Second)}
	return u.WithAnalysis(orak.Analysis{
		Audio: orak.Audio{DurationS: 10 + float64(n), Damage: []orak.Damage{orak.DamageGaps, orak.DamageTrailing}},
		Pitch: orak.Pitch{
			MedianHz: 220, MinHz: 110, MaxHz: 440 + float64(n), TessituraLowHz: 150, TessituraHighHz: 300, VoicedRatio: 0.5,
		},
		Key: orak.Key{Tonic: orak.PitchClasses()[n%12], Mode: "minor", Confidence: 0.25}, Tempo: orak.Tempo{BPM: 60 + float64(n), Confidence: 1},
		Loudness: orak.Loudness{IntegratedLUFS: -23.5}, Timbre: orak.Timbre{CentroidHz: 1500},
		Engine:    orak.Engine{Name: "orak", Version: "1"},
		Embedding: orak.Embedding{Name: "mfcc", Version: "1", Values: values},
	})
}

// DeadLettered returns the row of the n-th sample after it failed in that cycle.
func DeadLettered(t orak.Tenant, n, cycle int) index.Upload {
	return index.Upload{
		Upload: Recording(t, n), Status: orak.StatusDeadLettered, Stage: orak.StageConvert, Cycle: cycle,
		Failure:   &orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: fmt.Sprintf("It is not audio (%d).", cycle)},
		UpdatedAt: start.Add(2 * time.Hour),
	}
}

// Erased returns the row of the n-th sample after its erasure.
func Erased(t orak.Tenant, n int) index.Upload {
	return index.FromTombstone(t, orak.Tombstone{ID: ID(n), ErasedAt: start.Add(3 * time.Hour)})
}

// BatchOf returns a batch of one partition whose first record has that offset.
func BatchOf(first int64, rows ...index.Upload) index.Batch {
	b := index.Batch{Topic: "orak.lifecycle", Partition: 3, Next: first + int64(len(rows))}
	for i, u := range rows {
		b.Rows = append(b.Rows, index.Row{Offset: first + int64(i), Upload: u})
	}
	return b
}

// Vector returns random values of any length but zero.
func Vector(random *rand.Rand, dimensions int) []float32 {
	values := make([]float32, dimensions)
	for i := range values {
		values[i] = float32(random.NormFloat64())
	}
	return values
}
