// Package rows has the SQL that the index's databases share: the columns of an
// upload, how a row is written over an earlier one, and the conditions of a query.
// What a database has of its own, such as its types, stands in its own package.
package rows

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"orak"
	"orak/sinks/index"
	"orak/songs"
)

// Dialect is how a database writes a parameter, and whether a text contains another.
type Dialect struct {
	// Parameter stands before the number of a parameter: "?" or "$".
	Parameter string
	// Contains is a function of two texts: above 0 where the first has the second.
	Contains string
	// SkipLocked ends the selection of rows that are to be changed: it locks them, and
	// leaves out those that are locked. Empty where writers take turns.
	SkipLocked string
}

// The columns of an upload: what describes the recording, and its state. Embedding is
// the last.
var (
	described = []string{"owner", "kind", "metadata", "content_type", "size", "sha256", "received_at"}
	state     = []string{
		"rank", "status", "stage", "failure_stage", "failure_class", "failure_message", "cycle", "updated_at",
		"analyzed", "duration_s", "key_tonic", "key_mode", "key_confidence", "tempo_bpm",
		"low_hz", "high_hz", "tessitura_low_hz", "tessitura_high_hz", "median_hz", "voiced_ratio", "centroid_hz", "loudness_lufs",
		"damage", "engine_name", "engine_version", "embedding_name", "embedding_version", "embedding",
	}
	columns = append(append([]string{"id", "tenant", "filename", "filename_folded"}, described...), state...)
)

// rankErased is the rank of an erased upload; see index.Upload.Rank.
var rankErased = strconv.Itoa(int(index.Upload{Status: orak.StatusErased}.Rank()))

// Upsert returns the statement that writes a row, as index.Upload.Merge says. Its
// parameters are Values.
func (d Dialect) Upsert() string {
	const over = "excluded.rank >= uploads.rank"
	erased := "excluded.rank = " + rankErased
	known := "(" + erased + " OR excluded.sha256 <> '')"
	named := "(" + erased + " OR (excluded.sha256 <> '' AND excluded.filename <> ''))"
	var set []string
	choose := func(when string, names ...string) {
		for _, name := range names {
			set = append(set, name+" = CASE WHEN "+when+" THEN excluded."+name+" ELSE uploads."+name+" END")
		}
	}
	choose(named, "filename", "filename_folded")
	choose(known, described...)
	choose(over, state...)
	return "INSERT INTO uploads (" + strings.Join(columns, ", ") + ") VALUES (" + d.parameters(len(columns)) + ")" +
		" ON CONFLICT (id, tenant) DO UPDATE SET " + strings.Join(set, ", ") +
		" WHERE uploads.rank < " + rankErased
}

// parameters returns the first n.
func (d Dialect) parameters(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = d.Parameter + strconv.Itoa(i+1)
	}
	return strings.Join(list, ", ")
}

// Values returns the parameters of Upsert; embedding is that of u, as the database
// has it.
func Values(u index.Upload, embedding any) []any {
	var f orak.Failure
	if u.Failure != nil {
		f = *u.Failure
	}
	var v index.Voice
	analyzed := 0
	if u.Voice != nil {
		v, analyzed = *u.Voice, 1
	}
	return []any{
		string(u.ID), string(u.Tenant), u.Filename, Fold(u.Filename),
		u.Owner, string(u.Kind), string(u.Metadata), u.ContentType, u.Size, u.SHA256, micros(u.ReceivedAt),
		u.Rank(), string(u.Status), string(u.Stage), string(f.Stage), string(f.Class), f.Message, u.Cycle, micros(u.UpdatedAt),
		analyzed, v.DurationS, v.Key.Tonic, v.Key.Mode, v.Key.Confidence, v.TempoBPM,
		v.LowHz, v.HighHz, v.TessituraLowHz, v.TessituraHighHz, v.MedianHz, v.VoicedRatio, v.CentroidHz, v.LoudnessLUFS,
		joinDamage(v.Damage), v.Engine.Name, v.Engine.Version, v.Embedding.Name, v.Embedding.Version, embedding,
	}
}

// Fold returns s in the form in which file names are searched: without regard to case,
// and composed, since the file names of macOS come decomposed, such as Hangul in jamo.
func Fold(s string) string { return norm.NFC.String(cases.Fold().String(s)) }

// micros returns t in microseconds since 1970; 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// Scanner is a row of a result.
type Scanner interface{ Scan(into ...any) error }

// Selected is what Scan reads, without the embedding.
var Selected = strings.Join(selected, ", ")

var selected = []string{
	"id", "tenant", "filename", "owner", "kind", "metadata", "content_type", "size", "sha256", "received_at",
	"status", "stage", "failure_stage", "failure_class", "failure_message", "cycle", "updated_at",
	"analyzed", "duration_s", "key_tonic", "key_mode", "key_confidence", "tempo_bpm",
	"low_hz", "high_hz", "tessitura_low_hz", "tessitura_high_hz", "median_hz", "voiced_ratio", "centroid_hz", "loudness_lufs",
	"damage", "engine_name", "engine_version", "embedding_name", "embedding_version",
}

// Scan reads Selected, and what more was selected into more.
func Scan(s Scanner, more ...any) (index.Upload, error) {
	var u index.Upload
	var v index.Voice
	var f orak.Failure
	var received, updated int64
	var analyzed int
	var damage string
	err := s.Scan(append([]any{
		&u.ID, &u.Tenant, &u.Filename, &u.Owner, &u.Kind, &u.Metadata, &u.ContentType, &u.Size, &u.SHA256, &received,
		&u.Status, &u.Stage, &f.Stage, &f.Class, &f.Message, &u.Cycle, &updated,
		&analyzed, &v.DurationS, &v.Key.Tonic, &v.Key.Mode, &v.Key.Confidence, &v.TempoBPM,
		&v.LowHz, &v.HighHz, &v.TessituraLowHz, &v.TessituraHighHz, &v.MedianHz, &v.VoicedRatio, &v.CentroidHz, &v.LoudnessLUFS,
		&damage, &v.Engine.Name, &v.Engine.Version, &v.Embedding.Name, &v.Embedding.Version,
	}, more...)...)
	if err != nil {
		return index.Upload{}, err
	}
	u.Key = orak.OriginalKey(u.Tenant, u.ID)
	u.ReceivedAt, u.UpdatedAt = timeOf(received), timeOf(updated)
	if f.Class != "" || f.Message != "" {
		u.Failure = &f
	}
	if analyzed != 0 {
		v.Damage = splitDamage(damage)
		u.Voice = &v
	}
	return u, nil
}

func joinDamage(list []orak.Damage) string {
	var names []string
	for _, d := range list {
		names = append(names, string(d))
	}
	return strings.Join(names, ",")
}

func splitDamage(s string) []orak.Damage {
	list := []orak.Damage{}
	for name := range strings.SplitSeq(s, ",") {
		if name != "" {
			list = append(list, orak.Damage(name))
		}
	}
	return list
}

// SongColumns are those of a song, in the order of SongValues and ScanSong.
const SongColumns = "tenant, id, title, artist, low_note, high_note, key_tonic, key_mode, key_confidence, tempo_bpm, reference_upload"

// PutSong returns the statement that writes a song over one with the same id.
func (d Dialect) PutSong() string {
	var set []string
	for name := range strings.SplitSeq(SongColumns, ", ") {
		if name != "tenant" && name != "id" {
			set = append(set, name+" = excluded."+name)
		}
	}
	return "INSERT INTO songs (" + SongColumns + ") VALUES (" + d.parameters(strings.Count(SongColumns, ",")+1) + ")" +
		" ON CONFLICT (tenant, id) DO UPDATE SET " + strings.Join(set, ", ")
}

// SongValues returns the parameters of PutSong.
func SongValues(t orak.Tenant, s songs.Song) []any {
	return []any{
		string(t), string(s.ID), s.Title, s.Artist, s.LowNote, s.HighNote,
		s.Key.Tonic, s.Key.Mode, s.Key.Confidence, s.TempoBPM, string(s.ReferenceUpload),
	}
}

// ScanSong reads SongColumns.
func ScanSong(r Scanner) (s songs.Song, err error) {
	err = r.Scan(&s.Tenant, &s.ID, &s.Title, &s.Artist, &s.LowNote, &s.HighNote,
		&s.Key.Tonic, &s.Key.Mode, &s.Key.Confidence, &s.TempoBPM, &s.ReferenceUpload)
	return s, err
}
