package app

import (
	"context"
	"errors"
	"io/fs"

	"orak"
	"orak/internal/objectstore"
	"orak/operate/replay"
)

// tombstones are the store's.
type tombstones struct{ store *objectstore.Store }

var _ replay.Tombstones = tombstones{}

// Erased is replay.Tombstones's.
func (s tombstones) Erased(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error) {
	_, err := s.store.Stat(ctx, orak.ErasedKey(t, id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
