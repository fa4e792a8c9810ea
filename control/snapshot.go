package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// SnapshotKey is the key of the snapshot in the store.
const SnapshotKey = "control/snapshot.json"

// SchemaSnapshot is the schema of the snapshot.
const SchemaSnapshot = "snapshot/1"

// ErrTooLarge is Store.Get's for an object of more bytes than its limit.
var ErrTooLarge = errors.New("the object is too large")

// errUnusable is a snapshot that was read, and whose content is of no use.
var errUnusable = errors.New("the snapshot cannot be used")

// Store keeps the snapshot.
type Store interface {
	// Get returns an object, at most limit bytes; the error is fs.ErrNotExist if
	// there is none, and ErrTooLarge if it has more.
	Get(ctx context.Context, key string, limit int64) ([]byte, error)
	Put(ctx context.Context, key string, value []byte) error
}

// Snapshot is the object at SnapshotKey: the documents at a moment.
type Snapshot struct {
	Schema    string    `json:"schema"`
	WrittenAt time.Time `json:"written_at"`
	// Topic is the id of the topic, and Next the offset behind the last record that
	// is in the snapshot.
	Topic     string                     `json:"topic"`
	Next      int64                      `json:"next"`
	Documents map[string]json.RawMessage `json:"documents"`
}

// snapshotLimit bounds a snapshot: the documents' bytes, their keys and the rest.
func (c Config) snapshotLimit() int64 {
	return int64(c.MaxBytes) + int64(c.MaxDocuments)*(MaxKey+16) + 1<<10
}

// readSnapshot returns what the store has; an empty snapshot if it has none.
func readSnapshot(ctx context.Context, store Store, cfg Config) (Snapshot, error) {
	value, err := store.Get(ctx, SnapshotKey, cfg.snapshotLimit())
	if errors.Is(err, fs.ErrNotExist) {
		return Snapshot{}, nil
	}
	if errors.Is(err, ErrTooLarge) {
		return Snapshot{}, fmt.Errorf("reading %s: %w: %w", SnapshotKey, errUnusable, err)
	}
	if err != nil {
		return Snapshot{}, fmt.Errorf("reading %s: %w", SnapshotKey, err)
	}
	var s Snapshot
	if err := json.Unmarshal(value, &s); err != nil {
		return Snapshot{}, fmt.Errorf("reading %s: %w: %w", SnapshotKey, errUnusable, err)
	}
	if s.Schema != SchemaSnapshot {
		return Snapshot{}, fmt.Errorf("reading %s: %w: schema: want %s", SnapshotKey, errUnusable, SchemaSnapshot)
	}
	return s, nil
}

// snapshotOf returns the snapshot of what is known.
func snapshotOf(s state, now time.Time) Snapshot {
	snapshot := Snapshot{Schema: SchemaSnapshot, WrittenAt: now.UTC(), Topic: s.topic, Next: s.next, Documents: map[string]json.RawMessage{}}
	for key, e := range s.byKey {
		if e.Value != nil {
			snapshot.Documents[key] = e.Value
		}
	}
	return snapshot
}

// trySnapshot reads the snapshot once, for at most LoadWait; done says that no other
// attempt is needed.
func (v *View) trySnapshot(ctx context.Context) (done bool) {
	if v.deps.Store == nil {
		return true
	}
	bounded, cancel := context.WithTimeout(ctx, v.cfg.LoadWait)
	defer cancel()
	snapshot, err := readSnapshot(bounded, v.deps.Store, v.cfg)
	if err != nil {
		v.faults.WarnContext(ctx, "snapshot of the control documents cannot be read", "error", err)
		return false
	}
	v.adopt(ctx, snapshot)
	return true
}

// fallBack makes the View load with the snapshot unless the topic is read within
// LoadWait. Where the store has not answered either, it asks again.
func (v *View) fallBack(ctx context.Context, read bool) {
	if v.deps.Store == nil {
		return
	}
	for wait := v.cfg.LoadWait; ; wait = retryWait {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-v.loaded:
			timer.Stop()
			return
		case <-ctx.Done():
			timer.Stop()
			return
		}
		if read = read || v.trySnapshot(ctx); read {
			break
		}
	}
	v.log.WarnContext(ctx, "control topic is not read yet; going on with the snapshot, which may be out of date", "written_at", v.current().at)
	v.load()
}

// adopt keeps the documents of a snapshot, unless the topic was read before.
func (v *View) adopt(ctx context.Context, snapshot Snapshot) {
	base := state{entries: newEntries(), topic: snapshot.Topic, at: snapshot.WrittenAt}
	for key, value := range snapshot.Documents {
		d, err := decode(key, value)
		if err = errors.Join(checkKey(key), err); err == nil {
			err = base.put(v.cfg, key, entry{Document: d, latest: d.Stamp})
		}
		if err != nil {
			v.metrics.refused.Inc()
			v.log.ErrorContext(ctx, "document of the snapshot refused", "kind", kindOf(key), "error", err)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.now.topic == "" {
		v.now = base
	}
}
