package resumable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/sync/errgroup"

	"orak"
	"orak/internal/objectstore"
	"orak/internal/outbox"
)

// A completion writes the marker, the recording and the event in the order of every
// upload, between the phase completing and the removal of the state. finish may be
// repeated by any process at any time: the parts are fixed by the state.

// marker is without the digest, which may not be that of the stored recording: another
// request of the same key may be storing its own.
func (v *versioned) marker() outbox.Marker {
	m := outbox.Marker{Upload: v.Upload, Traceparent: v.Traceparent, Tracestate: v.Tracestate}
	m.SHA256 = ""
	return m
}

// putWhole completes an upload without parts, whose pieces and held have all bytes.
func (u *Uploads) putWhole(ctx context.Context, v versioned, pieces []piece, held []byte) error {
	if err := u.deps.Mark(ctx, v.marker()); err != nil {
		return err
	}
	from := u.reader(ctx, &v.state, pieces, held)
	defer from.Close()
	_, err := u.store.Put(ctx, v.Upload.Key, from, objectstore.PutOptions{
		Size: v.Upload.Size, ContentType: v.Upload.ContentType, IfAbsent: true,
		Metadata: orak.RecordingMetadata(v.Upload, v.Upload.SHA256),
	})
	if errors.Is(err, fs.ErrExist) {
		return u.finish(ctx, v)
	}
	if err != nil {
		return fmt.Errorf("storing upload %s: %w", v.Upload.ID, err)
	}
	return u.announce(ctx, v)
}

// finish stores the recording of an upload in the phase completing, unless it is
// stored, and announces it.
func (u *Uploads) finish(ctx context.Context, v versioned) error {
	step := u.ours
	if v.Multipart != "" {
		step = u.join
	}
	if err := step(ctx, v); err != nil {
		return err
	}
	return u.announce(ctx, v)
}

// ours ends the upload unless the stored recording has its bytes: another request of
// the same key may have stored others, which stay.
func (u *Uploads) ours(ctx context.Context, v versioned) error {
	info, err := u.store.Stat(ctx, v.Upload.Key)
	if err != nil {
		return err
	}
	sum := orak.RecordedSHA256(info.Metadata)
	if sum == "" && info.Size == v.Upload.Size {
		if sum, err = objectstore.Hash(ctx, u.store, v.Upload.Key); err != nil {
			return err
		}
	}
	if sum == v.Upload.SHA256 {
		return nil
	}
	return errors.Join(ErrOther, u.terminate(ctx, v, "refused"))
}

func (u *Uploads) join(ctx context.Context, v versioned) error {
	if err := u.deps.Mark(ctx, v.marker()); err != nil {
		return err
	}
	_, err := u.store.CompleteMultipart(ctx, v.multipart(), v.Parts, true)
	if err == nil {
		return nil
	}
	// Another request may have been faster, or an earlier answer was lost.
	_, statErr := u.store.Stat(ctx, v.Upload.Key)
	if errors.Is(statErr, fs.ErrNotExist) && errors.Is(err, objectstore.ErrNoMultipart) {
		return u.vanished(ctx, v)
	}
	if statErr != nil {
		return errors.Join(err, statErr)
	}
	if err := u.ours(ctx, v); err != nil {
		return err
	}
	return u.store.AbortMultipart(ctx, v.multipart()) // it stays beside a recording that another request stored
}

// lostAfter is longer than a store takes to join the parts of an upload.
const lostAfter = 15 * time.Minute

// vanished handles a completion that finds no recording. That is no loss at first: while
// another request has the store join the parts, a store may say that there are none, or
// that they are joined (versitygw 1.8), and show no object yet.
func (u *Uploads) vanished(ctx context.Context, v versioned) error {
	if time.Since(v.at) < lostAfter {
		return ErrLocked
	}
	return errors.Join(ErrGone, u.terminate(ctx, v, "lost"), u.deps.Unmark(ctx, v.marker()))
}

// announce sends the event of a stored recording, and removes the state. An upload
// that was erased or terminated in the meantime is removed instead.
func (u *Uploads) announce(ctx context.Context, v versioned) error {
	var (
		group  errgroup.Group
		erased bool
		ended  bool
		info   objectstore.Info
	)
	group.Go(func() (err error) {
		erased, err = u.deps.Erased(ctx, v.Upload.Tenant, v.Upload.ID)
		return err
	})
	group.Go(func() error {
		now, err := u.read(ctx, v.Upload.Tenant, v.Upload.ID)
		ended = err == nil && now.Phase == terminated
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another request has finished this upload
		}
		return err
	})
	group.Go(func() (err error) {
		info, err = u.store.Stat(ctx, v.Upload.Key)
		return err
	})
	err := group.Wait()
	m := v.marker()
	switch {
	case errors.Is(err, fs.ErrNotExist) && erased:
		return errors.Join(ErrGone, u.deps.Unmark(ctx, m))
	case errors.Is(err, fs.ErrNotExist):
		return u.vanished(ctx, v)
	case err != nil:
		return err
	case ended && !erased && !orak.RecordedAt(info.Metadata, time.Time{}).Equal(v.Upload.ReceivedAt):
		return ErrGone // the recording is of another request of the same key
	case erased, ended:
		if err := errors.Join(u.store.Delete(ctx, v.Upload.Key), u.deps.Unmark(ctx, m), u.forget(ctx, v)); err != nil {
			return err
		}
		return ErrGone
	}
	// A concurrent request may have stored the recording: the object is right.
	sum := v.Upload.SHA256
	if stored := orak.RecordedSHA256(info.Metadata); stored != "" {
		sum = stored
	}
	m.Upload = m.Stored(info, sum)
	if err := u.deps.Announce(ctx, m); err != nil {
		return err
	}
	u.open.add(v.Upload.Tenant, -1)
	u.metrics.ended.WithLabelValues("completed").Inc()
	u.metrics.bytes.Add(float64(m.Size))
	if err := u.forget(ctx, v); err != nil {
		u.log.WarnContext(ctx, "the state of a complete resumable upload could not be removed; the next sweep removes it", "upload_id", v.Upload.ID, "error", err)
	}
	return nil
}

// forget removes the pieces and then the state, so that no piece stays without one.
func (u *Uploads) forget(ctx context.Context, v versioned) error {
	if v.Multipart == "" && !v.Open && len(v.Pieces) == 0 {
		return u.store.Delete(ctx, v.key())
	}
	if err := u.removeAll(ctx, v.Upload.Tenant, v.Upload.ID); err != nil {
		return err
	}
	return u.store.Delete(ctx, v.key())
}
