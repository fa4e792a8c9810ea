package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/objectstore"
)

var errBroken = errors.New("the caller went away")

// failing yields n bytes and then err, repeatedly.
func failing(n int, err error) io.Reader {
	return io.MultiReader(bytes.NewReader(content(n)), broken{err})
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func testFailingBody(t *testing.T, s Store) {
	for _, n := range sizes() {
		for _, end := range []error{errBroken, io.ErrUnexpectedEOF} {
			// With a known size, the server could have every declared byte
			// before the end of the body is known.
			for _, size := range []int64{-1, int64(n)} {
				key := fmt.Sprintf("failing/%d-%d", n, size)
				_, err := s.Put(t.Context(), key, failing(n, end), objectstore.PutOptions{Size: size})
				require.ErrorIs(t, err, end, key)
				_, err = s.Stat(t.Context(), key)
				require.ErrorIs(t, err, fs.ErrNotExist, key)
			}
		}
	}
}

func testFailedReplace(t *testing.T, s Store) {
	for _, n := range []int{100, 3 << 20, 12 << 20} {
		key := fmt.Sprintf("replace/%d", n)
		put(t, s, key, "first")
		_, err := s.Put(t.Context(), key, failing(n, errBroken), objectstore.PutOptions{Size: int64(n)})
		require.ErrorIs(t, err, errBroken)
		require.Equal(t, "first", string(get(t, s, key)))
	}
}

func testReady(t *testing.T, s Store) {
	for _, n := range sizes() {
		for _, ifAbsent := range []bool{false, true} {
			key := fmt.Sprintf("ready/%d-%t", n, ifAbsent)
			asked := 0
			opts := objectstore.PutOptions{Size: int64(n), IfAbsent: ifAbsent}
			opts.Ready = func() error { asked++; return errBroken }
			_, err := s.Put(t.Context(), key, bytes.NewReader(content(n)), opts)
			require.ErrorIs(t, err, errBroken, key)
			require.Equal(t, 1, asked, "%s: it is not asked again once it has failed", key)
			_, err = s.Stat(t.Context(), key)
			require.ErrorIs(t, err, fs.ErrNotExist, key)
			opts.Ready = func() error {
				if ifAbsent {
					return nil // MinIO locks the key from the head of a conditional request on
				}
				_, err := s.Stat(t.Context(), key)
				require.ErrorIs(t, err, fs.ErrNotExist, key)
				return nil
			}
			_, err = s.Put(t.Context(), key, bytes.NewReader(content(n)), opts)
			require.NoError(t, err, key)
			require.Equal(t, content(n), get(t, s, key), key)
		}
	}
}

func testBodyLength(t *testing.T, s Store) {
	for _, n := range sizes() {
		for _, off := range []int64{-1, 1, 70_000} {
			size := int64(n) + off
			if size < 0 {
				continue
			}
			key := fmt.Sprintf("length/%d-%d", n, size)
			_, err := s.Put(t.Context(), key, bytes.NewReader(content(n)), objectstore.PutOptions{Size: size})
			require.ErrorIs(t, err, objectstore.ErrBodySize, key)
			_, err = s.Stat(t.Context(), key)
			require.ErrorIs(t, err, fs.ErrNotExist, key)
		}
	}
}

// cancelling yields bytes forever and cancels after n of them.
type cancelling struct {
	n      int
	cancel context.CancelFunc
}

func (c *cancelling) Read(p []byte) (int, error) {
	if c.n -= len(p); c.n < 0 {
		c.cancel()
	}
	clear(p)
	return len(p), nil
}

func testCancel(t *testing.T, s Store) {
	for _, n := range []int{10, 2 << 20, 12 << 20} {
		ctx, cancel := context.WithCancel(t.Context())
		key := fmt.Sprintf("cancelled/%d", n)
		_, err := s.Put(ctx, key, &cancelling{n: n, cancel: cancel}, objectstore.PutOptions{Size: -1})
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.Stat(t.Context(), key)
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
}

// onceReader fails the test if it is read after its end: a server's request
// stream would block there forever.
type onceReader struct {
	t   *testing.T
	r   io.Reader
	end bool
}

func (o *onceReader) Read(p []byte) (int, error) {
	if o.end {
		o.t.Error("the body was read past its end")
	}
	n, err := o.r.Read(p)
	o.end = err != nil
	return n, err
}

func testStickyEnd(t *testing.T, s Store) {
	for _, n := range sizes() {
		for _, size := range []int64{-1, int64(n)} {
			body := &onceReader{t: t, r: bytes.NewReader(content(n))}
			_, err := s.Put(t.Context(), fmt.Sprintf("end/%d", n), body, objectstore.PutOptions{Size: size})
			require.NoError(t, err)
		}
	}
}
