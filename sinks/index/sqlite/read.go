package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"orak"
	"orak/events"
	"orak/sinks/index"
	"orak/sinks/index/nearest"
	"orak/sinks/index/rows"
	"orak/songs"
)

// Get implements index.Store.
func (s *Store) Get(ctx context.Context, t orak.Tenant, id orak.UploadID) (index.Upload, error) {
	var blob []byte
	row := s.read.QueryRowContext(ctx, "SELECT "+rows.Selected+", embedding FROM uploads WHERE id = ?1 AND tenant = ?2", string(id), string(t))
	u, err := rows.Scan(row, &blob)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return index.Upload{}, index.ErrNotFound
	case err != nil:
		return index.Upload{}, fmt.Errorf("reading the index: %w", err)
	case u.Erased():
		return index.Upload{}, index.ErrErased
	}
	if u.Voice != nil {
		u.Voice.Embedding.Values = decode(blob)
	}
	return u, nil
}

// Some implements index.Store.
func (s *Store) Some(ctx context.Context, t orak.Tenant, ids []orak.UploadID) ([]index.Upload, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > index.MaxSome {
		return nil, fmt.Errorf("reading the index: %d ids, want at most %d", len(ids), index.MaxSome)
	}
	var list []index.Upload
	err := each(ctx, s.read, func(r *sql.Rows) error {
		var blob []byte
		u, err := rows.Scan(r, &blob)
		if u.Voice != nil {
			u.Voice.Embedding.Values = decode(blob)
		}
		list = append(list, u)
		return err
	}, "SELECT "+rows.Selected+", embedding FROM uploads WHERE id IN (SELECT value FROM json_each(?1)) AND +tenant = ?2 AND +status <> 'erased'",
		idsOf(ids, func(id orak.UploadID) orak.UploadID { return id }), string(t))
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	return list, nil
}

// List implements index.Store.
func (s *Store) List(ctx context.Context, q index.Query) (index.Page, error) {
	if err := q.Validate(); err != nil {
		return index.Page{}, err
	}
	statement, args, err := dialect.List(q)
	if err != nil {
		return index.Page{}, err
	}
	list, err := s.uploads(ctx, statement, args...)
	if err != nil {
		return index.Page{}, err
	}
	return index.PageOf(list, q.PageLimit()), nil
}

func (s *Store) uploads(ctx context.Context, statement string, args ...any) ([]index.Upload, error) {
	var list []index.Upload
	err := each(ctx, s.read, func(r *sql.Rows) error {
		u, err := rows.Scan(r)
		list = append(list, u)
		return err
	}, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	return list, nil
}

type rowsQuerier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls visit with every row of the result.
func each(ctx context.Context, from rowsQuerier, visit func(*sql.Rows) error, statement string, args ...any) error {
	result, err := from.QueryContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	for result.Next() {
		if err := visit(result); err != nil {
			return errors.Join(err, result.Close())
		}
	}
	return errors.Join(result.Err(), result.Close())
}

// Similar implements index.Store.
func (s *Store) Similar(ctx context.Context, search index.Search) ([]index.Neighbor, error) {
	if err := search.Validate(); err != nil {
		return nil, err
	}
	if search.ID != "" {
		u, err := s.Get(ctx, search.Tenant, search.ID)
		if err != nil {
			return nil, err
		}
		if u.Voice == nil || len(u.Voice.Embedding.Values) == 0 {
			return nil, index.ErrNoVector
		}
		search.Embedding, search.Kind = u.Voice.Embedding, u.Kind
	}
	hits, err := s.vectors.search(ctx, s.read, search.Set(), search.Embedding.Values, search.K, search.ID)
	if err != nil {
		return nil, fmt.Errorf("searching the index: %w", err)
	}
	return s.neighbors(ctx, search.Tenant, hits)
}

// neighbors adds the rows to what was found. A plus keeps SQLite from the indexes of
// the tenant, of which it would read all.
func (s *Store) neighbors(ctx context.Context, t orak.Tenant, hits []nearest.Hit) ([]index.Neighbor, error) {
	ids := idsOf(hits, func(h nearest.Hit) orak.UploadID { return h.ID })
	found, err := s.uploads(ctx, "SELECT "+rows.Selected+" FROM uploads WHERE id IN (SELECT value FROM json_each(?1)) AND +tenant = ?2 AND +status <> 'erased'", ids, string(t))
	if err != nil {
		return nil, err
	}
	return index.Neighbors(hits, found), nil
}

// Acts implements index.Store.
func (s *Store) Acts(ctx context.Context, q index.ActQuery) (index.ActPage, error) {
	if err := q.Validate(); err != nil {
		return index.ActPage{}, err
	}
	statement, args, err := dialect.Acts(q)
	if err != nil {
		return index.ActPage{}, err
	}
	var list []events.Act
	err = each(ctx, s.read, func(r *sql.Rows) error {
		a, err := rows.ScanAct(r)
		list = append(list, a)
		return err
	}, statement, args...)
	if err != nil {
		return index.ActPage{}, fmt.Errorf("reading the index: %w", err)
	}
	return index.ActPageOf(list, q.PageLimit()), nil
}

// Songs implements index.Store.
func (s *Store) Songs(ctx context.Context, t orak.Tenant, after songs.ID, limit int) ([]songs.Song, error) {
	var list []songs.Song
	err := each(ctx, s.read, func(r *sql.Rows) error {
		song, err := rows.ScanSong(r)
		list = append(list, song)
		return err
	}, "SELECT "+rows.SongColumns+" FROM songs WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3", string(t), string(after), limit)
	if err != nil {
		return nil, fmt.Errorf("reading songs: %w", err)
	}
	return list, nil
}
