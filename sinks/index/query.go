package index

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"orak"
	"orak/sinks/index/nearest"
)

// The bounds of queries.
const (
	// MaxLimit is the most rows of one page, and DefaultLimit those of a query that
	// does not say.
	MaxLimit     = 200
	DefaultLimit = 50
	// MaxNeighbors is the most that Store.Similar returns.
	MaxNeighbors = 100
	// maxQueryText bounds Query.Text and Query.Owner, in bytes.
	maxQueryText = 255
)

// ErrInvalidQuery is wrapped by the errors of Query.Validate and Search.Validate,
// which say what is wrong in words for the caller.
var ErrInvalidQuery = errors.New("invalid query")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalidQuery}, args...)...)
}

// Query selects uploads of one tenant; those erased are never among them. A zero field
// selects all.
type Query struct {
	// Tenant is required.
	Tenant orak.Tenant
	Owner  string
	// Kind is nil for every kind.
	Kind     *orak.Kind
	Statuses []orak.Status
	// From and To bound ReceivedAt: from From, until before To.
	From, To time.Time
	// Tonic and Mode are those of the key; either may be empty.
	Tonic, Mode string
	// Tempo bounds Voice.TempoBPM, in beats per minute, and Duration
	// Voice.DurationS, in seconds.
	Tempo, Duration Range
	// Sings selects voices whose range reaches from Sings.Min to Sings.Max, in Hz.
	Sings Range
	// Text is a part of the file name, in upper or lower case.
	Text string
	// Cursor is Page.Next of the page before; empty for the first.
	Cursor string
	// Limit is the most rows of the page, 1 to MaxLimit; 0 means DefaultLimit.
	Limit int
}

// Range bounds a number, both ends included; 0 leaves an end open.
type Range struct{ Min, Max float64 }

func (r Range) valid() bool {
	for _, v := range []float64{r.Min, r.Max} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return false
		}
	}
	return r.Max == 0 || r.Min <= r.Max
}

// aboveSemitone is slightly more than a semitone: so far may the ends of Query.Sings
// cross, where a single note is asked for with a tolerance at either end.
const aboveSemitone = 1.06

// Validate returns an error that wraps ErrInvalidQuery for the first field that is
// invalid.
func (q Query) Validate() error {
	if _, err := orak.ParseTenant(string(q.Tenant)); err != nil {
		return invalid("tenant: %w", err)
	}
	switch {
	case !plain(q.Owner):
		return invalid("owner: want at most %d bytes of UTF-8", maxQueryText)
	case !plain(q.Text):
		return invalid("text: want at most %d bytes of UTF-8", maxQueryText)
	case len(q.Statuses) > len(Statuses()):
		return invalid("status: given more than once")
	case q.Tonic != "" && !isTonic(q.Tonic):
		return invalid(`key: want a note from C to B, with sharps`)
	case q.Mode != "" && q.Mode != "major" && q.Mode != "minor":
		return invalid("key: want major or minor")
	case !q.Tempo.valid():
		return invalid("tempo: want 0 or more, and the smaller first")
	case !q.Duration.valid():
		return invalid("duration: want 0 or more, and the smaller first")
	case !(Range{q.Sings.Min / aboveSemitone, q.Sings.Max}).valid():
		return invalid("range: want 0 or more, and the smaller first")
	case !q.From.IsZero() && !q.To.IsZero() && q.To.Before(q.From):
		return invalid("time: want the earlier first")
	case q.Limit < 0 || q.Limit > MaxLimit:
		return invalid("limit: want 1 to %d", MaxLimit)
	}
	for _, s := range q.Statuses {
		if !slices.Contains(Statuses(), s) {
			return invalid("status: %.40q is none", s)
		}
	}
	_, err := ParseCursor(q.Cursor)
	return err
}

// Statuses returns those that a Query may select.
func Statuses() []orak.Status {
	return []orak.Status{
		orak.StatusQueued, orak.StatusConverting, orak.StatusAnalyzing, orak.StatusPublishing, orak.StatusCompleted,
		orak.StatusDeadLettered, orak.StatusDiscarded, orak.StatusExpired, orak.StatusCanceled,
	}
}

func isTonic(s string) bool {
	classes := orak.PitchClasses()
	return slices.Contains(classes[:], s)
}

func plain(s string) bool {
	return len(s) <= maxQueryText && utf8.ValidString(s) && !strings.Contains(s, "\x00")
}

// Page is the result of a Query, the latest received first.
type Page struct {
	Uploads []Upload
	// Next is the Query.Cursor of the next page; empty if this is the last.
	Next string
}

// Cursor is the place of a row in the order of a list. A list that goes on behind it
// shows each upload once, whatever was written in between.
type Cursor struct {
	ReceivedAt time.Time
	ID         orak.UploadID
}

// CursorOf returns the place of u.
func CursorOf(u Upload) Cursor { return Cursor{ReceivedAt: u.ReceivedAt, ID: u.ID} }

const cursorBytes = 8 + 16

// String returns c as opaque text.
func (c Cursor) String() string {
	raw := make([]byte, 8, cursorBytes)
	binary.BigEndian.PutUint64(raw, uint64(c.ReceivedAt.UnixMicro()))
	id, err := hex.DecodeString(strings.ReplaceAll(string(c.ID), "-", ""))
	if err != nil {
		return "" // of no upload id
	}
	return base64.RawURLEncoding.EncodeToString(append(raw, id...))
}

// ParseCursor returns untrusted s as a Cursor; empty text is the zero Cursor, before
// every row. Its error wraps ErrInvalidQuery.
func ParseCursor(s string) (Cursor, error) {
	if s == "" {
		return Cursor{}, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != cursorBytes {
		return Cursor{}, invalid("cursor: want one that a page gave")
	}
	id := hex.EncodeToString(raw[8:])
	return Cursor{
		ReceivedAt: time.UnixMicro(int64(binary.BigEndian.Uint64(raw))).UTC(),
		ID:         orak.UploadID(id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]),
	}, nil
}

// PageOf makes a page of at most limit rows; rows has one more if there are others.
func PageOf(rows []Upload, limit int) Page {
	if len(rows) <= limit {
		return Page{Uploads: rows}
	}
	rows = rows[:limit]
	return Page{Uploads: rows, Next: CursorOf(rows[limit-1]).String()}
}

// PageLimit returns the most rows of the page of q.
func (q Query) PageLimit() int {
	if q.Limit == 0 {
		return DefaultLimit
	}
	return q.Limit
}

// Search asks for the voices nearest to one: of the same tenant and kind, with an
// embedding of the same name and version.
type Search struct {
	// Tenant is required.
	Tenant orak.Tenant
	// ID is the upload whose neighbors are wanted. It is not among them. If it is
	// empty, Embedding and Kind stand in its place.
	ID        orak.UploadID
	Embedding orak.Embedding
	Kind      orak.Kind
	// K is how many are wanted, 1 to MaxNeighbors. Fewer are found only if there are
	// no more.
	K int
}

// Validate returns an error that wraps ErrInvalidQuery for the first field that is
// invalid.
func (s Search) Validate() error {
	if _, err := orak.ParseTenant(string(s.Tenant)); err != nil {
		return invalid("tenant: %w", err)
	}
	if s.K < 1 || s.K > MaxNeighbors {
		return invalid("k: want 1 to %d", MaxNeighbors)
	}
	if s.ID != "" {
		if _, err := orak.ParseUploadID(string(s.ID)); err != nil {
			return invalid("%w", err)
		}
		return nil
	}
	if vector(s.Embedding.Values) == nil {
		return invalid("embedding: want 1 to %d finite values, not all of them 0", MaxDimensions)
	}
	return nil
}

// Set returns the vectors that are compared with Embedding.
func (s Search) Set() nearest.Set {
	e := s.Embedding
	return nearest.Set{Tenant: s.Tenant, Kind: s.Kind, Name: e.Name, Version: e.Version, Dimensions: len(e.Values)}
}

// Neighbor is an upload and how similar its voice is.
type Neighbor struct {
	// Upload has no Embedding.Values.
	Upload Upload
	// Similarity is the cosine of the angle between the embeddings, -1 to 1.
	Similarity float64
}

// Neighbors joins what was found with the rows of the uploads, in the order of hits.
// An upload that has been erased in between is left out.
func Neighbors(hits []nearest.Hit, uploads []Upload) []Neighbor {
	byID := make(map[orak.UploadID]Upload, len(uploads))
	for _, u := range uploads {
		byID[u.ID] = u
	}
	list := make([]Neighbor, 0, len(hits))
	for _, h := range hits {
		if u, ok := byID[h.ID]; ok {
			list = append(list, Neighbor{Upload: u, Similarity: h.Similarity})
		}
	}
	return list
}
