package songs

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// columns are the names of the header row, in the order of a row's fields. The first
// two are required.
var columns = []string{"id", "title", "artist", "low", "high", "key", "tempo_bpm", "reference"}

// readCSV returns the errors of the file as a whole; those of its rows are collected.
func (imp *importer) readCSV(in *bufio.Reader) error {
	r := csv.NewReader(in)
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		imp.reject(1, errors.New("empty; want a header row: "+strings.Join(columns, ",")))
		return nil
	}
	if err != nil {
		return imp.failed(err)
	}
	places, err := placesOf(header)
	if err != nil {
		imp.reject(1, err)
		return nil
	}
	for {
		fields, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			if err := imp.failed(err); err != nil {
				return err
			}
			continue
		}
		line, _ := r.FieldPos(0)
		row, err := rowOf(fields, places)
		if err != nil {
			imp.reject(line, err)
			continue
		}
		if err := imp.add(line, row); err != nil {
			return err
		}
	}
}

// failed takes the error of a row, and returns that of the file.
func (imp *importer) failed(err error) error {
	var syntax *csv.ParseError
	if !errors.As(err, &syntax) {
		return err
	}
	imp.reject(syntax.StartLine, syntax.Err)
	return nil
}

// placesOf returns, for each field of a record, which of columns it is.
func placesOf(header []string) ([]int, error) {
	places := make([]int, len(header))
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		places[i] = slices.Index(columns, name)
		if places[i] < 0 {
			return nil, fmt.Errorf("not a column: %.40q; want %s", name, strings.Join(columns, ", "))
		}
		if slices.Contains(places[:i], places[i]) {
			return nil, fmt.Errorf("column %s stands twice", name)
		}
	}
	for i, name := range columns[:2] {
		if !slices.Contains(places, i) {
			return nil, fmt.Errorf("no column %s", name)
		}
	}
	return places, nil
}

func rowOf(fields []string, places []int) (row, error) {
	if len(fields) != len(places) {
		return row{}, fmt.Errorf("%d fields, want %d", len(fields), len(places))
	}
	var values [8]string
	for i, field := range fields {
		if !utf8.ValidString(field) {
			return row{}, fmt.Errorf("%s: not valid UTF-8", columns[places[i]])
		}
		values[places[i]] = strings.TrimSpace(strings.Clone(field))
	}
	r := row{ID: values[0], Title: values[1], Artist: values[2], Low: values[3], High: values[4], Key: values[5], Reference: values[7]}
	return r, r.TempoBPM.parse(values[6])
}
