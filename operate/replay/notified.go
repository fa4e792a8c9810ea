package replay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/bridge"
	"orak/events"
)

// readTimeout bounds one reading of a recording. It is long, since the largest
// one has to fit in.
const readTimeout = 15 * time.Minute

// notify takes note of the recordings that a bucket's notification is of. What
// they are counted as is known at the end: the API's own uploads are notified,
// too, and their announcements tell more.
func (s *surveyor) notify(rec *kgo.Record, entries []events.Notified) {
	relevant := len(s.plan.Selection.IDs) == 0
	for i, n := range entries {
		tenant, id, ok := n.Recording()
		if !ok || n.Bucket != s.bucket || !s.looksFor(id) {
			continue
		}
		relevant = true
		if _, again := s.notified[id]; !again {
			s.notified[id] = spot{rec.Partition, place{rec.Offset, i}, tenant}
		}
	}
	if relevant {
		s.span(rec.Timestamp.UTC())
		s.plan.Notifications++
	}
}

// onlyNotified are the uploads that no event announces.
func (s *surveyor) onlyNotified() []found {
	var all []found
	for id, at := range s.notified {
		if !s.seen[id] {
			s.seen[id] = true
			all = append(all, found{id, at})
		}
	}
	return all
}

// announced is the upload that a chosen record announces at entry. The
// recording that a notification is of is read for it.
func (r *Replayer) announced(ctx context.Context, rec *kgo.Record, entry int) (u orak.Upload, err error) {
	entries, ok, err := events.NotificationFrom(rec)
	if !ok || err != nil {
		return decode(rec)
	}
	if entry >= len(entries) {
		return orak.Upload{}, fmt.Errorf("entry %d of %d", entry, len(entries))
	}
	tenant, id, _ := entries[entry].Recording()
	err = insist(ctx, func(context.Context) (err error) {
		reading, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		u, err = r.deps.Recordings.Describe(reading, tenant, id)
		return err
	})
	return u, err
}

// leaves reports whether there is nothing to start, and says so in the result:
// the recording is gone, is about to be announced, or can never be processed.
func (r *run) leaves(rec *kgo.Record, err error) bool {
	var fault *orak.Fault
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, bridge.ErrInOutbox):
		r.result.Left++
	case errors.As(err, &fault) && fault.Class == orak.ClassInput:
		r.result.Refused++
		r.result.Examples = example(r.result.Examples, rec, err)
	default:
		return false
	}
	return true
}
