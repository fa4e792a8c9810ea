package app

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"log/slog"

	"orak"
	"orak/internal/objectstore"
	"orak/sinks/index"
	"orak/sinks/index/rebuild"
)

// RebuildConfig configures a rebuild of the index.
type RebuildConfig struct {
	Index index.Config       `embed:"" prefix:"index-"`
	Store objectstore.Config `embed:"" prefix:"s3-"`
}

// RebuildIndex makes the rows of the index from the store of recordings; see
// rebuild.Run.
func RebuildIndex(ctx context.Context, cfg RebuildConfig, log *slog.Logger, counting func(found int64), writing func(done, total int64)) (r rebuild.Result, err error) {
	store, err := objectstore.New(cfg.Store, objectstore.WithLogger(log))
	if err != nil {
		return r, err
	}
	defer store.Close()
	to, err := openIndex(ctx, cfg.Index, nil)
	if err != nil {
		return r, err
	}
	r, err = rebuild.Run(ctx, rebuilt{store}, to, counting, writing)
	return r, errors.Join(err, to.Close())
}

// rebuilt adapts the store to rebuild.
type rebuilt struct{ store *objectstore.Store }

var _ rebuild.Objects = rebuilt{}

// Keys implements rebuild.Objects.
func (s rebuilt) Keys(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for info, err := range s.store.ListAfter(ctx, prefix, after) {
			if !yield(info.Key, err) {
				return
			}
		}
	}
}

// Recording implements rebuild.Objects.
func (s rebuilt) Recording(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Upload, error) {
	info, err := s.store.Stat(ctx, orak.OriginalKey(t, id))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	u := orak.Upload{
		ID: id, Tenant: t, Key: info.Key, ContentType: info.ContentType, Size: info.Size,
		SHA256: orak.RecordedSHA256(info.Metadata), ReceivedAt: orak.RecordedAt(info.Metadata, info.ModifiedAt),
	}.Describe(info.Metadata)
	return &u, nil
}

// Outcome implements rebuild.Objects.
func (s rebuilt) Outcome(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Progress, error) {
	return readJSON[orak.Progress](ctx, s.store, orak.OutcomeKey(t, id))
}

// Analysis implements rebuild.Objects.
func (s rebuilt) Analysis(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Analysis, error) {
	return readJSON[orak.Analysis](ctx, s.store, orak.AnalysisKey(t, id))
}

// Tombstone implements rebuild.Objects.
func (s rebuilt) Tombstone(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Tombstone, error) {
	return readJSON[orak.Tombstone](ctx, s.store, orak.ErasedKey(t, id))
}

// readJSON reads an object; nil if there is none, or none that can be read.
func readJSON[T any](ctx context.Context, store *objectstore.Store, key string) (*T, error) {
	value, _, err := objectstore.GetJSON[T](ctx, store, key)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, objectstore.ErrDamaged):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &value, nil
}
