package app

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"

	"orak"
	"orak/bridge"
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
