package resumable

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"orak"
	"orak/internal/objectstore"
)

// metaHash is the metadata of a piece that has the state of the SHA-256 up to its end.
const metaHash = "orak-hash"

func (u *Uploads) putPiece(ctx context.Context, key string, content, hash []byte) error {
	_, err := u.store.Put(ctx, key, bytes.NewReader(content), objectstore.PutOptions{
		Size: int64(len(content)), Metadata: map[string]string{metaHash: base64.StdEncoding.EncodeToString(hash)},
	})
	return err
}

// adopt adds the pieces of a request that did not end in order. They are contiguous
// from the offset on: a request stores one after the other.
func (u *Uploads) adopt(ctx context.Context, v *versioned) error {
	if !v.Open || v.Checked {
		return nil
	}
	prefix := v.pieceKey(epochPrefix(v.Epoch))
	offset, last := v.Offset, ""
	for info, err := range u.store.ListAfter(ctx, prefix, "") {
		if err != nil {
			return err
		}
		at, err := strconv.ParseInt(strings.TrimPrefix(info.Key, prefix), 10, 64)
		if err != nil || at != offset || info.Size == 0 {
			continue // joined, or a part has it
		}
		v.Pieces = append(v.Pieces[:len(v.Pieces):len(v.Pieces)], piece{Name: pieceName(v.Epoch, at), Size: info.Size})
		offset, last = offset+info.Size, info.Key
	}
	if last == "" {
		return nil
	}
	info, err := u.store.Stat(ctx, last)
	if err != nil {
		return pieceError(err)
	}
	if v.Hash, err = base64.StdEncoding.DecodeString(info.Metadata[metaHash]); err != nil || len(v.Hash) == 0 {
		return &orak.Fault{Class: orak.ClassInternal, Message: "The state of the upload is damaged.", Err: fmt.Errorf("piece %s: its metadata is damaged", last)}
	}
	v.Offset = offset
	return nil
}

// errMissing means that a piece is not there; see Uploads.lost.
var errMissing = errors.New("a piece of the upload is missing")

// pieceError turns the absence of a piece into errMissing: fs.ErrNotExist would say
// that there is no such upload.
func pieceError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errMissing
	}
	return err
}

// reader reads the pieces and then held.
func (u *Uploads) reader(ctx context.Context, st *state, pieces []piece, held []byte) io.ReadCloser {
	return &joined{next: func() (io.ReadCloser, error) {
		if len(pieces) == 0 {
			return nil, io.EOF
		}
		p := pieces[0]
		pieces = pieces[1:]
		body, _, err := u.store.Get(ctx, st.pieceKey(p.Name))
		return body, pieceError(err)
	}, held: bytes.NewReader(held)}
}

// joined opens one piece at a time.
type joined struct {
	next func() (io.ReadCloser, error)
	open io.ReadCloser
	held *bytes.Reader
}

// Read implements io.Reader.
func (j *joined) Read(p []byte) (int, error) {
	for {
		if j.open == nil {
			body, err := j.next()
			if err == io.EOF {
				return j.held.Read(p)
			}
			if err != nil {
				return 0, err
			}
			j.open = body
		}
		n, err := j.open.Read(p)
		if err == io.EOF {
			err = j.Close()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Close closes the open piece.
func (j *joined) Close() error {
	if j.open == nil {
		return nil
	}
	err := j.open.Close()
	j.open = nil
	return err
}

// gather returns the pieces and held as one, which is held itself if there are none.
func (u *Uploads) gather(ctx context.Context, st *state, pieces []piece, held []byte) (content []byte, release func(reuse bool), err error) {
	if len(pieces) == 0 {
		return held, func(bool) {}, nil
	}
	select {
	case u.gathers <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	size := int64(len(held))
	for _, p := range pieces {
		size += p.Size
	}
	buf := u.memory.take(size)
	release = func(reuse bool) {
		u.memory.giveBack(buf, reuse)
		<-u.gathers
	}
	from := u.reader(ctx, st, pieces, held)
	defer from.Close()
	if _, err := io.ReadFull(from, buf[:size]); err != nil {
		release(true)
		return nil, nil, fmt.Errorf("reading the pieces of upload %s: %w", st.Upload.ID, err)
	}
	return buf[:size], release, nil
}

// identify sets the content type of an upload from its first bytes.
func (u *Uploads) identify(ctx context.Context, st *state, pieces []piece, held []byte) error {
	if st.Upload.ContentType != "" {
		return nil
	}
	head := make([]byte, u.deps.SniffLen)
	from := u.reader(ctx, st, pieces, held)
	defer from.Close()
	n, err := io.ReadFull(from, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if st.Upload.ContentType, err = u.deps.Sniff(head[:n]); err != nil {
		return &Refused{err}
	}
	return nil
}

// ensureMultipart begins the multipart upload of an upload that has none. content is
// the first part.
func (u *Uploads) ensureMultipart(ctx context.Context, st *state, content []byte) error {
	if st.Multipart != "" {
		return nil
	}
	if err := u.identify(ctx, st, nil, content); err != nil {
		return err
	}
	m, err := u.store.CreateMultipart(ctx, st.Upload.Key, objectstore.PutOptions{
		ContentType: st.Upload.ContentType, Metadata: orak.RecordingMetadata(st.Upload, ""),
	})
	st.Multipart = m.ID
	return err
}

func (u *Uploads) putPart(ctx context.Context, st *state, content []byte) (objectstore.Part, error) {
	if st.Next > objectstore.MaxParts {
		return objectstore.Part{}, errParts
	}
	return u.store.PutPart(ctx, st.multipart(), st.Next, content)
}

// removePieces removes what is not needed any more. What stays is removed with the
// upload.
func (u *Uploads) removePieces(ctx context.Context, st *state, pieces []piece) {
	for _, p := range pieces {
		if err := u.store.Delete(ctx, st.pieceKey(p.Name)); err != nil {
			u.log.WarnContext(ctx, "a piece of a resumable upload could not be removed; it is removed with the upload", "upload_id", st.Upload.ID, "error", err)
			return
		}
	}
}

// removeAll removes every piece of an upload.
func (u *Uploads) removeAll(ctx context.Context, t orak.Tenant, id orak.UploadID) error {
	var errs error
	for info, err := range u.store.ListAfter(ctx, orak.TusPrefix(t, id), "") {
		if err != nil {
			return err
		}
		if err := u.store.Delete(ctx, info.Key); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = errors.Join(errs, err)
		}
	}
	return errs
}
