package objectstore

import (
	"context"
	"fmt"
	"maps"

	"github.com/minio/minio-go/v7"
)

// maxCopy is the size in bytes of the largest object that S3 copies with one request.
const maxCopy = 5 << 30

// CopyOptions say how an object is copied.
type CopyOptions struct {
	// Size is that of the source, in bytes.
	Size int64
	// ETag is that of the source: a source with another one is not copied, which is
	// fs.ErrExist.
	ETag string
	// ContentType and Metadata replace those of the source; see PutOptions.
	ContentType string
	Metadata    map[string]string
}

// Copy copies an object within the store, which reads it by itself, and replaces an
// earlier object of the key to. That object is whole or absent at any time. An absent
// source is fs.ErrNotExist.
func (s *Store) Copy(ctx context.Context, from, to string, opts CopyOptions) error {
	meta := maps.Clone(opts.Metadata)
	if meta == nil {
		meta = map[string]string{}
	}
	meta["Content-Type"] = opts.ContentType
	dst := minio.CopyDestOptions{Bucket: s.cfg.Bucket, Object: to, ReplaceMetadata: true, UserMetadata: meta, Encryption: s.sse}
	src := minio.CopySrcOptions{Bucket: s.cfg.Bucket, Object: from, MatchETag: opts.ETag}
	var err error
	if opts.Size <= maxCopy {
		_, err = s.core.Client.CopyObject(ctx, dst, src)
	} else {
		_, err = s.core.ComposeObject(ctx, dst, src)
	}
	if err != nil {
		return fmt.Errorf("copying object %s: %w", from, classify(ctx, err))
	}
	return nil
}
