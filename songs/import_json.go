package songs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// number is a JSON number, or the same as text; empty text is 0.
type number float64

func (n *number) parse(s string) error {
	if s == "" {
		*n = 0
		return nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("tempo_bpm: not a number: %.20q", s)
	}
	*n = number(v)
	return nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	return n.parse(string(bytes.Trim(text, `"`)))
}

// readJSONLines returns the errors of the file as a whole; those of its lines are
// collected.
func (imp *importer) readJSONLines(in *bufio.Reader) error {
	for line := 1; ; line++ {
		text, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			imp.reject(line, fmt.Errorf("longer than %d bytes", maxImportLine))
			if err := discardLine(in); err != nil {
				return endOfFile(err)
			}
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if text := bytes.TrimSpace(text); len(text) > 0 {
			if err := imp.addJSON(line, text); err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
	}
}

func discardLine(in *bufio.Reader) error {
	for {
		if _, err := in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func endOfFile(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (imp *importer) addJSON(line int, text []byte) error {
	if !utf8.Valid(text) {
		imp.reject(line, errors.New("not valid UTF-8"))
		return nil
	}
	var r row
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		imp.reject(line, jsonError(err))
		return nil
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) { // More takes a bracket for the end
		imp.reject(line, errors.New("more than one JSON value"))
		return nil
	}
	return imp.add(line, r)
}

// jsonError words an error of the decoder for the author of the line.
func jsonError(err error) error {
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return fmt.Errorf("%s: is a JSON %s, want a string", wrongType.Field, wrongType.Value)
	case errors.As(err, &wrongType):
		return errors.New("not a JSON object")
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("not JSON: %w", err)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: ")) // an unknown field, or tempo_bpm
}
