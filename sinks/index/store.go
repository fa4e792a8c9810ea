package index

import (
	"context"
	"errors"
	"time"

	"orak"
	"orak/songs"
)

// The errors on which a caller must decide. Every other error of a Store is worth
// another try.
var (
	// ErrNotFound means that there is no such row: the upload is not the tenant's, or
	// its events have not been read yet.
	ErrNotFound = errors.New("not in the index")
	// ErrErased means that the upload was erased.
	ErrErased = errors.New("erased")
	// ErrNoVector means that the upload has no embedding: it is not completed, or
	// silent.
	ErrNoVector = errors.New("no embedding to compare")
	// ErrNewerSchema means that a later version of orak has written the index.
	ErrNewerSchema = errors.New("the index was written by a later version of orak: run that version, or remove the index and run `orak index rebuild`")
)

// Batch is what a part of one partition says.
type Batch struct {
	Topic     string
	Partition int32
	// Next is the offset behind the last record, be it a row or not.
	Next int64
	// Rows are in the order of their offsets. One upload may have several.
	Rows []Row
	// Acts are in the order of their offsets.
	Acts []ActRow
}

// Row is an upload as of one record.
type Row struct {
	Offset int64
	Upload Upload
}

// MaxSongs bounds the songs that PutSongs takes at once.
const MaxSongs = 200_000

// MaxSome bounds the ids that Store.Some takes at once.
const MaxSome = 1000

// Store keeps the index. It is safe for concurrent use, by several processes at once
// as well.
type Store interface {
	// Apply writes a batch and its next offset in one transaction. Records below the
	// offset that is stored change nothing; applied is how many rows and acts were at or
	// above it. An act whose id is there already stays as it is. next is the offset that is stored afterwards, which never decreases.
	Apply(ctx context.Context, b Batch) (applied int, next int64, err error)
	// Offset returns the next offset of a partition; known is false before the first
	// batch.
	Offset(ctx context.Context, topic string, partition int32) (next int64, known bool, err error)
	// Forget removes the next offset of a partition, so that its records are applied
	// again from any offset on.
	Forget(ctx context.Context, topic string, partition int32) error

	// Get returns the row of an upload with the values of its embedding. Errors:
	// ErrNotFound, ErrErased.
	Get(ctx context.Context, t orak.Tenant, id orak.UploadID) (Upload, error)
	// Some returns the rows of those of ids that are the tenant's and not erased, with
	// the values of their embeddings, in no order. At most MaxSome.
	Some(ctx context.Context, t orak.Tenant, ids []orak.UploadID) ([]Upload, error)
	// List returns a page of uploads, the latest received first. Errors:
	// ErrInvalidQuery.
	List(ctx context.Context, q Query) (Page, error)
	// Similar returns the nearest voices by the cosine of their embeddings, the
	// nearest first, exactly: no other is nearer. Of equal ones, the smaller id comes
	// first. Errors: ErrInvalidQuery, and for Search.ID ErrNotFound, ErrErased and
	// ErrNoVector.
	Similar(ctx context.Context, s Search) ([]Neighbor, error)

	// Acts returns a page of acts, the latest first. Errors: ErrInvalidQuery.
	Acts(ctx context.Context, q ActQuery) (ActPage, error)

	// PruneActs removes the oldest acts before then, most at most, and returns how many
	// those were. Those that another writer holds are left out.
	PruneActs(ctx context.Context, then time.Time, most int) (removed int, err error)

	// PutSongs adds songs of one tenant, and replaces those with the same id: all of
	// them, or none after an error. At most MaxSongs.
	PutSongs(ctx context.Context, t orak.Tenant, list []songs.Song) error
	// Songs returns at most limit songs of a tenant whose ids are above after, in the
	// order of their ids.
	Songs(ctx context.Context, t orak.Tenant, after songs.ID, limit int) ([]songs.Song, error)
	// RemoveSong removes a song. Errors: ErrNotFound.
	RemoveSong(ctx context.Context, t orak.Tenant, id songs.ID) error

	// Restore writes rows that were made from the store of recordings, and the cursor
	// behind them, in one transaction. An empty cursor says that all were written.
	Restore(ctx context.Context, rows []Upload, cursor string) error
	// RestoreCursor returns the cursor of a Restore that was interrupted; empty if
	// there is none.
	RestoreCursor(ctx context.Context) (string, error)

	// Ping returns an error if the store cannot be reached.
	Ping(ctx context.Context) error
	Close() error
}

// Pending returns the rows of b from offset next on, merged so that each upload is
// there once, in the order of ids; total is how many there were. Writers that take
// rows in one order never wait for each other in a circle.
func (b Batch) Pending(next int64) (rows []Upload, total int) {
	list := make([]Upload, 0, len(b.Rows))
	for _, r := range b.Rows {
		if r.Offset >= next {
			list = append(list, r.Upload)
		}
	}
	return Last(list), len(list)
}
