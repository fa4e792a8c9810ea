package objectstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// MaxJSON is the size in bytes of the largest object that GetJSON reads.
const MaxJSON = 1 << 20

// ErrDamaged means that an object is larger than MaxJSON or is not JSON of the
// expected type.
var ErrDamaged = errors.New("the object is damaged")

// Getter opens objects; Store is one.
type Getter interface {
	Get(ctx context.Context, key string) (io.ReadCloser, Info, error)
}

// Putter stores objects; Store is one.
type Putter interface {
	Put(ctx context.Context, key string, body io.Reader, opts PutOptions) (Info, error)
}

// GetJSON decodes an object. An absent one is fs.ErrNotExist; one that cannot
// be decoded is ErrDamaged, and the Info is valid then, too.
func GetJSON[T any](ctx context.Context, from Getter, key string) (T, Info, error) {
	var value, none T
	body, info, err := from.Get(ctx, key)
	if err != nil {
		return none, Info{}, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, MaxJSON+1))
	if err != nil {
		return none, Info{}, err
	}
	if len(text) > MaxJSON {
		return none, info, fmt.Errorf("decoding object %s: %w: more than %d bytes", key, ErrDamaged, MaxJSON)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		return none, info, fmt.Errorf("decoding object %s: %w: %w", key, ErrDamaged, err)
	}
	return value, info, nil
}

// PutJSON stores value as JSON. With ifAbsent, an object that is there stays
// and is fs.ErrExist.
func PutJSON(ctx context.Context, to Putter, key string, value any, ifAbsent bool) error {
	_, err := putJSON(ctx, to, key, value, PutOptions{IfAbsent: ifAbsent})
	return err
}

// ReplaceJSON stores value as JSON in place of the object with that ETag, or, with an
// empty one, where there is none. It returns the new ETag; ErrChanged means that
// another value is there by now, or none.
func ReplaceJSON(ctx context.Context, to Putter, key string, value any, etag string) (string, error) {
	info, err := putJSON(ctx, to, key, value, PutOptions{IfMatch: etag, IfAbsent: etag == ""})
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("%w: %w", ErrChanged, err)
	}
	return info.ETag, err
}

func putJSON(ctx context.Context, to Putter, key string, value any, opts PutOptions) (Info, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return Info{}, fmt.Errorf("encoding object %s: %w", key, err)
	}
	opts.Size, opts.ContentType = int64(len(text)), "application/json"
	return to.Put(ctx, key, bytes.NewReader(text), opts)
}
