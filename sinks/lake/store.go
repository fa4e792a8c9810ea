package lake

import (
	"context"
	"io"
	"iter"
	"time"
)

// Object is an object of the store, as it is listed.
type Object struct {
	Key string
	// Size is in bytes.
	Size       int64
	ModifiedAt time.Time
}

// Store is the bucket of the lake. An absent object is fs.ErrNotExist, and every
// other error is worth another try.
type Store interface {
	// PutNew stores body, with metadata beside it; an object that is there stays,
	// and is fs.ErrExist: the lake writes nothing to a store that replaces it. size is the length of body in bytes, or -1.
	PutNew(ctx context.Context, key string, body io.Reader, size int64, metadata map[string]string) error
	// Metadata returns what PutNew stored beside an object.
	Metadata(ctx context.Context, key string) (map[string]string, error)
	// Open opens an object, of which size is the length in bytes. The caller closes
	// it.
	Open(ctx context.Context, key string) (body io.ReadCloser, size int64, err error)
	// Range reads length bytes of an object from offset on. The caller closes it.
	Range(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	// List lists the objects whose keys begin with prefix and are above after, in the
	// order of their keys. It ends after an error.
	List(ctx context.Context, prefix, after string) iter.Seq2[Object, error]
	// Delete removes an object; an absent one is not an error.
	Delete(ctx context.Context, key string) error
	// Ping reports why the bucket cannot be reached.
	Ping(ctx context.Context) error
}
