package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"

	"orak"
	"orak/bridge"
	"orak/internal/media"
	"orak/internal/objectstore"
)

// unknownMedia is the content type of a stored recording of no accepted kind.
// Its upload is processed all the same: so it fails where everybody looks.
const unknownMedia = "application/octet-stream"

// recordings is the store in the words of the bridge.
type recordings struct {
	store  *objectstore.Store
	bucket string
}

var _ bridge.Recordings = recordings{}

// Bucket is bridge.Recordings's.
func (r recordings) Bucket() string { return r.bucket }

// Describe is bridge.Recordings's. It reads the whole object for its digest.
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
	u := orak.Upload{ID: id, Tenant: t, Key: info.Key, ContentType: unknownMedia, ReceivedAt: orak.RecordedAt(info.Metadata, info.ModifiedAt)}
	digest := sha256.New()
	var head bytes.Buffer
	first, err := io.Copy(io.MultiWriter(digest, &head), io.LimitReader(body, media.SniffLen))
	if err != nil {
		return orak.Upload{}, err
	}
	rest, err := io.Copy(digest, body)
	if err != nil {
		return orak.Upload{}, err
	}
	if u.Size = first + rest; u.Size == 0 {
		return orak.Upload{}, &orak.Fault{Class: orak.ClassInput, Message: "The recording is empty."}
	}
	if format, ok := media.Sniff(head.Bytes()); ok {
		u.ContentType = format.MediaType
	}
	u.SHA256 = hex.EncodeToString(digest.Sum(nil))
	return u, nil
}
