package app

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"

	"orak"
	"orak/bridge"
	"orak/internal/kafka"
	"orak/internal/kafka/switchover"
	"orak/internal/media"
	"orak/internal/objectstore"
	"orak/operate/replay"
)

// unknownMedia is the content type of a stored recording without an accepted media
// type. Its upload is processed nevertheless, so that it fails visibly.
const unknownMedia = "application/octet-stream"

// readBuffer is the size in bytes of the buffer for reading a recording, larger than
// media.SniffLen.
const readBuffer = 64 << 10

// recordings adapts the store to the bridge.
type recordings struct {
	store  *objectstore.Store
	bucket string
}

var _ bridge.Recordings = recordings{}

// Bucket implements bridge.Recordings.
func (r recordings) Bucket() string { return r.bucket }

// Describe implements bridge.Recordings. It reads the whole object for its digest.
func (r recordings) Describe(ctx context.Context, t orak.Tenant, id orak.UploadID) (orak.Upload, error) {
	erased, err := tombstones{r.store}.Erased(ctx, t, id)
	switch {
	case err != nil:
		return orak.Upload{}, err
	case erased:
		return orak.Upload{}, fs.ErrNotExist
	}
	_, err = r.store.Stat(ctx, orak.PendingKey(t, id))
	switch {
	case err == nil:
		return orak.Upload{}, bridge.ErrInOutbox
	case !errors.Is(err, fs.ErrNotExist):
		return orak.Upload{}, err
	}
	body, info, err := r.store.Get(ctx, orak.OriginalKey(t, id))
	if err != nil {
		return orak.Upload{}, err
	}
	defer body.Close()
	u := orak.Upload{ID: id, Tenant: t, Key: info.Key, Size: info.Size, ContentType: unknownMedia, ReceivedAt: orak.RecordedAt(info.Metadata, info.ModifiedAt)}.Describe(info.Metadata)
	if u.Size == 0 {
		return orak.Upload{}, &orak.Fault{Class: orak.ClassInput, Message: "The recording is empty."}
	}
	buffered := bufio.NewReaderSize(body, readBuffer)
	head, err := buffered.Peek(media.SniffLen)
	if err != nil && !errors.Is(err, io.EOF) {
		return orak.Upload{}, err
	}
	if format, ok := media.Sniff(head); ok {
		u.ContentType = format.MediaType
	}
	if u.SHA256, err = objectstore.HashBody(buffered); err != nil {
		return orak.Upload{}, err
	}
	return u, nil
}

// tombstones adapts the store to replay.
type tombstones struct{ store *objectstore.Store }

var _ replay.Tombstones = tombstones{}

// Erased implements replay.Tombstones.
func (s tombstones) Erased(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error) {
	_, err := s.store.Stat(ctx, orak.ErasedKey(t, id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// stored adapts the store to replay.
type stored struct{ recordings }

var _ replay.Stored = stored{}

// uploadsPrefix begins the keys of everything that is stored of uploads.
const uploadsPrefix = "uploads/"

// Uploads implements replay.Stored.
func (s stored) Uploads(ctx context.Context, t orak.Tenant) iter.Seq2[replay.StoredUpload, error] {
	prefix := uploadsPrefix
	if t != "" {
		prefix += string(t) + "/"
	}
	return func(yield func(replay.StoredUpload, error) bool) {
		var last replay.StoredUpload // is given when its last object was listed
		for info, err := range s.store.List(ctx, prefix) {
			if err != nil {
				yield(replay.StoredUpload{}, err)
				return
			}
			tenant, id, ok := orak.ParseUploadKey(info.Key)
			if !ok {
				continue
			}
			if tenant != last.Tenant || id != last.ID {
				if !last.At.IsZero() && !yield(last, nil) {
					return
				}
				last = replay.StoredUpload{Tenant: tenant, ID: id}
			}
			switch info.Key {
			case orak.OriginalKey(tenant, id):
				last.At = info.ModifiedAt
			case orak.OutcomeKey(tenant, id):
				last.Ended = true
			}
		}
		if !last.At.IsZero() {
			yield(last, nil)
		}
	}
}

// Announcing implements replay.Stored.
func (s stored) Announcing(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error) {
	for _, key := range []string{orak.PendingKey(t, id), orak.PendingErasureKey(t, id)} {
		_, err := s.store.Stat(ctx, key)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	return false, nil
}

// Upload implements replay.Stored. It reads the recording only where its digest is not
// known.
func (s stored) Upload(ctx context.Context, t orak.Tenant, id orak.UploadID) (orak.Upload, error) {
	switch pending, err := s.Announcing(ctx, t, id); {
	case err != nil:
		return orak.Upload{}, err
	case pending:
		return orak.Upload{}, bridge.ErrInOutbox
	}
	u, err := rebuilt{s.store}.Recording(ctx, t, id)
	switch {
	case err != nil:
		return orak.Upload{}, err
	case u == nil:
		return orak.Upload{}, fs.ErrNotExist
	case u.Validate() == nil:
		return *u, nil
	}
	return s.Describe(ctx, t, id)
}

// active returns the place of the topic of uploads that producers were switched to.
func (s stored) active(ctx context.Context) (kafka.Place, error) {
	d, _, err := switchover.Read(ctx, switchStore{s.store})
	return d.Active, err
}
