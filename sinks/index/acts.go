package index

import (
	"encoding/base64"
	"encoding/binary"
	"time"
	"unicode/utf8"

	"orak"
	"orak/events"
)

// ActRow is an act as of one record.
type ActRow struct {
	Offset int64
	Act    events.Act
}

// ActQuery selects acts. A zero field selects all.
type ActQuery struct {
	// Tenant is required; events.EveryTenant selects those of all tenants, and those that
	// concern all.
	Tenant orak.Tenant
	// By is a whole events.Act.By, or the credential at its start, with its sessions and
	// tokens.
	By string
	// Act is a whole act, such as "key.revoke", or its kind, such as "key".
	Act string
	// Subject is a whole subject.
	Subject string
	// From and To bound the time: from From, until before To.
	From, To time.Time
	// Cursor is ActPage.Next of the page before; empty for the first.
	Cursor string
	// Limit is the most acts of the page, 1 to MaxLimit; 0 means DefaultLimit.
	Limit int
}

// Validate returns an error that wraps ErrInvalidQuery for the first field that is
// invalid.
func (q ActQuery) Validate() error {
	if _, err := orak.ParseTenant(string(q.Tenant)); err != nil && q.Tenant != events.EveryTenant {
		return invalid("tenant: %w", err)
	}
	switch {
	case !plain(q.By):
		return invalid("by: want at most %d bytes of UTF-8", maxQueryText)
	case !plain(q.Act):
		return invalid("act: want at most %d bytes of UTF-8", maxQueryText)
	case !plain(q.Subject):
		return invalid("subject: want at most %d bytes of UTF-8", maxQueryText)
	case !q.From.IsZero() && !q.To.IsZero() && q.To.Before(q.From):
		return invalid("time: want the earlier first")
	case q.Limit < 0 || q.Limit > MaxLimit:
		return invalid("limit: want 1 to %d", MaxLimit)
	}
	_, err := ParseActCursor(q.Cursor)
	return err
}

// PageLimit returns the most acts of the page of q.
func (q ActQuery) PageLimit() int {
	if q.Limit == 0 {
		return DefaultLimit
	}
	return q.Limit
}

// ActPage is the result of an ActQuery, the latest first.
type ActPage struct {
	Acts []events.Act
	// Next is the ActQuery.Cursor of the next page; empty if this is the last.
	Next string
}

// ActCursor is the place of an act in the order of a list.
type ActCursor struct {
	At time.Time
	ID string
}

// String returns c as opaque text.
func (c ActCursor) String() string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(c.At.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(raw, c.ID...))
}

// ParseActCursor returns untrusted s as an ActCursor; empty text is the zero one, before
// every act. Its error wraps ErrInvalidQuery.
func ParseActCursor(s string) (ActCursor, error) {
	if s == "" {
		return ActCursor{}, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) <= 8 || len(raw) > 8+events.MaxActID || !utf8.Valid(raw[8:]) || !plain(string(raw[8:])) {
		return ActCursor{}, invalid("cursor: want one that a page gave")
	}
	return ActCursor{At: time.UnixMicro(int64(binary.BigEndian.Uint64(raw))).UTC(), ID: string(raw[8:])}, nil
}

// ActPageOf makes a page of at most limit acts; acts has one more if there are others.
func ActPageOf(acts []events.Act, limit int) ActPage {
	if len(acts) <= limit {
		return ActPage{Acts: acts}
	}
	acts = acts[:limit]
	last := acts[limit-1]
	return ActPage{Acts: acts, Next: ActCursor{At: last.At, ID: last.ID}.String()}
}

// PendingActs returns the acts of b from offset next on.
func (b Batch) PendingActs(next int64) []events.Act {
	var acts []events.Act
	for _, r := range b.Acts {
		if r.Offset >= next {
			acts = append(acts, r.Act)
		}
	}
	return acts
}
