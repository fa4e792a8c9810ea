package songs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"orak"
)

// Limits of an import.
const (
	// MaxImport is the size of the largest file in bytes.
	MaxImport = 64 << 20
	// MaxImportSongs is the number of songs in the largest file.
	MaxImportSongs = 200_000
	// MaxImportErrors is the number of bad lines that are told.
	MaxImportErrors = 100
	// maxImportLine is the length of the longest line in bytes.
	maxImportLine = 64 << 10
)

// Format is the format of an import.
type Format string

// The formats of imports.
const (
	// FormatCSV is RFC 4180 with a header row.
	FormatCSV Format = "csv"
	// FormatJSONLines is one JSON object on each line.
	FormatJSONLines Format = "jsonl"
)

// ErrImportTooLarge is the error of Import for a file above MaxImport or
// MaxImportSongs.
var ErrImportTooLarge = fmt.Errorf("too large: want at most %d MiB and %d songs", MaxImport>>20, MaxImportSongs)

// LineError is one bad line of an import.
type LineError struct {
	// Line counts from 1; of a row over several lines it is the first.
	Line    int    `json:"line"`
	Message string `json:"message"`
}

// ImportError lists the bad lines of an import.
type ImportError struct {
	// Lines are the first MaxImportErrors, in their order.
	Lines []LineError
	// More is the number of those beyond.
	More int
}

// Error names the first line, and counts the others.
func (e *ImportError) Error() string {
	text := fmt.Sprintf("line %d: %s", e.Lines[0].Line, e.Lines[0].Message)
	if others := len(e.Lines) - 1 + e.More; others > 0 {
		text += fmt.Sprintf(" (and %d more bad lines)", others)
	}
	return text
}

// Import reads the songs of a tenant, in their order. It returns all songs or none: its
// error is an *ImportError, ErrImportTooLarge, or that of r. A byte order mark and CRLF
// are allowed; an id may stand only once.
func Import(r io.Reader, f Format, t orak.Tenant) ([]Song, error) {
	in := bufio.NewReaderSize(&boundedReader{from: r, left: MaxImport}, maxImportLine)
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		_, _ = in.Discard(3)
	}
	imp := importer{tenant: t, lines: map[ID]int{}}
	var err error
	switch f {
	case FormatCSV:
		err = imp.readCSV(in)
	case FormatJSONLines:
		err = imp.readJSONLines(in)
	default:
		return nil, fmt.Errorf("not a format: %.20q", f)
	}
	if err != nil {
		return nil, err
	}
	if len(imp.bad.Lines) > 0 {
		return nil, &imp.bad
	}
	return imp.songs, nil
}

// boundedReader fails with ErrImportTooLarge where more than left bytes come.
type boundedReader struct {
	from io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.from.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrImportTooLarge
	}
	return n, err
}

// importer collects songs and bad lines.
type importer struct {
	tenant orak.Tenant
	songs  []Song
	lines  map[ID]int // where each id stands
	bad    ImportError
}

func (imp *importer) reject(line int, err error) {
	if len(imp.bad.Lines) == MaxImportErrors {
		imp.bad.More++
		return
	}
	imp.bad.Lines = append(imp.bad.Lines, LineError{line, err.Error()})
}

// row is a line as it stands.
type row struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Artist    string `json:"artist"`
	Low       string `json:"low"`
	High      string `json:"high"`
	Key       string `json:"key"`
	TempoBPM  number `json:"tempo_bpm"`
	Reference string `json:"reference"`
}

// add checks a row and takes it. Its error is ErrImportTooLarge or nil.
func (imp *importer) add(line int, r row) error {
	s, err := r.song(imp.tenant)
	if err == nil {
		if first, again := imp.lines[s.ID]; again {
			err = fmt.Errorf("id: %s is also on line %d", s.ID, first)
		}
	}
	if err != nil {
		imp.reject(line, err)
		return nil
	}
	if len(imp.songs) == MaxImportSongs {
		return ErrImportTooLarge
	}
	imp.lines[s.ID] = line
	imp.songs = append(imp.songs, s)
	return nil
}

func (r row) song(t orak.Tenant) (Song, error) {
	s := Song{
		ID: ID(r.ID), Tenant: t, Title: oneLine(r.Title), Artist: oneLine(r.Artist),
		TempoBPM: float64(r.TempoBPM), ReferenceUpload: orak.UploadID(r.Reference),
	}
	var err error
	if s.LowNote, err = optionalNote(r.Low); err != nil {
		return Song{}, fmt.Errorf("low: %w", err)
	}
	if s.HighNote, err = optionalNote(r.High); err != nil {
		return Song{}, fmt.Errorf("high: %w", err)
	}
	if s.Key, err = ParseKey(r.Key); err != nil {
		return Song{}, fmt.Errorf("key: %w", err)
	}
	if strings.HasPrefix(r.ID, CollectionPrefix) {
		return Song{}, errors.New("id: those that begin with " + CollectionPrefix + " are of the shipped collection")
	}
	return s, s.Validate()
}

// oneLine returns s with a single space for each run of white space: cells of
// spreadsheets have line breaks.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func optionalNote(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	return ParseNote(s)
}
