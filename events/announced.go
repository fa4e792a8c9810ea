package events

import (
	"encoding/json"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

// AnnouncedBy returns the upload that r announces, as far as it can be read from
// a record that is malformed: the whole upload where it is valid, and otherwise
// an orak.BareUpload. ok is false where r is no announcement, lacks the tenant
// or the id, or has two ids.
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

// claims returns the type, the subject and the data of r, in binary or structured
// mode, unchecked.
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

// text decodes a JSON string; it returns "" for anything else.
func text(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return strings.ToValidUTF8(s, "")
}
