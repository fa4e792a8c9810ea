package control

import (
	"cmp"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

// entry is what is known of a key.
type entry struct {
	Document
	// latest is the stamp of the key's last record. It differs from that of the
	// Document where that record is refused.
	latest Stamp
	// refused says why the last record is not in effect.
	refused error
	// carried says that the document was in a topic that no longer exists, and is
	// not in the new one yet.
	carried bool
}

// entries are what is known of all keys, within the bounds.
type entries struct {
	byKey map[string]entry
	// bytes is the size of all values.
	bytes int
}

func newEntries() entries { return entries{byKey: make(map[string]entry)} }

func (e entries) clone() entries { return entries{maps.Clone(e.byKey), e.bytes} }

// put keeps n as what is known of key, unless a bound is reached.
func (e *entries) put(cfg Config, key string, n entry) error {
	old, known := e.byKey[key]
	if !known && len(e.byKey) >= cfg.MaxDocuments {
		e.forgetRemoved()
		if len(e.byKey) >= cfg.MaxDocuments {
			return fmt.Errorf("there are %d documents already", cfg.MaxDocuments)
		}
	}
	grows := len(n.Value) - len(old.Value)
	if grows > 0 && e.bytes+grows > cfg.MaxBytes {
		return fmt.Errorf("there are %d bytes of documents already", e.bytes)
	}
	e.byKey[key] = n
	e.bytes += grows
	return nil
}

// forgetRemoved drops what is known only of removed documents: who removed them.
func (e *entries) forgetRemoved() {
	maps.DeleteFunc(e.byKey, func(_ string, n entry) bool { return n.Value == nil && n.refused == nil })
}

// highest returns the highest version of any key.
func (e entries) highest() int64 {
	var highest int64
	for _, n := range e.byKey {
		highest = max(highest, n.Version, n.latest.Version)
	}
	return highest
}

// The headers of a record that removes a document; other records have their stamp in
// their value.
const (
	headerVersion = "orak-version"
	headerBy      = "orak-by"
	headerAt      = "orak-at"
)

// entryOf returns what is known of a key after r; old is what was known before.
func entryOf(r *kgo.Record, old entry) entry {
	if len(r.Value) == 0 {
		s := removal(r)
		return entry{Document: Document{Stamp: s}, latest: s}
	}
	d, err := decode(string(r.Key), r.Value)
	if err == nil {
		return entry{Document: d, latest: d.Stamp}
	}
	old.latest, old.refused, old.carried = d.Stamp, err, false
	// Something must be seen by the one who overwrites the record.
	old.latest.Version = cmp.Or(max(old.latest.Version, 0), r.Offset+1)
	return old
}

// removal reads the stamp of a removed document. Other programs may write no headers.
func removal(r *kgo.Record) Stamp {
	s := Stamp{Version: r.Offset + 1, At: r.Timestamp.UTC()}
	for _, h := range r.Headers {
		switch h.Key {
		case headerVersion:
			if n, err := strconv.ParseInt(string(h.Value), 10, 64); err == nil {
				s.Version = n
			}
		case headerBy:
			s.By = string(h.Value)
		case headerAt:
			if at, err := time.Parse(time.RFC3339Nano, string(h.Value)); err == nil {
				s.At = at
			}
		}
	}
	return s
}

func removalHeaders(s Stamp) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: headerVersion, Value: []byte(strconv.FormatInt(s.Version, 10))},
		{Key: headerBy, Value: []byte(s.By)},
		{Key: headerAt, Value: []byte(s.At.Format(time.RFC3339Nano))},
	}
}

// tenantOf returns the tenant of whose document key is; empty for other documents.
func tenantOf(key string) orak.Tenant {
	name, ok := strings.CutPrefix(key, prefixTenant)
	if !ok {
		return ""
	}
	return orak.Tenant(name)
}

func compareAssignments(a, b Assignment) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Name, b.Name))
}
