package resumable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"orak"
	"orak/internal/objectstore"
)

// maxRaces is how often Terminate repeats while other requests write the upload.
const maxRaces = 5

// Terminate ends an upload and removes what arrived of it. A complete upload is
// ErrComplete; one that another request completes meanwhile is either, and then not
// announced if it was terminated.
func (u *Uploads) Terminate(ctx context.Context, n Name) error {
	t, id := n.Tenant, n.ID
	if err := u.permit(ctx, n); err != nil {
		return err
	}
	if err := u.local.interrupt(ctx, orak.TusKey(t, id)); err != nil {
		return err
	}
	for range maxRaces {
		v, done, err := u.load(ctx, t, id)
		switch {
		case err != nil:
			return wrapf(err, "terminating", id)
		case done != nil:
			return ErrComplete
		}
		if err = u.terminate(ctx, v, "terminated"); err == nil && v.Phase == completing {
			err = u.outcome(ctx, v)
		}
		if !errors.Is(err, errLost) {
			return wrapf(err, "terminating", id)
		}
	}
	return ErrLocked
}

// outcomePoll is how often outcome looks.
const outcomePoll = 20 * time.Millisecond

// outcome says what became of a terminated upload that another request was completing,
// perhaps in another process: a request that finds the upload terminated removes the
// recording, and one that announced it just before removes the state.
func (u *Uploads) outcome(ctx context.Context, v versioned) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, ErrLocked)
	defer cancel()
	ticker := time.NewTicker(outcomePoll)
	defer ticker.Stop()
	for {
		// In this order: a recording that is removed goes before its state.
		_, state := u.read(ctx, v.Upload.Tenant, v.Upload.ID)
		_, recording := u.store.Stat(ctx, v.Upload.Key)
		switch {
		case errors.Is(recording, fs.ErrNotExist):
			return nil
		case recording == nil && errors.Is(state, fs.ErrNotExist):
			return ErrComplete
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// terminate excludes every other request, and removes what arrived. The state stays
// until the upload would expire, without the description.
func (u *Uploads) terminate(ctx context.Context, v versioned, why string) error {
	next := v.state
	next.Phase, next.Epoch, next.Open = terminated, v.Epoch+1, false
	next.Upload = orak.BareUpload(v.Upload.Tenant, v.Upload.ID)
	next.Upload.Size = v.Upload.Size
	next.Pieces, next.Parts, next.Hash, next.Given = nil, nil, nil, ""
	v, err := u.write(ctx, v, next)
	if err != nil {
		return err
	}
	u.metrics.ended.WithLabelValues(why).Inc()
	if err := u.clear(ctx, v); err != nil {
		u.log.WarnContext(ctx, "an ended resumable upload could not be removed; the next sweep removes it", "upload_id", v.Upload.ID, "error", err)
	}
	return nil
}

// clear removes what arrived of a terminated upload.
func (u *Uploads) clear(ctx context.Context, v versioned) error {
	var err error
	if v.Multipart != "" {
		err = u.store.AbortMultipart(ctx, v.multipart())
	}
	return errors.Join(err, u.removeAll(ctx, v.Upload.Tenant, v.Upload.ID))
}

// idle is the age of a state above which the sweep looks at it: no request has written
// it for that long.
const idle = 2 * time.Minute

// Sweep terminates expired uploads, finishes interrupted completions, and removes what
// is left of ended uploads. It ends after the first error of the store.
func (u *Uploads) Sweep(ctx context.Context) error {
	var (
		unfinished int
		open       = map[orak.Tenant]int{}
		stateOf    string // the prefix of the pieces of the state that was seen last
	)
	u.open.begin()
	for info, err := range u.store.ListAfter(ctx, orak.TusRoot, "") {
		if err != nil {
			return fmt.Errorf("sweeping resumable uploads: %w", err)
		}
		t, id, isState := orak.ParseTusKey(info.Key)
		switch {
		case isState:
			unfinished++
			open[t]++
			stateOf = orak.TusPrefix(t, id)
			if time.Since(info.ModifiedAt) < min(idle, u.cfg.Expiry) {
				continue
			}
			if err := u.sweep(ctx, t, id); err != nil {
				u.log.WarnContext(ctx, "a resumable upload could not be swept", "upload_id", id, "tenant", t, "error", err)
				if f := (*orak.Fault)(nil); errors.As(err, &f) && f.Class == orak.ClassDependency {
					return fmt.Errorf("sweeping resumable uploads: %w", err)
				}
			}
		case stateOf == "" || !strings.HasPrefix(info.Key, stateOf):
			// A piece without a state: an excluded request wrote it late.
			if time.Since(info.ModifiedAt) > time.Hour {
				if err := u.store.Delete(ctx, info.Key); err != nil {
					return fmt.Errorf("sweeping resumable uploads: %w", err)
				}
			}
		}
	}
	u.open.set(open)
	u.metrics.unfinished.Set(float64(unfinished))
	return nil
}

func (u *Uploads) sweep(ctx context.Context, t orak.Tenant, id orak.UploadID) error {
	v, err := u.read(ctx, t, id)
	expired := time.Now().After(v.ExpiresAt)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, objectstore.ErrDamaged):
		return errors.Join(err, u.removeAll(ctx, t, id), u.store.Delete(ctx, orak.TusKey(t, id)))
	case err != nil:
		return err
	case v.Phase == terminated && expired:
		if err := u.clear(ctx, v); err != nil {
			return err
		}
		return u.store.Delete(ctx, v.key())
	case v.Phase == terminated:
		return u.clear(ctx, v)
	}
	if !expired {
		_, _, err := u.load(ctx, t, id) // it finishes what was interrupted
		return err
	}
	if v.Phase == completing {
		if done, err := u.finishInterrupted(ctx, v); done != nil || err != nil {
			return err
		}
	}
	if err := u.terminate(ctx, v, "expired"); err != nil && !errors.Is(err, errLost) {
		return err
	}
	u.log.InfoContext(ctx, "a resumable upload expired", "upload_id", id, "tenant", t, "offset", v.Offset, "size", v.Upload.Size)
	return nil
}
