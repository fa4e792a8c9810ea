package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"orak"
	"orak/sinks/index"
	"orak/sinks/index/nearest"
)

// vectors keeps sets of vectors in memory. They follow the writes of this process, and
// are read anew after a write of another one.
type vectors struct {
	// mu is held for reading while a set is searched, and otherwise while one changes.
	mu sync.RWMutex
	// writes is the counter in the file that the sets are of.
	writes int64
	sets   *nearest.Cache[*nearest.Matrix]
}

func newVectors(limit int64, reg prometheus.Registerer) *vectors {
	return &vectors{sets: nearest.NewCache[*nearest.Matrix](limit, reg)}
}

const countWrites = "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'writes'"

// commit commits tx, which has changed uploads, and lets the sets follow.
func (v *vectors) commit(ctx context.Context, tx *sql.Tx, changed []index.Upload) error {
	// Held until the sets are as the file: a search compares their counters.
	v.mu.Lock()
	defer v.mu.Unlock()
	var writes int64
	err := tx.QueryRowContext(ctx, "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'writes' RETURNING CAST(value AS INTEGER)").Scan(&writes)
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if writes != v.writes+1 {
		v.sets.Clear()
	}
	var now []nearest.Entry
	held := v.sets.All()
	if len(held) > 0 {
		ids := idsOf(changed, func(u index.Upload) orak.UploadID { return u.ID })
		if now, err = entries(ctx, tx, "id IN (SELECT value FROM json_each(?1))", ids); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		v.sets.Clear() // whether it was committed is not known
		return err
	}
	v.writes = writes
	for of, m := range held {
		for _, e := range now {
			m.Follow(of, e)
		}
		v.sets.Resize(of, m.Bytes())
	}
	return nil
}

func entries(ctx context.Context, from rowsQuerier, where string, args ...any) (list []nearest.Entry, err error) {
	err = each(ctx, from, func(r *sql.Rows) error {
		var e nearest.Entry
		var blob []byte
		err := r.Scan(&e.ID, &e.Set.Tenant, &e.Set.Kind, &e.Set.Name, &e.Set.Version, &blob)
		e.Values = decode(blob)
		e.Set.Dimensions = len(e.Values)
		list = append(list, e)
		return err
	}, "SELECT id, tenant, kind, embedding_name, embedding_version, embedding FROM uploads WHERE "+where, args...)
	return list, err
}

// search returns the k vectors of a set that are nearest to query, except skip.
func (v *vectors) search(ctx context.Context, db *sql.DB, of nearest.Set, query []float32, k int, skip orak.UploadID) ([]nearest.Hit, error) {
	if hits, ok, err := v.searchHeld(ctx, db, of, query, k, skip); ok || err != nil {
		return hits, err
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	hits, err := v.searchFile(ctx, tx, of, query, k, skip)
	return hits, errors.Join(err, tx.Rollback())
}

// searchHeld is ok if the set is in memory and as the file is.
func (v *vectors) searchHeld(ctx context.Context, db *sql.DB, of nearest.Set, query []float32, k int, skip orak.UploadID) (hits []nearest.Hit, ok bool, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	m, ok := v.sets.Get(of)
	if !ok {
		return nil, false, nil
	}
	var writes int64
	if err := db.QueryRowContext(ctx, countWrites).Scan(&writes); err != nil {
		return nil, false, err
	}
	if writes != v.writes {
		return nil, false, nil
	}
	return m.Search(query, k, skip), true, nil
}

// searchFile reads the set from the file, and keeps it if there is room.
func (v *vectors) searchFile(ctx context.Context, tx *sql.Tx, of nearest.Set, query []float32, k int, skip orak.UploadID) ([]nearest.Hit, error) {
	// Held, so that no write comes between the file that is read and the sets.
	v.mu.Lock()
	defer v.mu.Unlock()
	var writes int64
	if err := tx.QueryRowContext(ctx, countWrites).Scan(&writes); err != nil {
		return nil, err
	}
	if writes != v.writes {
		v.sets.Clear()
		v.writes = writes
	}
	where := "tenant = ?1 AND kind = ?2 AND embedding_name = ?3 AND embedding_version = ?4 AND embedding IS NOT NULL"
	args := []any{string(of.Tenant), string(of.Kind), of.Name, of.Version}
	var count int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM uploads WHERE "+where, args...).Scan(&count); err != nil {
		return nil, err
	}
	keep := v.sets.Fits(of, count)
	top, m := nearest.NewTop(query, k, skip), nearest.NewMatrix(len(query))
	err := each(ctx, tx, func(r *sql.Rows) error {
		var id orak.UploadID
		var blob []byte
		if err := r.Scan(&id, &blob); err != nil {
			return err
		}
		values := decode(blob)
		top.Offer(id, values)
		if keep {
			m.Put(id, values)
		}
		return nil
	}, "SELECT id, embedding FROM uploads WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	if keep && m.Len() > 0 { // an empty one is read as fast
		v.sets.Keep(of, m, m.Bytes())
	}
	return top.Hits(), nil
}
