package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

// MaxParts is the number of the last part that S3 accepts; the first is 1.
const MaxParts = 10_000

// MinPartSize is the size in bytes of the smallest part that S3 accepts, except for
// the last part of an object.
const MinPartSize = minPartSize

// The errors of a multipart upload.
var (
	// ErrNoMultipart means that there is no such unfinished multipart upload: it
	// was completed or aborted, or never existed.
	ErrNoMultipart = errors.New("no such multipart upload")
	// ErrParts means that the parts do not make an object: one is missing, was sent
	// again since, or is too small, or their order is wrong.
	ErrParts = errors.New("the parts do not make an object")
)

// Multipart is an unfinished multipart upload. Its object is invisible until the
// upload is completed.
type Multipart struct {
	Key string
	// ID is the store's name for it.
	ID string
	// BegunAt is set in a listing.
	BegunAt time.Time
}

// Part is a stored part of a Multipart.
type Part struct {
	// Number is 1 to MaxParts. Parts are joined in the order of their numbers,
	// which may have gaps.
	Number int    `json:"number"`
	ETag   string `json:"etag"`
	// Size is in bytes.
	Size int64 `json:"size"`
}

// CreateMultipart begins a multipart upload of the object key. Of opts it takes the
// content type and the metadata.
func (s *Store) CreateMultipart(ctx context.Context, key string, opts PutOptions) (Multipart, error) {
	create := minio.PutObjectOptions{ContentType: opts.ContentType, UserMetadata: opts.Metadata, ServerSideEncryption: s.sse}
	id, err := s.core.NewMultipartUpload(ctx, s.cfg.Bucket, key, create)
	if err != nil {
		return Multipart{}, fmt.Errorf("beginning the multipart upload of %s: %w", key, classify(ctx, err))
	}
	return Multipart{Key: key, ID: id}, nil
}

// PutPart stores a part, and replaces an earlier one of the same number. It waits for
// one of the Config.Parts places. content must not change before it has returned.
func (s *Store) PutPart(ctx context.Context, m Multipart, number int, content []byte) (Part, error) {
	p, err := s.sendPart(ctx, m.Key, m.ID, number, content)
	if err != nil {
		return Part{}, fmt.Errorf("storing part %d of %s: %w", number, m.Key, classifyMultipart(ctx, err))
	}
	return Part{Number: number, ETag: p.ETag, Size: int64(len(content))}, nil
}

// ListParts returns the stored parts in the order of their numbers.
func (s *Store) ListParts(ctx context.Context, m Multipart) ([]Part, error) {
	var parts []Part
	for after, more := 0, true; more; {
		page, err := s.core.ListObjectParts(ctx, s.cfg.Bucket, m.Key, m.ID, after, 1000)
		if err != nil {
			return nil, fmt.Errorf("listing the parts of %s: %w", m.Key, classifyMultipart(ctx, err))
		}
		for _, p := range page.ObjectParts {
			parts = append(parts, Part{Number: p.PartNumber, ETag: strings.Trim(p.ETag, `"`), Size: p.Size})
		}
		more = page.IsTruncated && page.NextPartNumberMarker > after
		after = page.NextPartNumberMarker
	}
	return parts, nil
}

// CompleteMultipart joins parts to the object, of which the Info has only the ETag.
// With ifAbsent, an existing object stays, the error is fs.ErrExist, and the multipart
// upload stays, too. After an earlier call that succeeded, it may succeed again, or
// return ErrNoMultipart. Of several calls at once, one may succeed before the object can
// be seen (versitygw 1.8).
func (s *Store) CompleteMultipart(ctx context.Context, m Multipart, parts []Part, ifAbsent bool) (Info, error) {
	var opts minio.PutObjectOptions
	if ifAbsent {
		opts.SetMatchETagExcept("*")
	}
	list := make([]minio.CompletePart, len(parts))
	for i, p := range parts {
		list[i] = minio.CompletePart{PartNumber: p.Number, ETag: p.ETag}
	}
	ui, err := s.core.CompleteMultipartUpload(ctx, s.cfg.Bucket, m.Key, m.ID, list, opts)
	if err != nil {
		return Info{}, fmt.Errorf("completing the multipart upload of %s: %w", m.Key, classifyMultipart(ctx, err))
	}
	return Info{Key: m.Key, ETag: ui.ETag}, nil
}

// AbortMultipart removes a multipart upload with its parts; an absent one is not an
// error.
func (s *Store) AbortMultipart(ctx context.Context, m Multipart) error {
	err := classifyMultipart(ctx, s.core.AbortMultipartUpload(ctx, s.cfg.Bucket, m.Key, m.ID))
	if err != nil && !errors.Is(err, ErrNoMultipart) {
		return fmt.Errorf("aborting the multipart upload of %s: %w", m.Key, err)
	}
	return nil
}

// Multiparts lists the unfinished multipart uploads of objects whose keys begin with
// prefix. MinIO lists only those of the object whose key is prefix, and removes others
// itself after a day. The listing ends after an error.
func (s *Store) Multiparts(ctx context.Context, prefix string) iter.Seq2[Multipart, error] {
	return func(yield func(Multipart, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // ends the listing on an early return
		for u := range s.core.ListIncompleteUploads(ctx, s.cfg.Bucket, prefix, true) {
			if u.Err != nil {
				yield(Multipart{}, fmt.Errorf("listing unfinished uploads: %w", classify(ctx, u.Err)))
				return
			}
			if !yield(Multipart{Key: u.Key, ID: u.UploadID, BegunAt: u.Initiated.UTC()}, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Multipart{}, fmt.Errorf("listing unfinished uploads: %w", err))
		}
	}
}

// classifyMultipart is classify for requests about a multipart upload.
func classifyMultipart(ctx context.Context, err error) error {
	var er minio.ErrorResponse
	errors.As(err, &er)
	switch er.Code {
	case minio.NoSuchUpload:
		return fmt.Errorf("%w: %w", ErrNoMultipart, err)
	case minio.InvalidPart, minio.InvalidPartOrder, minio.EntityTooSmall:
		return fmt.Errorf("%w: %w", ErrParts, err)
	}
	if err = classify(ctx, err); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrNoMultipart, err) // some servers answer so
	}
	return err
}
