package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"orak"
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
	err = s.putting(ctx, func(tx *sql.Tx) ([]index.Upload, error) {
		stored, _, err := offset(ctx, tx, b.Topic, b.Partition)
		if err != nil {
			return nil, err
		}
		pending, total := b.Pending(stored)
		acts := b.PendingActs(stored)
		applied, next = total+len(acts), max(stored, b.Next)
		if next == stored {
			return nil, nil
		}
		for _, a := range acts {
			if _, err := tx.ExecContext(ctx, putAct, rows.ActValues(a)...); err != nil {
				return nil, err
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO offsets VALUES (?1, ?2, ?3)
			ON CONFLICT (topic, partition) DO UPDATE SET next = excluded.next`, b.Topic, b.Partition, next)
		return pending, err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("writing to the index: %w", err)
	}
	return applied, next, nil
}

// PruneActs implements index.Store.
func (s *Store) PruneActs(ctx context.Context, then time.Time, most int) (removed int, err error) {
	done, err := s.write.ExecContext(ctx, prune, rows.PruneActsValues(then, most)...)
	if err != nil {
		return 0, fmt.Errorf("removing acts from the index: %w", err)
	}
	n, err := done.RowsAffected()
	return int(n), err
}

// Restore implements index.Store.
func (s *Store) Restore(ctx context.Context, list []index.Upload, cursor string) error {
	err := s.putting(ctx, func(tx *sql.Tx) ([]index.Upload, error) {
		_, err := tx.ExecContext(ctx, "UPDATE meta SET value = ?1 WHERE name = 'restore'", cursor)
		return index.Last(list), err
	})
	if err != nil {
		return fmt.Errorf("writing to the index: %w", err)
	}
	return nil
}

// RestoreCursor implements index.Store.
func (s *Store) RestoreCursor(ctx context.Context) (cursor string, err error) {
	if err = s.read.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = 'restore'").Scan(&cursor); err != nil {
		err = fmt.Errorf("reading the index: %w", err)
	}
	return cursor, err
}

// putting writes the rows that prepare returns in its transaction, and lets the
// vectors in memory follow.
func (s *Store) putting(ctx context.Context, prepare func(*sql.Tx) ([]index.Upload, error)) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	changed, err := prepare(tx)
	if err == nil {
		err = put(ctx, tx, changed)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if len(changed) == 0 {
		return tx.Commit()
	}
	return s.vectors.commit(ctx, tx, changed)
}

func put(ctx context.Context, tx *sql.Tx, list []index.Upload) error {
	if len(list) == 0 {
		return nil
	}
	stmt, err := tx.PrepareContext(ctx, upsert)
	if err != nil {
		return err
	}
	for _, u := range list {
		if err = u.Check(); err != nil {
			break
		}
		if _, err = stmt.ExecContext(ctx, rows.Values(u, embeddingOf(u))...); err != nil {
			break
		}
	}
	return errors.Join(err, stmt.Close())
}

// embeddingOf returns the vector of u as little-endian floats; nil if it has none.
func embeddingOf(u index.Upload) any {
	if u.Voice == nil || len(u.Voice.Embedding.Values) == 0 {
		return nil
	}
	values := u.Voice.Embedding.Values
	blob := make([]byte, 0, 4*len(values))
	for _, v := range values {
		blob = binary.LittleEndian.AppendUint32(blob, math.Float32bits(v))
	}
	return blob
}

func decode(blob []byte) []float32 {
	if len(blob) == 0 {
		return nil
	}
	values := make([]float32, len(blob)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(blob[4*i:]))
	}
	return values
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func offset(ctx context.Context, from querier, topic string, partition int32) (next int64, known bool, err error) {
	err = from.QueryRowContext(ctx, "SELECT next FROM offsets WHERE topic = ?1 AND partition = ?2", topic, partition).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return next, err == nil, err
}

// Offset implements index.Store.
func (s *Store) Offset(ctx context.Context, topic string, partition int32) (next int64, known bool, err error) {
	if next, known, err = offset(ctx, s.read, topic, partition); err != nil {
		err = fmt.Errorf("reading the index's offsets: %w", err)
	}
	return next, known, err
}

// Forget implements index.Store.
func (s *Store) Forget(ctx context.Context, topic string, partition int32) error {
	if _, err := s.write.ExecContext(ctx, "DELETE FROM offsets WHERE topic = ?1 AND partition = ?2", topic, partition); err != nil {
		return fmt.Errorf("removing an offset of the index: %w", err)
	}
	return nil
}

// PutSongs implements index.Store.
func (s *Store) PutSongs(ctx context.Context, t orak.Tenant, list []songs.Song) error {
	if len(list) > index.MaxSongs {
		return fmt.Errorf("storing songs: %d, at most %d at once", len(list), index.MaxSongs)
	}
	err := s.transact(ctx, func(tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, putSong)
		if err != nil {
			return err
		}
		for _, song := range list {
			if err = song.Validate(); err != nil {
				break
			}
			if _, err = stmt.ExecContext(ctx, rows.SongValues(t, song)...); err != nil {
				break
			}
		}
		return errors.Join(err, stmt.Close())
	})
	if err != nil {
		return fmt.Errorf("storing songs: %w", err)
	}
	return nil
}

// RemoveSong implements index.Store.
func (s *Store) RemoveSong(ctx context.Context, t orak.Tenant, id songs.ID) error {
	done, err := s.write.ExecContext(ctx, "DELETE FROM songs WHERE tenant = ?1 AND id = ?2", string(t), string(id))
	if err != nil {
		return fmt.Errorf("removing a song: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, index.ErrNotFound)
	}
	return nil
}

// idsOf returns the ids as a JSON array, for json_each.
func idsOf[T any](list []T, id func(T) orak.UploadID) string {
	ids := make([]orak.UploadID, len(list))
	for i, v := range list {
		ids[i] = id(v)
	}
	text, err := json.Marshal(ids)
	if err != nil {
		panic(err) // of strings
	}
	return string(text)
}
