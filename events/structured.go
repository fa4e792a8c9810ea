package events

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

// structuredType is the content type of a record in structured mode, whose value
// is the whole event, attributes and data.
const structuredType = "application/cloudevents+json"

// isStructured decides by the content type only, as CloudEvents specifies.
func isStructured(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == structuredType
}

// structured returns the attributes of the event in the value of r, by the headers
// of binary mode, and its data. The trace of the hop is taken from the headers.
// The data of an unknown type is not read.
func structured(r *kgo.Record, headers map[string]string) (attrs map[string]string, data []byte, err error) {
	fields, err := members(r.Value)
	if err != nil {
		return nil, nil, fmt.Errorf("structured event: %w", err)
	}
	if attrs, err = structuredAttributes(fields); err != nil {
		return nil, nil, fmt.Errorf("structured event: %w", err)
	}
	attrs[HeaderTraceparent], attrs[HeaderTracestate] = headers[HeaderTraceparent], headers[HeaderTracestate]
	if !Type(attrs[HeaderType]).Known() {
		return attrs, nil, nil
	}
	if len(r.Value) > MaxData+MaxHeaders {
		return nil, nil, fmt.Errorf("structured event: %d bytes, at most %d are allowed", len(r.Value), MaxData+MaxHeaders)
	}
	data, err = dataOf(fields)
	return attrs, data, err
}

// structuredAttributes returns the attributes that an event is read from, by their
// headers in binary mode.
func structuredAttributes(fields map[string]json.RawMessage) (map[string]string, error) {
	attrs := make(map[string]string)
	size := 0
	for _, a := range [...]struct{ name, key string }{
		{"specversion", HeaderSpecVersion},
		{"id", HeaderID},
		{"type", HeaderType},
		{"source", HeaderSource},
		{"time", HeaderTime},
		{"subject", HeaderSubject},
		{"datacontenttype", HeaderContentType},
		{"traceparent", headerCETraceparent},
		{"tracestate", headerCETracestate},
	} {
		value, err := stringOf(fields[a.name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.name, err)
		}
		if size += len(a.key) + len(value); size > MaxHeaders {
			return nil, fmt.Errorf("attributes: at most %d bytes are allowed", MaxHeaders)
		}
		attrs[a.key] = value
	}
	return attrs, nil
}

// members splits a JSON object. Names are case-sensitive, and a name that occurs
// twice is an error, since it is ambiguous.
func members(object []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(object) {
		return nil, errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(object))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	fields := make(map[string]json.RawMessage)
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, errors.New("not JSON")
		}
		key, ok := name.(string)
		if !ok {
			return nil, errors.New("not JSON")
		}
		if _, twice := fields[key]; twice {
			return nil, fmt.Errorf("%.40q: given twice", key)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errors.New("not JSON")
		}
		fields[key] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("not JSON")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON object")
	}
	return fields, nil
}

// stringOf decodes a string. Null means absent, as in the JSON format of
// CloudEvents.
func stringOf(raw json.RawMessage) (string, error) {
	var value string
	if len(raw) == 0 {
		return "", nil
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		return "", errors.New("not a string")
	}
	return value, nil
}

// dataOf returns the data as JSON, from data or data_base64.
func dataOf(fields map[string]json.RawMessage) ([]byte, error) {
	plain, encoded := fields["data"], fields["data_base64"]
	switch {
	case plain != nil && encoded != nil:
		return nil, errors.New("data: given twice, as data and as data_base64")
	case encoded == nil:
		return plain, nil
	}
	text, err := stringOf(encoded)
	if err != nil {
		return nil, fmt.Errorf("data_base64: %w", err)
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("data_base64: not base64")
	}
	return data, nil
}
