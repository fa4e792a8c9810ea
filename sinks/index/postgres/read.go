package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"orak"
	"orak/events"
	"orak/sinks/index"
	"orak/sinks/index/nearest"
	"orak/sinks/index/rows"
	"orak/songs"
)

// Get implements index.Store.
func (s *Store) Get(ctx context.Context, t orak.Tenant, id orak.UploadID) (index.Upload, error) {
	if err := s.ready(ctx); err != nil {
		return index.Upload{}, err
	}
	row := s.pool.QueryRow(ctx, "SELECT "+rows.Selected+", embedding FROM uploads WHERE id = $1 AND tenant = $2", string(id), string(t))
	u, err := scan(row)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return index.Upload{}, index.ErrNotFound
	case err != nil:
		return index.Upload{}, fmt.Errorf("reading the index: %w", err)
	case u.Erased():
		return index.Upload{}, index.ErrErased
	}
	return u, nil
}

// scan reads a row with its embedding.
func scan(row rows.Scanner) (index.Upload, error) {
	var values []float32
	u, err := rows.Scan(row, &values)
	if u.Voice != nil {
		u.Voice.Embedding.Values = values
	}
	return u, err
}

// Some implements index.Store.
func (s *Store) Some(ctx context.Context, t orak.Tenant, ids []orak.UploadID) ([]index.Upload, error) {
	if len(ids) > index.MaxSome {
		return nil, fmt.Errorf("reading the index: %d ids, want at most %d", len(ids), index.MaxSome)
	}
	return all(ctx, s, func(r pgx.Rows) (index.Upload, error) { return scan(r) },
		"SELECT "+rows.Selected+", embedding FROM uploads WHERE "+byID, texts(ids), string(t))
}

// byID selects a tenant's uploads that are not erased. The tenant is an expression, so
// that no index of the tenants is used: while the table has no statistics, PostgreSQL
// would read all of the tenant's entries.
const byID = "id = ANY($1) AND tenant || '' = $2 AND status <> 'erased'"

// texts returns ids as the database takes them.
func texts(ids []orak.UploadID) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = string(id)
	}
	return list
}

// all returns the rows of a result.
func all[T any](ctx context.Context, s *Store, read func(pgx.Rows) (T, error), statement string, args ...any) ([]T, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	result, err := s.pool.Query(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	defer result.Close()
	var list []T
	for result.Next() {
		v, err := read(result)
		if err != nil {
			return nil, fmt.Errorf("reading the index: %w", err)
		}
		list = append(list, v)
	}
	if err := result.Err(); err != nil {
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
	list, err := all(ctx, s, func(r pgx.Rows) (index.Upload, error) { return rows.Scan(r) }, statement, args...)
	if err != nil {
		return index.Page{}, err
	}
	return index.PageOf(list, q.PageLimit()), nil
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
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	hits, err := s.nearest(ctx, search)
	if err != nil {
		return nil, fmt.Errorf("searching the index: %w", err)
	}
	ids := make([]orak.UploadID, len(hits))
	for i, h := range hits {
		ids[i] = h.ID
	}
	found, err := all(ctx, s, func(r pgx.Rows) (index.Upload, error) { return rows.Scan(r) },
		"SELECT "+rows.Selected+" FROM uploads WHERE "+byID, texts(ids), string(search.Tenant))
	if err != nil {
		return nil, err
	}
	return index.Neighbors(hits, found), nil
}

// nearest searches the set in memory. If it does not fit, pgvector searches, or the set
// is read and searched here.
func (s *Store) nearest(ctx context.Context, search index.Search) ([]nearest.Hit, error) {
	if hits, ok, err := s.vectors.search(ctx, s.pool, search); ok || err != nil {
		return hits, err
	}
	if s.pgvector {
		return s.ask(ctx, search)
	}
	top := nearest.NewTop(search.Embedding.Values, search.K, search.ID)
	if err := each(ctx, s.pool, search.Set(), top.Offer); err != nil {
		return nil, err
	}
	return top.Hits(), nil
}

// ask lets pgvector search. There is no index of the vectors, so it compares all. It
// refuses vectors of other dimensions, which are of other sets.
func (s *Store) ask(ctx context.Context, search index.Search) ([]nearest.Hit, error) {
	return all(ctx, s, func(r pgx.Rows) (h nearest.Hit, err error) {
		err = r.Scan(&h.ID, &h.Similarity)
		return h, err
	}, "SELECT id, 1 - distance FROM (SELECT id, embedding::vector <=> $7::real[]::vector AS distance FROM uploads WHERE "+inSet+
		" AND id <> $6) AS compared ORDER BY distance, id LIMIT $8", append(setArgs(search.Set()), string(search.ID), search.Embedding.Values, search.K)...)
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
	list, err := all(ctx, s, func(r pgx.Rows) (events.Act, error) { return rows.ScanAct(r) }, statement, args...)
	if err != nil {
		return index.ActPage{}, err
	}
	return index.ActPageOf(list, q.PageLimit()), nil
}

// Songs implements index.Store.
func (s *Store) Songs(ctx context.Context, t orak.Tenant, after songs.ID, limit int) ([]songs.Song, error) {
	return all(ctx, s, func(r pgx.Rows) (songs.Song, error) { return rows.ScanSong(r) },
		"SELECT "+rows.SongColumns+" FROM songs WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3", string(t), string(after), limit)
}
