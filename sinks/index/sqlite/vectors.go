package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"orak"
	"orak/sinks/index"
	"orak/sinks/index/nearest"
)

// set names the vectors that are compared with each other.
type set struct {
	tenant        orak.Tenant
	kind          orak.Kind
	name, version string
}

// vectors keeps sets of vectors in memory. They follow the writes of this process, and
// are read anew after a write of another one.
type vectors struct {
	limit int64
	held  prometheus.Gauge

	mu sync.RWMutex
	// writes is the counter in the file that the sets are of.
	writes int64
	sets   map[set]*nearest.Matrix
	// used has the sets, the one that was read last at the end.
	used []set
}

func newVectors(limit int64, reg prometheus.Registerer) *vectors {
	held := promauto.With(reg).NewGauge(prometheus.GaugeOpts{
		Name: "orak_index_vector_cache_bytes", Help: "Memory of the vectors that are kept for searches.",
	})
	return &vectors{limit: limit, held: held, sets: make(map[set]*nearest.Matrix)}
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
		v.clear()
	}
	var now []entry
	if len(v.sets) > 0 {
		ids := idsOf(changed, func(u index.Upload) orak.UploadID { return u.ID })
		if now, err = entries(ctx, tx, "id IN (SELECT value FROM json_each(?1))", ids); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		v.clear() // whether it was committed is not known
		return err
	}
	v.writes = writes
	v.follow(now)
	return nil
}

// entry is the vector of an upload, if it has one.
type entry struct {
	set    set
	id     orak.UploadID
	values []float32
}

func (v *vectors) follow(now []entry) {
	for _, e := range now {
		for of, m := range v.sets {
			if of != e.set || e.values == nil {
				m.Remove(e.id)
			} else {
				m.Put(e.id, e.values)
			}
		}
	}
	v.evict(0)
}

func (v *vectors) clear() {
	clear(v.sets)
	v.used = nil
	v.held.Set(0)
}

// evict makes room for that many more bytes, if it can; the sets that were read first
// go first.
func (v *vectors) evict(more int64) {
	held := more
	for _, m := range v.sets {
		held += m.Bytes()
	}
	for held > v.limit && len(v.used) > 0 {
		first := v.used[0]
		held -= v.sets[first].Bytes()
		delete(v.sets, first)
		v.used = v.used[1:]
	}
	v.held.Set(float64(held))
}

func entries(ctx context.Context, from rowsQuerier, where string, args ...any) (list []entry, err error) {
	err = each(ctx, from, func(r *sql.Rows) error {
		var e entry
		var blob []byte
		err := r.Scan(&e.id, &e.set.tenant, &e.set.kind, &e.set.name, &e.set.version, &blob)
		e.values = decode(blob)
		list = append(list, e)
		return err
	}, "SELECT id, tenant, kind, embedding_name, embedding_version, embedding FROM uploads WHERE "+where, args...)
	return list, err
}

// search returns the k vectors of a set that are nearest to query, except skip.
func (v *vectors) search(ctx context.Context, db *sql.DB, of set, query []float32, k int, skip orak.UploadID) ([]nearest.Hit, error) {
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
func (v *vectors) searchHeld(ctx context.Context, db *sql.DB, of set, query []float32, k int, skip orak.UploadID) (hits []nearest.Hit, ok bool, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	m := v.sets[of]
	if m == nil {
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
func (v *vectors) searchFile(ctx context.Context, tx *sql.Tx, of set, query []float32, k int, skip orak.UploadID) ([]nearest.Hit, error) {
	// Held, so that no write comes between the file that is read and the sets.
	v.mu.Lock()
	defer v.mu.Unlock()
	var writes int64
	if err := tx.QueryRowContext(ctx, countWrites).Scan(&writes); err != nil {
		return nil, err
	}
	if writes != v.writes {
		v.clear()
		v.writes = writes
	}
	where := "tenant = ?1 AND kind = ?2 AND embedding_name = ?3 AND embedding_version = ?4 AND embedding IS NOT NULL"
	args := []any{string(of.tenant), string(of.kind), of.name, of.version}
	var count int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM uploads WHERE "+where, args...).Scan(&count); err != nil {
		return nil, err
	}
	keep := nearest.Bytes(count, len(query)) <= v.limit
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
	if keep {
		v.keep(of, m)
	}
	return top.Hits(), nil
}

func (v *vectors) keep(of set, m *nearest.Matrix) {
	if _, ok := v.sets[of]; ok { // another search was faster
		delete(v.sets, of)
		v.used = slices.DeleteFunc(v.used, func(s set) bool { return s == of })
	}
	v.evict(m.Bytes())
	v.sets[of] = m
	v.used = append(v.used, of)
}
