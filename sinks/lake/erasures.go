package lake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"orak"
)

// erasuresPrefix is the prefix of the keys of the objects that list erased uploads,
// for the compaction to remove their rows.
const erasuresPrefix = Prefix + "erasures/"

// putErasures records the erasures of b, before any of its rows is in the lake. The
// name is that of its first and last one, so that the same object always has the same
// content.
func (w *writer) putErasures(ctx context.Context, b *batch) error {
	n := len(b.erased)
	if n == 0 {
		return nil
	}
	ids := make([]orak.UploadID, n)
	for i, e := range b.erased {
		ids[i] = e.id
	}
	text, err := json.Marshal(ids)
	if err != nil {
		return fmt.Errorf("encoding erasures: %w", err)
	}
	key := fmt.Sprintf("%s%s%020d-%020d.json", erasuresPrefix, stem(b.topic, b.partition), b.erased[0].offset, b.erased[n-1].offset)
	err = w.store.PutNew(ctx, key, bytes.NewReader(text), int64(len(text)), nil)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("recording erasures: %w", err)
	}
	return nil
}

// erasures are erased uploads whose rows may be in the lake.
type erasures struct {
	// recorded has when each was recorded, by the store's clock.
	recorded map[orak.UploadID]time.Time
	// objects are what they were read from.
	objects []Object
}

// readErasures reads all erasures that are recorded.
func readErasures(ctx context.Context, s Store) (*erasures, error) {
	all := &erasures{recorded: make(map[orak.UploadID]time.Time)}
	for o, err := range s.List(ctx, erasuresPrefix, "") {
		if err != nil {
			return nil, fmt.Errorf("listing erasures: %w", err)
		}
		data, err := fetch(ctx, s, o.Key)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another run has removed it
		}
		if err != nil {
			return nil, err
		}
		var ids []orak.UploadID
		if err := json.Unmarshal(data, &ids); err != nil {
			return nil, fmt.Errorf("reading erasures %s: %w", o.Key, err)
		}
		for _, id := range ids {
			all.recorded[id] = o.ModifiedAt
		}
		all.objects = append(all.objects, o)
	}
	return all, nil
}

// since returns the uploads whose erasure was recorded at or after t.
func (e *erasures) since(t time.Time) map[orak.UploadID]bool {
	ids := make(map[orak.UploadID]bool)
	for id, at := range e.recorded {
		if !at.Before(t) {
			ids[id] = true
		}
	}
	return ids
}
