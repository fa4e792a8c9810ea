package objectstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/minio/minio-go/v7"
)

// PutOptions say how an object is stored.
type PutOptions struct {
	// Size is the body's length in bytes; -1 where it is not known. A body
	// of another length fails with ErrBodySize.
	Size int64
	// ContentType is stored beside the object; empty means
	// application/octet-stream.
	ContentType string
	// Metadata is stored beside the object: names of lower-case letters, digits
	// and dashes, values of printable ASCII, 2 KB in all. nil stores none.
	Metadata map[string]string
	// IfAbsent stores only where there is no object of that key, and fails
	// with ErrExists otherwise. Servers check it when the body is complete;
	// one that knows no conditional writes ignores it or refuses.
	IfAbsent bool
}

// headSize is how much of a body is read before it is decided how it is sent.
// A body that ends within it is sent from memory, and so can be sent again.
const headSize = 1 << 20

// streamLimit is up to which known length a body is sent as one stream. A part
// could be sent again, a stream cannot; but a stream needs no memory.
const streamLimit = 128 << 20

// Put stores body under key, replacing what was there, and returns once the
// server has the whole object. If body ends with anything but io.EOF, or is
// not as long as opts.Size says, nothing is stored and the error is the
// body's own. Put does not close body, and reads it neither past its end nor after
// it has returned.
func (s *Store) Put(ctx context.Context, key string, body io.Reader, opts PutOptions) (Info, error) {
	g := newGuard(body, opts.Size)
	info, err := s.put(ctx, key, g, opts)
	bodyErr := g.close()
	if err == nil {
		info.Key, info.ContentType, info.Metadata = key, opts.ContentType, opts.Metadata
		return info, nil
	}
	if bodyErr != nil {
		return Info{}, fmt.Errorf("reading the body of %s: %w", key, bodyErr)
	}
	if ctxErr := ctx.Err(); ctxErr != nil {
		return Info{}, fmt.Errorf("storing object %s: %w", key, ctxErr)
	}
	if opts.IfAbsent && isNetwork(err) && s.refusedEarly(ctx, key) {
		return Info{}, fmt.Errorf("storing object %s: %w", key, ErrExists)
	}
	return Info{}, fmt.Errorf("storing object %s: %w", key, classify(ctx, err))
}

// refusedEarly tells why the connection of a conditional put broke: a server that
// finds the object there before it has read the body may close the connection
// on it, and its answer is lost.
func (s *Store) refusedEarly(ctx context.Context, key string) bool {
	_, err := s.Stat(ctx, key)
	return err == nil
}

func (s *Store) put(ctx context.Context, key string, g *guard, opts PutOptions) (info Info, err error) {
	head := s.heads.Get().(*[]byte)
	defer func() {
		if err == nil { // else the HTTP client may still be reading it
			s.heads.Put(head)
		}
	}()
	n, err := io.ReadFull(g, *head)
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF: // the body's true end
		return s.putHeld(ctx, key, (*head)[:n], opts)
	case err != nil:
		return Info{}, err
	}
	body := io.MultiReader(bytes.NewReader(*head), g)
	if opts.Size >= 0 && opts.Size <= streamLimit {
		return s.putOne(ctx, key, body, opts.Size, "", opts)
	}
	return s.putParts(ctx, key, body, opts)
}

// putHeld sends a body that is in memory, and so can be sent again where the
// server was in its own way.
func (s *Store) putHeld(ctx context.Context, key string, body []byte, opts PutOptions) (Info, error) {
	sum := sha256.Sum256(body)
	for try := 1; ; try++ {
		info, err := s.putOne(ctx, key, bytes.NewReader(body), int64(len(body)), hex.EncodeToString(sum[:]), opts)
		if err == nil || try == tries || !isBusy(err) {
			return info, err
		}
		select {
		case <-time.After(time.Duration(rand.Int64N(int64(20*time.Millisecond) << try))):
		case <-ctx.Done():
			return Info{}, ctx.Err()
		}
	}
}

// putOne sends body with one PUT. Where the SHA-256 of a body is known (in
// hex, else empty) it signs the request, and the body is sent as it is. Else
// the body is signed chunk by chunk on its way, which is not for empty ones:
// their closing chunk is read by no server that asks only for the length, and
// taken for the next request of the connection.
func (s *Store) putOne(ctx context.Context, key string, body io.Reader, size int64, sum string, opts PutOptions) (Info, error) {
	po := minio.PutObjectOptions{ContentType: opts.ContentType, UserMetadata: opts.Metadata, DisableContentSha256: sum != ""}
	if opts.IfAbsent {
		po.SetMatchETagExcept("*")
	}
	ui, err := s.core.PutObject(ctx, s.cfg.Bucket, key, body, size, "", sum, po)
	if err != nil {
		return Info{}, err
	}
	return Info{Size: size, ETag: ui.ETag, ModifiedAt: ui.LastModified.UTC()}, nil
}

// putParts sends body in parts of the configured size, one after the other.
func (s *Store) putParts(ctx context.Context, key string, body io.Reader, opts PutOptions) (info Info, err error) {
	buf, release, err := s.takePart(ctx)
	if err != nil {
		return Info{}, err
	}
	defer func() { release(err == nil) }()
	create := minio.PutObjectOptions{ContentType: opts.ContentType, UserMetadata: opts.Metadata}
	id, err := s.core.NewMultipartUpload(ctx, s.cfg.Bucket, key, create)
	if err != nil {
		return Info{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.abort(ctx, key, id))
		}
	}()
	parts, size, err := s.sendParts(ctx, key, id, body, buf)
	if err != nil {
		return Info{}, err
	}
	var complete minio.PutObjectOptions
	if opts.IfAbsent {
		complete.SetMatchETagExcept("*")
	}
	ui, err := s.core.CompleteMultipartUpload(ctx, s.cfg.Bucket, key, id, parts, complete)
	if err != nil {
		return Info{}, err
	}
	return Info{Size: size, ETag: ui.ETag, ModifiedAt: ui.LastModified.UTC()}, nil
}

func (s *Store) sendParts(ctx context.Context, key, id string, body io.Reader, buf []byte) ([]minio.CompletePart, int64, error) {
	var (
		parts []minio.CompletePart
		size  int64
	)
	for {
		n, err := io.ReadFull(body, buf)
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			return nil, 0, err
		}
		if n > 0 {
			num := len(parts) + 1
			p, err := s.core.PutObjectPart(ctx, s.cfg.Bucket, key, id, num, bytes.NewReader(buf[:n]), int64(n), minio.PutObjectPartOptions{})
			if err != nil {
				return nil, 0, fmt.Errorf("sending part %d: %w", num, err)
			}
			parts = append(parts, minio.CompletePart{PartNumber: num, ETag: p.ETag})
			size += int64(n)
		}
		if last {
			return parts, size, nil
		}
	}
}

// takePart waits for a part's buffer. release frees its place, and keeps the
// buffer for the next one where reuse is true: after an error the HTTP client
// may still be reading it.
func (s *Store) takePart(ctx context.Context) (buf []byte, release func(reuse bool), err error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	part := s.parts.Get().(*[]byte)
	return *part, func(reuse bool) {
		if reuse {
			s.parts.Put(part)
		}
		<-s.slots
	}, nil
}

// abortWithin bounds the clean-up after a failed Put.
const abortWithin = 5 * time.Second

// abort removes the parts of a failed Put. The caller's context may be the
// very reason of the failure, so it does not bound the clean-up.
func (s *Store) abort(ctx context.Context, key, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortWithin)
	defer cancel()
	if err := s.core.AbortMultipartUpload(ctx, s.cfg.Bucket, key, id); err != nil {
		return fmt.Errorf("aborting the multipart upload: %w", err)
	}
	return nil
}
