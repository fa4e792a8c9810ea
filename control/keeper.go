package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/startstop"
	"orak/internal/throttle"
)

// snapshotDelay debounces the snapshot: changes in quick succession are written once.
const snapshotDelay = time.Second

// Keeper writes the snapshot whenever the documents change, and restores the documents
// of a topic that was deleted and made anew. Any number of processes may run one.
type Keeper struct {
	writer *Writer
	view   *View
	store  Store
	log    *throttle.Log
	task   startstop.Task
}

// NewKeeper returns a Keeper for the documents of w's View.
func NewKeeper(w *Writer, store Store, log *slog.Logger) *Keeper {
	return &Keeper{writer: w, view: w.view, store: store, log: throttle.NewLog(log.With("component", "control"))}
}

// Start begins to keep the snapshot.
func (k *Keeper) Start(ctx context.Context) error {
	return k.task.Start(ctx, k.run)
}

// Stop ends the keeping. A change of the last second may not be in the snapshot.
func (k *Keeper) Stop(ctx context.Context) error {
	return k.task.Stop(ctx)
}

func (k *Keeper) run(ctx context.Context) {
	for {
		changed := k.view.change()
		if err := k.keep(ctx); err != nil && ctx.Err() == nil {
			k.log.WarnContext(ctx, "control documents cannot be kept; trying again", "error", err)
			if !sleep(ctx, retryWait) {
				return
			}
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		if !sleep(ctx, snapshotDelay) {
			return
		}
	}
}

// keep restores what the topic lacks, and then writes the snapshot: before that, the
// snapshot may be all that has it. A damaged snapshot is overwritten, one that cannot
// be read now is not.
func (k *Keeper) keep(ctx context.Context) error {
	s := k.view.current()
	if !s.live {
		return nil
	}
	if s.carries() {
		return k.writer.restore(ctx, nil)
	}
	old, err := readSnapshot(ctx, k.store, k.view.cfg)
	if err != nil && !errors.Is(err, errUnusable) {
		return err
	}
	if old.Topic == s.topic && old.Next >= s.next {
		return nil
	}
	// The View may have read the new topic before the store answered.
	if old.Topic != s.topic && len(s.lacks(k.view.cfg, old.Documents)) > 0 {
		return k.writer.restore(ctx, old.Documents)
	}
	value, err := json.Marshal(snapshotOf(s, time.Now()))
	if err != nil {
		return fmt.Errorf("encoding the snapshot: %w", err)
	}
	return k.store.Put(ctx, SnapshotKey, value)
}

// carries reports whether any document is not in the topic.
func (s state) carries() bool {
	for _, e := range s.byKey {
		if e.carried {
			return true
		}
	}
	return false
}

// lacks returns those of documents of which s knows nothing, not even that they were
// removed, and that it can keep.
func (s state) lacks(cfg Config, documents map[string]json.RawMessage) map[string]json.RawMessage {
	kept, lacking := s.clone(), make(map[string]json.RawMessage)
	for key, value := range documents {
		if _, known := s.byKey[key]; known || checkKey(key) != nil {
			continue
		}
		d, err := decode(key, value)
		if err == nil && kept.put(cfg, key, entry{Document: d}) == nil {
			lacking[key] = value
		}
	}
	return lacking
}

// restore writes the documents that the topic lacks, of those that the View has carried
// over and of others, all in one transaction.
func (w *Writer) restore(ctx context.Context, others map[string]json.RawMessage) error {
	t, err := w.begin(ctx)
	if err != nil {
		return err
	}
	defer t.cl.Close()
	lacking := t.state.lacks(w.view.cfg, others)
	for key, e := range t.state.byKey {
		if e.carried {
			lacking[key] = e.Value
		}
	}
	var records []*kgo.Record
	for key, value := range lacking {
		records = append(records, &kgo.Record{Topic: events.TopicControl, Key: []byte(key), Value: slices.Clone(value)})
	}
	if len(records) == 0 {
		return nil // another process was faster
	}
	written := func(s state) bool { return !s.carries() && len(s.lacks(w.view.cfg, others)) == 0 }
	if err := t.commit(ctx, w.view, written, records...); err != nil {
		return err
	}
	w.log.InfoContext(ctx, "control documents restored to the recreated topic", "documents", len(records))
	return nil
}
