package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/minio/minio-go/v7"
)

// Get opens an object; an absent one is fs.ErrNotExist. The caller closes the
// reader. A connection that breaks during a read is a Fault of ClassDependency,
// never a short read that looks complete.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, Info, error) {
	body, oi, _, err := s.core.GetObject(ctx, s.cfg.Bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, Info{}, fmt.Errorf("opening object %s: %w", key, classify(ctx, err))
	}
	oi.Key = key
	return &object{ReadCloser: body, key: key, left: oi.Size, classify: func(err error) error { return classify(ctx, err) }}, infoOf(oi), nil
}

// object is a body whose read errors are classified.
type object struct {
	io.ReadCloser
	key      string
	left     int64
	classify func(error) error
}

// Read implements io.Reader.
func (o *object) Read(p []byte) (int, error) {
	n, err := o.ReadCloser.Read(p)
	o.left -= int64(n)
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF && o.left <= 0:
		return n, io.EOF
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return n, fmt.Errorf("reading object %s: %w", o.key, o.classify(err))
}

// GetRange opens length bytes of an object from offset on, or fewer where the object
// ends; an absent object is fs.ErrNotExist. The caller closes the reader, which
// reports a broken connection as that of Get does.
func (s *Store) GetRange(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return s.GetRangeOf(ctx, Info{Key: key}, offset, length)
}

// GetRangeOf is GetRange of the object that info describes; one that has replaced it
// since is ErrChanged.
func (s *Store) GetRangeOf(ctx context.Context, info Info, offset, length int64) (io.ReadCloser, error) {
	var opts minio.GetObjectOptions
	if err := opts.SetRange(offset, offset+length-1); err != nil {
		return nil, fmt.Errorf("opening object %s: %w", info.Key, err)
	}
	if info.ETag != "" {
		if err := opts.SetMatchETag(info.ETag); err != nil {
			return nil, fmt.Errorf("opening object %s: %w", info.Key, err)
		}
	}
	body, oi, _, err := s.core.GetObject(ctx, s.cfg.Bucket, info.Key, opts)
	if err != nil {
		err = classify(ctx, err)
		if errors.Is(err, fs.ErrExist) { // 412
			err = ErrChanged
		}
		return nil, fmt.Errorf("opening object %s: %w", info.Key, err)
	}
	return &object{ReadCloser: body, key: info.Key, left: oi.Size, classify: func(err error) error { return classify(ctx, err) }}, nil
}
