package app

import (
	"context"
	"errors"
	"io/fs"

	"orak"
	"orak/internal/objectstore"
	"orak/operate/replay"
)

// tombstones adapts the store to replay.
type tombstones struct{ store *objectstore.Store }

var _ replay.Tombstones = tombstones{}

// Erased implements replay.Tombstones.
func (s tombstones) Erased(ctx context.Context, t orak.Tenant, id orak.UploadID) (bool, error) {
	_, err := s.store.Stat(ctx, orak.ErasedKey(t, id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
