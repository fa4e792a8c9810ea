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

// readTimeout bounds the reading of one recording, of up to the largest size.
const readTimeout = 15 * time.Minute

// notify keeps the recordings that a bucket's notification names. They are
// counted after all records were read, since the API's own uploads are notified
// as well and their events say more.
func (s *surveyor) notify(rec *kgo.Record, entries []events.Notified) error {
	relevant := len(s.plan.Selection.IDs) == 0
	for i, n := range entries {
		tenant, id, ok := n.Recording()
		if !ok || n.Bucket != s.bucket || !s.selects(id) {
			continue
		}
		relevant = true
		at := Position{Partition: rec.Partition, Offset: rec.Offset, Entry: int32(i)}
		if err := s.spool.add(entry{notified, Announcement{ID: id, Tenant: tenant, Position: at}}); err != nil {
			return err
		}
	}
	if relevant {
		s.span(rec.Timestamp.UTC())
		s.plan.Notifications++
	}
	return nil
}

// upload returns the upload that a announces. The recording that a
// notification names is read for it.
func (r *Replayer) upload(ctx context.Context, a Announcement) (u orak.Upload, err error) {
	entries, ok, err := events.NotificationFrom(a.Record)
	if !ok || err != nil {
		return decode(a.Record)
	}
	if int(a.Entry) >= len(entries) {
		return orak.Upload{}, fmt.Errorf("entry %d of %d", a.Entry, len(entries))
	}
	tenant, id, _ := entries[a.Entry].Recording()
	err = retry(ctx, func(context.Context) (err error) {
		reading, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		u, err = r.deps.Recordings.Describe(reading, tenant, id)
		return err
	})
	return u, err
}

// unavailable reports whether err, of upload, is that the recording is gone or
// that the API is about to announce it.
func unavailable(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, bridge.ErrInOutbox)
}

// unprocessable reports whether err, of upload, is that the recording can never
// be processed.
func unprocessable(err error) bool {
	var fault *orak.Fault
	return errors.As(err, &fault) && fault.Class == orak.ClassInput
}
