package objectstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/minio/minio-go/v7"

	"orak"
)

// PutOptions say how an object is stored.
type PutOptions struct {
	// Size is the body's length in bytes; -1 means unknown. A body of another
	// length fails with ErrBodySize.
	Size int64
	// ContentType is stored beside the object; empty means
	// application/octet-stream.
	ContentType string
	// Metadata is stored beside the object: names of lower-case letters, digits
	// and dashes, values of printable ASCII, 2 KB in all. nil stores none.
	Metadata map[string]string
	// SHA256 returns the digest of the whole body in lower-case hex. It is called once
	// the body has ended with io.EOF, and saves computing the digest again for the
	// request's signature; a wrong one fails the put. nil computes it.
	SHA256 func() string
	// Ready is called once all of the body but its last byte, or all of its parts, are
	// on their way. There is no object before it returns nil. Its error fails the put,
	// which then stores nothing. It may be called again for a repeated request, and must
	// not need the object: with IfAbsent, MinIO locks the key meanwhile. nil waits for
	// nothing.
	Ready func() error
	// IfAbsent fails with fs.ErrExist if there is an object of that key. Servers
	// check it when the body is complete; one without conditional writes ignores
	// or refuses it.
	IfAbsent bool
	// IfMatch fails with ErrChanged unless the object of that key has this ETag, if
	// it is not empty. A put whose answer was lost may be repeated and then fail so
	// although it was the one that changed the object. The body must be smaller
	// than a part.
	IfMatch string
}

// Put stores body under key, replaces an earlier object, and returns once the
// server has the whole object. If body ends with an error other than io.EOF, or
// does not have the length opts.Size, nothing is stored and the error wraps the
// body's own. Put does not close body, and reads it neither past its end nor after
// Put has returned.
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
	if opts.IfMatch != "" && isMismatch(err) {
		return Info{}, fmt.Errorf("storing object %s: %w", key, ErrChanged)
	}
	if opts.IfAbsent && isNetwork(err) && s.refusedEarly(ctx, key) {
		return Info{}, fmt.Errorf("storing object %s: %w", key, fs.ErrExist)
	}
	return Info{}, fmt.Errorf("storing object %s: %w", key, classify(ctx, err))
}

// refusedEarly reports whether a conditional put was refused although its answer
// was lost: a server that finds the object before it has read the body may close
// the connection.
func (s *Store) refusedEarly(ctx context.Context, key string) bool {
	_, err := s.Stat(ctx, key)
	return err == nil
}

// put reads a part of the body before it sends anything, so that a slow body
// occupies neither one of the Config.Parts places nor a connection to the store.
func (s *Store) put(ctx context.Context, key string, g *guard, opts PutOptions) (info Info, err error) {
	part := s.buffers.take()
	defer func() { part.release(err == nil) }()
	held, last, err := part.fill(g)
	switch {
	case err != nil:
		return Info{}, err
	case last:
		return s.putHeld(ctx, key, held, opts)
	default:
		return s.putParts(ctx, key, g, part, opts)
	}
}

// busyWait is the mean wait before a busy server gets a body again; it doubles, up to
// maxBusyWait. busyTries are some seconds: a loaded server that keeps objects as files
// meets the same conflict more than three times in a row.
const (
	busyWait    = 20 * time.Millisecond
	maxBusyWait = time.Second
	busyTries   = 10
)

// putHeld sends a body that is in memory, and repeats it if the server is busy.
func (s *Store) putHeld(ctx context.Context, key string, body []byte, opts PutOptions) (Info, error) {
	if len(body) == 0 { // there is no last byte to withhold
		if err := opts.ready(); err != nil {
			return Info{}, err
		}
	}
	sum := opts.digest(body)
	release, err := s.place(ctx, len(body))
	if err != nil {
		return Info{}, err
	}
	defer release()
	wait := &backoff.ExponentialBackOff{InitialInterval: busyWait, Multiplier: 2, RandomizationFactor: 1, MaxInterval: maxBusyWait}
	return backoff.Retry(ctx, func() (Info, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ending := &withheld{body: bytes.NewReader(body), ready: opts.ready, fail: cancel}
		info, err := s.putOne(ctx, key, ending, int64(len(body)), sum, opts)
		if ending.err != nil {
			return Info{}, backoff.Permanent(ending.err)
		}
		if err != nil && !isBusy(err) {
			err = backoff.Permanent(err)
		}
		return info, err
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(busyTries))
}

// ready waits for Ready, if it is set.
func (o PutOptions) ready() error {
	if o.Ready == nil {
		return nil
	}
	return o.Ready()
}

// digest returns the SHA-256 of the whole body in hex.
func (o PutOptions) digest(body []byte) string {
	if o.SHA256 != nil {
		return o.SHA256()
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// putOne sends body with one PUT, signed with the body's SHA-256 in hex. A body
// signed in chunks would end with an empty chunk that a server which reads only
// the declared length takes for the next request of the connection.
func (s *Store) putOne(ctx context.Context, key string, body io.Reader, size int64, sum string, opts PutOptions) (Info, error) {
	po := minio.PutObjectOptions{ContentType: opts.ContentType, UserMetadata: opts.Metadata, DisableContentSha256: true, ServerSideEncryption: s.sse}
	if opts.IfAbsent {
		po.SetMatchETagExcept("*")
	}
	if opts.IfMatch != "" {
		po.SetMatchETag(opts.IfMatch)
	}
	ui, err := s.core.PutObject(ctx, s.cfg.Bucket, key, body, size, "", sum, po)
	if err != nil {
		return Info{}, err
	}
	return Info{Size: size, ETag: ui.ETag, ModifiedAt: ui.LastModified.UTC()}, nil
}

// putParts sends the filled part, and then the rest of the body in parts of the
// configured size, one after the other.
func (s *Store) putParts(ctx context.Context, key string, rest io.Reader, filled *part, opts PutOptions) (info Info, err error) {
	create := minio.PutObjectOptions{ContentType: opts.ContentType, UserMetadata: opts.Metadata, ServerSideEncryption: s.sse}
	id, err := s.core.NewMultipartUpload(ctx, s.cfg.Bucket, key, create)
	if err != nil {
		return Info{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.abort(ctx, key, id))
		}
	}()
	parts, size, err := s.sendParts(ctx, key, id, rest, filled)
	if err != nil {
		return Info{}, err
	}
	if err := opts.ready(); err != nil {
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

func (s *Store) sendParts(ctx context.Context, key, id string, rest io.Reader, filled *part) ([]minio.CompletePart, int64, error) {
	var (
		parts []minio.CompletePart
		size  int64
	)
	held, last := filled.bytes(), false
	for {
		if len(held) > 0 {
			p, err := s.sendPart(ctx, key, id, len(parts)+1, held)
			if err != nil {
				return nil, 0, err
			}
			parts = append(parts, p)
			size += int64(len(held))
		}
		if last {
			return parts, size, nil
		}
		filled.empty()
		var err error
		if held, last, err = filled.fill(rest); err != nil {
			return nil, 0, err
		}
	}
}

func (s *Store) sendPart(ctx context.Context, key, id string, number int, held []byte) (minio.CompletePart, error) {
	release, err := s.place(ctx, len(held))
	if err != nil {
		return minio.CompletePart{}, err
	}
	defer release()
	p, err := s.core.PutObjectPart(ctx, s.cfg.Bucket, key, id, number, bytes.NewReader(held), int64(len(held)), minio.PutObjectPartOptions{})
	if err != nil {
		return minio.CompletePart{}, fmt.Errorf("sending part %d: %w", number, err)
	}
	return minio.CompletePart{PartNumber: number, ETag: p.ETag}, nil
}

// place waits until fewer than Config.Parts bodies are being sent, for
// Config.PartWait at most. Bodies of up to smallPart bytes do not wait.
func (s *Store) place(ctx context.Context, size int) (release func(), err error) {
	if size <= smallPart {
		return func() {}, nil
	}
	bounded := time.NewTimer(s.cfg.PartWait)
	defer bounded.Stop()
	select {
	case s.slots <- struct{}{}:
		s.metrics.sending.Inc()
		return func() { s.metrics.sending.Dec(); <-s.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-bounded.C:
		s.metrics.gaveUp.Inc()
		return nil, &orak.Fault{Class: orak.ClassOverload, Message: "The object store is busy with other recordings."}
	}
}

// abortTimeout bounds the clean-up after a failed Put.
const abortTimeout = 5 * time.Second

// abort removes the parts of a failed Put. The end of the caller's context may be
// the reason for the failure, so it does not bound the clean-up.
func (s *Store) abort(ctx context.Context, key, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	if err := s.core.AbortMultipartUpload(ctx, s.cfg.Bucket, key, id); err != nil {
		return fmt.Errorf("aborting the multipart upload: %w", err)
	}
	return nil
}
