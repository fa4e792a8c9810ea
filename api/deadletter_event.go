package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"orak/events"

	"orak/api/resource"
)

const (
	// maxShown is the size in bytes of the largest event value that is shown.
	maxShown = 64 << 10
	// withheld replaces the value of a field that is named like a secret.
	withheld = "[withheld]"
)

// eventOf describes the record that announced an upload, or returns nil if no record
// did. Anyone may have written the record, so values named like secrets are
// withheld.
func eventOf(o events.Origin) *resource.Event {
	if o.Topic == "" {
		return nil
	}
	e := &resource.Event{
		Topic: o.Topic, Partition: o.Partition, Offset: o.Offset, Key: shown(o.Key),
		Headers: []resource.EventHeader{}, Size: len(o.Value),
	}
	for _, h := range o.Headers {
		header := resource.EventHeader{Key: strings.ToValidUTF8(h.Key, "?"), Value: shown(h.Value)}
		if secret(h.Key) || header.Value == "" && len(h.Value) > 0 {
			header.Value, header.Withheld = "", true
		}
		e.Headers = append(e.Headers, header)
	}
	if len(o.Value) <= maxShown {
		e.Value = withoutSecrets(o.Value)
	}
	return e
}

// shown returns printable text unchanged, and "" for anything else.
func shown(b []byte) string {
	if !utf8.Valid(b) || bytes.ContainsFunc(b, unicode.IsControl) {
		return ""
	}
	return string(b)
}

// secret reports whether a field is named like a secret.
func secret(name string) bool {
	plain := strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(strings.ToLower(name))
	return slices.ContainsFunc([]string{
		"authorization", "cookie", "password", "passwd", "passphrase", "secret", "token", "credential",
		"apikey", "accesskey", "privatekey", "signature",
	}, func(word string) bool { return strings.Contains(plain, word) })
}

// withoutSecrets returns JSON without the values that are named like secrets, or ""
// if text is not JSON. The JSON is always encoded anew, so that nothing that the
// decoder skipped is passed on.
func withoutSecrets(text []byte) string {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return ""
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return ""
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(censored(v)); err != nil {
		return ""
	}
	return strings.TrimSpace(out.String())
}

func censored(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if secret(name) {
				v[name] = withheld
				continue
			}
			v[name] = censored(value)
		}
	case []any:
		for i, value := range v {
			v[i] = censored(value)
		}
	}
	return v
}
