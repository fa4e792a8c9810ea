package index

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"orak"
	"orak/events"
)

// Upload is the row of an upload.
type Upload struct {
	// Upload describes the recording. It is an orak.BareUpload if the upload was
	// erased; if only a refused announcement is known, ReceivedAt is the time of its
	// refusal, and the other fields are empty.
	orak.Upload
	Status orak.Status
	// Stage is the stage that failed, or is run again; empty if there is none.
	Stage orak.Stage
	// Failure is why the upload failed; nil if it did not. It has only Stage, Class
	// and Message.
	Failure *orak.Failure
	// Cycle is the number of reprocesses, from 0.
	Cycle int
	// UpdatedAt is the time of the last event, in UTC; that of the erasure if the
	// upload was erased.
	UpdatedAt time.Time
	// Voice is nil unless the upload is completed.
	Voice *Voice
}

// Voice is what an analysis says of a recording, as far as it is searched.
type Voice struct {
	// DurationS is in seconds.
	DurationS float64
	Key       orak.Key
	// TempoBPM is in beats per minute; 0 if no beat was found.
	TempoBPM float64
	// LowHz and HighHz bound the vocal range, TessituraLowHz and TessituraHighHz the
	// middle 80 % of it, and MedianHz is its middle, in Hz; all are 0 for silence.
	LowHz, HighHz, TessituraLowHz, TessituraHighHz, MedianHz float64
	// VoicedRatio is the share of voiced frames, 0 to 1.
	VoicedRatio float64
	// CentroidHz is the mean spectral centroid, in Hz.
	CentroidHz float64
	// LoudnessLUFS is the integrated loudness in LUFS.
	LoudnessLUFS float64
	Damage       []orak.Damage
	Engine       orak.Engine
	// Embedding has no Values if the recording is silent. Store.List leaves the
	// Values out.
	Embedding orak.Embedding
}

// MaxDimensions bounds an embedding. A longer one is not kept.
const MaxDimensions = 4096

// maxText bounds what a row has from an event and no other package bounds, in bytes.
const maxText = 200

// rankErased is above every other rank.
const rankErased = math.MaxInt32

// Rank orders the rows of one upload: one of lower rank changes nothing but missing
// parts of the description. 0 is an announcement; each cycle has two ranks, of which
// the second is its end; an erasure has the highest.
func (u Upload) Rank() int32 {
	switch {
	case u.Erased():
		return rankErased
	case u.Status == orak.StatusQueued && u.Cycle == 0:
		return 0
	}
	cycle := int32(min(max(u.Cycle, 0), rankErased/2-2))
	if u.Status.Final() {
		return 2*(cycle+1) + 1
	}
	return 2 * (cycle + 1)
}

// Erased reports whether u is the row of an erased upload.
func (u Upload) Erased() bool { return u.Status == orak.StatusErased }

// described reports whether the recording is known, and not only its id.
func (u Upload) described() bool { return u.SHA256 != "" }

// Merge returns the row after next was applied to u, the row before. It is what
// stores do in their transactions.
func (u Upload) Merge(next Upload) Upload {
	if u.Tenant != next.Tenant || u.ID != next.ID || u.Erased() {
		return u
	}
	if next.Erased() {
		return next
	}
	merged := u
	if next.Rank() >= u.Rank() {
		merged = next
	}
	merged.Upload = u.Upload
	if next.described() {
		merged.Upload = next.Upload
		if next.Filename == "" {
			merged.Filename = u.Filename
		}
	}
	return merged
}

// FromReceived returns the row of an announced upload.
func FromReceived(e events.Event) (Upload, error) {
	received, err := e.Received()
	if err != nil {
		return Upload{}, err
	}
	return Queued(received.Upload), nil
}

// Queued returns the row of an upload of which no more is known than u.
func Queued(u orak.Upload) Upload {
	return clean(Upload{Upload: u, Status: orak.StatusQueued, UpdatedAt: u.ReceivedAt})
}

// FromLifecycle returns the row that an event of orak.lifecycle gives. complete is
// false where the event says that the upload is completed and leaves out the analysis.
func FromLifecycle(e events.Event) (row Upload, complete bool, err error) {
	l, err := e.Lifecycle()
	if err != nil {
		return Upload{}, false, err
	}
	row = Upload{
		Upload: l.Upload, Status: l.Status, Stage: l.Stage, Failure: l.Failure, Cycle: l.Cycle,
		UpdatedAt: e.Time.UTC(), Voice: voiceOf(l.Analysis),
	}
	row = clean(row)
	if err := row.Check(); err != nil {
		return Upload{}, false, &orak.Fault{Class: orak.ClassInput, Message: "The event has no status.", Err: err}
	}
	return row, l.Status != orak.StatusCompleted || l.Analysis != nil, nil
}

// FromOutcome returns the row of an upload that has ended; a is its analysis, and nil
// if it has none.
func FromOutcome(p orak.Progress, a *orak.Analysis) Upload {
	row := Upload{
		Upload: p.Upload, Status: p.Status, Failure: p.Failure, Cycle: p.Cycle,
		UpdatedAt: p.UpdatedAt.UTC(), Voice: voiceOf(a),
	}
	if p.Failure != nil {
		row.Stage = p.Stage // as in the event; see events.End
	}
	return clean(row)
}

// FromTombstone returns the row of an erased upload.
func FromTombstone(t orak.Tenant, s orak.Tombstone) Upload {
	return clean(Upload{Upload: orak.BareUpload(t, s.ID), Status: orak.StatusErased, UpdatedAt: s.ErasedAt.UTC()})
}

// WithAnalysis returns u with what a says.
func (u Upload) WithAnalysis(a orak.Analysis) Upload {
	u.Voice = voiceOf(&a)
	return clean(u)
}

func voiceOf(a *orak.Analysis) *Voice {
	if a == nil {
		return nil
	}
	return &Voice{
		DurationS: a.Audio.DurationS, Key: a.Key, TempoBPM: a.Tempo.BPM,
		LowHz: a.Pitch.MinHz, HighHz: a.Pitch.MaxHz,
		TessituraLowHz: a.Pitch.TessituraLowHz, TessituraHighHz: a.Pitch.TessituraHighHz, MedianHz: a.Pitch.MedianHz,
		VoicedRatio: a.Pitch.VoicedRatio, CentroidHz: a.Timbre.CentroidHz, LoudnessLUFS: a.Loudness.IntegratedLUFS,
		Damage: a.Audio.Damage, Engine: a.Engine, Embedding: a.Embedding,
	}
}

// clean bounds what events do not, and keeps of an erased upload no more than that it
// was erased. Times are kept in microseconds, as stores have them.
func clean(u Upload) Upload {
	u.UpdatedAt = micro(u.UpdatedAt)
	if u.Erased() {
		return Upload{Upload: orak.BareUpload(u.Tenant, u.ID), Status: u.Status, UpdatedAt: u.UpdatedAt}
	}
	if u.ReceivedAt.IsZero() {
		u.ReceivedAt = u.UpdatedAt
	}
	u.ReceivedAt = micro(u.ReceivedAt)
	u.Filename = orak.CleanFilename(u.Filename)
	u.ContentType, u.Owner = text(u.ContentType, maxText), text(u.Owner, orak.MaxOwner)
	u.SHA256, u.Kind = text(u.SHA256, maxText), orak.Kind(text(string(u.Kind), maxText))
	u.Status, u.Stage = orak.Status(text(string(u.Status), maxText)), orak.Stage(text(string(u.Stage), maxText))
	u.Failure = cleanFailure(u.Failure)
	if u.Voice != nil {
		v := cleanVoice(*u.Voice)
		u.Voice = &v
	}
	return u
}

func cleanFailure(f *orak.Failure) *orak.Failure {
	if f == nil {
		return nil
	}
	return &orak.Failure{
		Stage: orak.Stage(text(string(f.Stage), maxText)), Class: orak.Class(text(string(f.Class), maxText)),
		Message: text(f.Message, orak.MaxMessage),
	}
}

// maxDamage bounds the faults that a row names; there are four kinds.
const maxDamage = 16

func cleanVoice(v Voice) Voice {
	if !v.Key.Valid() {
		v.Key = orak.Key{}
	}
	v.Engine = orak.Engine{Name: text(v.Engine.Name, maxText), Version: text(v.Engine.Version, maxText)}
	v.Embedding = orak.Embedding{
		Name: text(v.Embedding.Name, maxText), Version: text(v.Embedding.Version, maxText), Values: vector(v.Embedding.Values),
	}
	damage := make([]orak.Damage, 0, len(v.Damage))
	for _, d := range v.Damage[:min(len(v.Damage), maxDamage)] {
		damage = append(damage, orak.Damage(strings.ReplaceAll(text(string(d), maxText), ",", "")))
	}
	v.Damage = damage
	return v
}

// minNorm and maxNorm bound the length of a vector: products of longer or shorter ones
// leave the range of single precision, in which they are compared.
const minNorm, maxNorm = 1e-9, 1e9

// vector returns values unless they have no direction, as those of silence, or cannot
// be compared.
func vector(values []float32) []float32 {
	if n := norm(values); len(values) > MaxDimensions || !(n >= minNorm && n <= maxNorm) {
		return nil
	}
	return values
}

func norm(values []float32) float64 {
	var sum float64
	for _, v := range values {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// text returns s without what PostgreSQL refuses in a text, and with at most limit
// bytes.
func text(s string, limit int) string {
	s = strings.ReplaceAll(s, "\x00", "")
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.ToValidUTF8(s, "")
}

func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Check returns an error if u cannot be a row.
func (u Upload) Check() error {
	if _, err := orak.ParseUploadID(string(u.ID)); err != nil {
		return err
	}
	if _, err := orak.ParseTenant(string(u.Tenant)); err != nil {
		return err
	}
	if u.Status == "" {
		return fmt.Errorf("upload %s: %w", u.ID, errors.New("status: missing"))
	}
	return nil
}
