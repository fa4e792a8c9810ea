// Package lakestore adapts the object store to the lake.
package lakestore

import (
	"context"
	"io"
	"iter"

	"orak/internal/objectstore"
	"orak/sinks/lake"
)

// Store is a lake.Store.
type Store struct{ store *objectstore.Store }

var _ lake.Store = Store{}

// New makes a Store.
func New(s *objectstore.Store) Store { return Store{s} }

// PutNew implements lake.Store.
func (s Store) PutNew(ctx context.Context, key string, body io.Reader, size int64, metadata map[string]string) error {
	_, err := s.store.Put(ctx, key, body, objectstore.PutOptions{
		Size: size, ContentType: "application/vnd.apache.parquet", Metadata: metadata, IfAbsent: true,
	})
	return err
}

// Metadata implements lake.Store.
func (s Store) Metadata(ctx context.Context, key string) (map[string]string, error) {
	info, err := s.store.Stat(ctx, key)
	return info.Metadata, err
}

// Open implements lake.Store.
func (s Store) Open(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	body, info, err := s.store.Get(ctx, key)
	return body, info.Size, err
}

// Range implements lake.Store.
func (s Store) Range(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return s.store.GetRange(ctx, key, offset, length)
}

// List implements lake.Store.
func (s Store) List(ctx context.Context, prefix, after string) iter.Seq2[lake.Object, error] {
	return func(yield func(lake.Object, error) bool) {
		for info, err := range s.store.ListAfter(ctx, prefix, after) {
			if !yield(lake.Object{Key: info.Key, Size: info.Size, ModifiedAt: info.ModifiedAt}, err) {
				return
			}
		}
	}
}

// Delete implements lake.Store.
func (s Store) Delete(ctx context.Context, key string) error { return s.store.Delete(ctx, key) }

// Ping implements lake.Store.
func (s Store) Ping(ctx context.Context) error { return s.store.Ping(ctx) }
