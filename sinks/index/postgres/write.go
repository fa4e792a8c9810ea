package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"orak"
	"orak/events"
	"orak/sinks/index"
	"orak/sinks/index/rows"
	"orak/songs"
)

var (
	upsert  = dialect.Upsert()
	putSong = dialect.PutSong()
	putAct  = dialect.PutAct()
	prune   = dialect.PruneActs()
)

// Apply implements index.Store.
func (s *Store) Apply(ctx context.Context, b index.Batch) (applied int, next int64, err error) {
	err = s.transact(ctx, func(tx pgx.Tx) error {
		stored, err := lockOffset(ctx, tx, b.Topic, b.Partition)
		if err != nil {
			return err
		}
		pending, total := b.Pending(stored)
		acts := b.PendingActs(stored)
		applied, next = total+len(acts), max(stored, b.Next)
		if next == stored {
			return nil
		}
		if _, err := tx.Exec(ctx, "UPDATE offsets SET next = $3 WHERE topic = $1 AND partition = $2", b.Topic, b.Partition, next); err != nil {
			return err
		}
		if err := putActs(ctx, tx, acts); err != nil {
			return err
		}
		return put(ctx, tx, pending)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("writing to the index: %w", err)
	}
	return applied, next, nil
}

// lockOffset returns the next offset of a partition, whose other writers wait until
// the transaction ends.
func lockOffset(ctx context.Context, tx pgx.Tx, topic string, partition int32) (next int64, err error) {
	if _, err := tx.Exec(ctx, "INSERT INTO offsets VALUES ($1, $2, 0) ON CONFLICT DO NOTHING", topic, partition); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, "SELECT next FROM offsets WHERE topic = $1 AND partition = $2 FOR UPDATE", topic, partition).Scan(&next)
	return next, err
}

// Restore implements index.Store.
func (s *Store) Restore(ctx context.Context, list []index.Upload, cursor string) error {
	err := s.transact(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE meta SET value = $1 WHERE name = 'restore'", cursor); err != nil {
			return err
		}
		return put(ctx, tx, index.Last(list))
	})
	if err == nil && cursor == "" {
		// Until autovacuum has counted the rows, lists of a filled table sort it.
		_, err = s.pool.Exec(ctx, "ANALYZE uploads")
	}
	if err != nil {
		return fmt.Errorf("writing to the index: %w", err)
	}
	return nil
}

// RestoreCursor implements index.Store.
func (s *Store) RestoreCursor(ctx context.Context) (cursor string, err error) {
	if err := s.ready(ctx); err != nil {
		return "", err
	}
	if err = s.pool.QueryRow(ctx, "SELECT value FROM meta WHERE name = 'restore'").Scan(&cursor); err != nil {
		err = fmt.Errorf("reading the index: %w", err)
	}
	return cursor, err
}

// put writes rows, which are in the order of their ids, without waiting for each.
func put(ctx context.Context, tx pgx.Tx, list []index.Upload) error {
	if len(list) == 0 {
		return nil
	}
	batch := new(pgx.Batch)
	for _, u := range list {
		if err := u.Check(); err != nil {
			return err
		}
		batch.Queue(upsert, rows.Values(u, embeddingOf(u))...)
	}
	return tx.SendBatch(ctx, batch).Close()
}

// putActs adds acts. Topics that have the same act are written in different transactions:
// in the order of ids, those never wait for each other in a circle.
func putActs(ctx context.Context, tx pgx.Tx, list []events.Act) error {
	if len(list) == 0 {
		return nil
	}
	batch := new(pgx.Batch)
	for _, a := range slices.SortedFunc(slices.Values(list), func(a, b events.Act) int { return cmp.Compare(a.ID, b.ID) }) {
		batch.Queue(putAct, rows.ActValues(a)...)
	}
	return tx.SendBatch(ctx, batch).Close()
}

// PruneActs implements index.Store.
func (s *Store) PruneActs(ctx context.Context, then time.Time, most int) (removed int, err error) {
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	done, err := s.pool.Exec(ctx, prune, rows.PruneActsValues(then, most)...)
	if err != nil {
		return 0, fmt.Errorf("removing acts from the index: %w", err)
	}
	return int(done.RowsAffected()), nil
}

// embeddingOf returns the vector of u; nil if it has none.
func embeddingOf(u index.Upload) any {
	if u.Voice == nil || len(u.Voice.Embedding.Values) == 0 {
		return nil
	}
	return u.Voice.Embedding.Values
}

// Offset implements index.Store.
func (s *Store) Offset(ctx context.Context, topic string, partition int32) (next int64, known bool, err error) {
	if err := s.ready(ctx); err != nil {
		return 0, false, err
	}
	err = s.pool.QueryRow(ctx, "SELECT next FROM offsets WHERE topic = $1 AND partition = $2", topic, partition).Scan(&next)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("reading the index's offsets: %w", err)
	}
	return next, true, nil
}

// Forget implements index.Store.
func (s *Store) Forget(ctx context.Context, topic string, partition int32) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if _, err := s.pool.Exec(ctx, "DELETE FROM offsets WHERE topic = $1 AND partition = $2", topic, partition); err != nil {
		return fmt.Errorf("removing an offset of the index: %w", err)
	}
	return nil
}

// PutSongs implements index.Store.
func (s *Store) PutSongs(ctx context.Context, t orak.Tenant, list []songs.Song) error {
	if len(list) > index.MaxSongs {
		return fmt.Errorf("storing songs: %d, at most %d at once", len(list), index.MaxSongs)
	}
	for _, song := range list {
		if err := song.Validate(); err != nil {
			return fmt.Errorf("storing songs: %w", err)
		}
	}
	// In one order, so that two imports never wait for each other in a circle.
	list = slices.SortedFunc(slices.Values(list), func(a, b songs.Song) int { return cmp.Compare(a.ID, b.ID) })
	err := s.transact(ctx, func(tx pgx.Tx) error {
		batch := new(pgx.Batch)
		for _, song := range list {
			batch.Queue(putSong, rows.SongValues(t, song)...)
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return fmt.Errorf("storing songs: %w", err)
	}
	return nil
}

// RemoveSong implements index.Store.
func (s *Store) RemoveSong(ctx context.Context, t orak.Tenant, id songs.ID) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	done, err := s.pool.Exec(ctx, "DELETE FROM songs WHERE tenant = $1 AND id = $2", string(t), string(id))
	switch {
	case err != nil:
		return fmt.Errorf("removing a song: %w", err)
	case done.RowsAffected() == 0:
		return index.ErrNotFound
	}
	return nil
}
