package events

import (
	"encoding/json"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

// AnnouncedBy says which upload r announces, as far as that can be told of a
// record that cannot be read, or cannot be used: all of the upload where that
// is valid, and otherwise an orak.BareUpload. ok is false where r does not say
// that it announces an upload, where it does not tell whose and which, and
// where it tells two.
func AnnouncedBy(r *kgo.Record) (u orak.Upload, ok bool) {
	typ, subject, data := claims(r)
	if typ != UploadReceived {
		return orak.Upload{}, false
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return orak.Upload{}, false
	}
	id, err := orak.ParseUploadID(text(fields["upload_id"]))
	named, subjectErr := orak.ParseUploadID(subject)
	switch {
	case err != nil && subjectErr != nil, err == nil && subjectErr == nil && id != named:
		return orak.Upload{}, false
	case err != nil:
		id = named
	}
	t, err := orak.ParseTenant(text(fields["tenant"]))
	if err != nil {
		return orak.Upload{}, false
	}
	if json.Unmarshal(data, &u) == nil && checkUpload(u, id) == nil {
		u.Filename = orak.CleanFilename(u.Filename)
		return u, true
	}
	return orak.BareUpload(t, id), true
}

// claims are the type, the subject and the data of what r says it is, in
// binary or structured mode, unchecked.
func claims(r *kgo.Record) (typ Type, subject string, data []byte) {
	data = r.Value
	for _, h := range r.Headers {
		switch h.Key {
		case HeaderType:
			typ = Type(h.Value)
		case HeaderSubject:
			subject = string(h.Value)
		case HeaderContentType:
			if !isStructured(string(h.Value)) {
				continue
			}
			fields, err := members(r.Value)
			if err != nil {
				return "", "", nil
			}
			data, _ = dataOf(fields)
			return Type(text(fields["type"])), text(fields["subject"]), data
		}
	}
	return typ, subject, data
}

// text is a JSON string; empty where it is none.
func text(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return strings.ToValidUTF8(s, "")
}
