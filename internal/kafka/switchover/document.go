package switchover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"orak/internal/kafka"
)

// Key is the key of the Document in the store.
const Key = "control/kafka-uploads.json"

// schema is the version of the Document's form. Readers keep what they know when they
// find a newer one.
const schema = 1

// maxDocument bounds a Document that is read, in bytes.
const maxDocument = 64 << 10

// Document says which place of the topic of uploads is active. Readers ignore fields that
// they do not know.
type Document struct {
	Schema int `json:"schema"`
	// Active is kafka.Primary or kafka.Standby.
	Active kafka.Place `json:"active"`
	// Version counts the switches; 0 means that there was none.
	Version    int64     `json:"version"`
	SwitchedAt time.Time `json:"switched_at,omitzero"`
	By         string    `json:"by,omitempty"`
	Reason     string    `json:"reason,omitempty"`
}

// The errors on which a caller must decide.
var (
	// ErrChanged means that another Document was written since the ETag was read.
	ErrChanged = errors.New("the document has changed")
	// ErrNewer means that a later version of orak wrote the document.
	ErrNewer = errors.New("a later version of orak wrote it")
	// ErrDamaged means that the object is no such document.
	ErrDamaged = errors.New("it is damaged")
)

// Conflict is the error of a Switch that came second.
type Conflict struct{ First Document }

// Error implements error.
func (c *Conflict) Error() string {
	return fmt.Sprintf("%s switched to %s at the same moment (version %d)", c.First.By, c.First.Active, c.First.Version)
}

// Store keeps objects.
type Store interface {
	// Get returns an object of at most limit bytes and its ETag. An absent one is
	// fs.ErrNotExist.
	Get(ctx context.Context, key string, limit int64) (value []byte, etag string, err error)
	// Replace stores an object in place of the one with that ETag; with an empty ETag,
	// only if there is none. ErrChanged means that another one is there.
	Replace(ctx context.Context, key string, value []byte, etag string) error
}

// Read returns the document and its ETag; before the first Switch, primary is active. The
// ETag is valid with ErrNewer and ErrDamaged, too.
func Read(ctx context.Context, s Store) (Document, string, error) {
	text, etag, err := s.Get(ctx, Key, maxDocument)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Document{Schema: schema, Active: kafka.Primary}, "", nil
	case err != nil:
		return Document{}, "", fmt.Errorf("reading %s: %w", Key, err)
	}
	d, err := parse(text)
	if err != nil {
		return Document{}, etag, fmt.Errorf("reading %s: %w", Key, err)
	}
	return d, etag, nil
}

func parse(text []byte) (d Document, err error) {
	if err := json.Unmarshal(text, &d); err != nil {
		return Document{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	switch {
	case d.Schema > schema:
		return Document{}, fmt.Errorf("%w: schema %d", ErrNewer, d.Schema)
	case d.Active != kafka.Primary && d.Active != kafka.Standby:
		return Document{}, fmt.Errorf("%w: active %q", ErrDamaged, d.Active)
	}
	return d, nil
}

// Request asks for a switch.
type Request struct {
	To         kafka.Place
	By, Reason string
	At         time.Time
	// Repair replaces a document that is damaged.
	Repair bool
}

// Switch makes a place the active one, for every process that reads the store. changed is
// false if it is active already. Of two at once, one is a *Conflict.
func Switch(ctx context.Context, s Store, r Request) (d Document, changed bool, err error) {
	now, etag, err := Read(ctx, s)
	switch {
	case errors.Is(err, ErrDamaged) && r.Repair:
	case err != nil:
		return Document{}, false, err
	case now.Active == r.To:
		return now, false, nil
	}
	next := Document{Schema: schema, Active: r.To, Version: now.Version + 1, SwitchedAt: r.At.UTC().Truncate(time.Microsecond), By: r.By, Reason: r.Reason}
	text, err := json.Marshal(next)
	if err != nil {
		return Document{}, false, fmt.Errorf("encoding %s: %w", Key, err)
	}
	err = s.Replace(ctx, Key, text, etag)
	if errors.Is(err, ErrChanged) {
		return settle(ctx, s, next)
	}
	if err != nil {
		return Document{}, false, fmt.Errorf("writing %s: %w", Key, err)
	}
	return next, true, nil
}

// settle finds out who changed the document: a write whose answer was lost is repeated by
// the store's client, and meets itself.
func settle(ctx context.Context, s Store, mine Document) (Document, bool, error) {
	there, _, err := Read(ctx, s)
	if err != nil {
		return Document{}, false, err
	}
	if there == mine {
		return there, true, nil
	}
	return Document{}, false, &Conflict{First: there}
}
