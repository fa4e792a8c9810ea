package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"orak"
	"orak/sinks/index"
	"orak/sinks/index/nearest"
)

// vectors keeps sets of vectors in memory. Before each search it asks the database for
// what has changed since, so that a search sees every write that was committed before
// it, by whatever process.
//
// The column changed of a row is the transaction that wrote it last. A set remembers its
// horizon: the oldest transaction that had not ended in the snapshot it was read in.
// Every one below had, and is in the set; so what the set lacks is among the rows
// whose changed is at or above the horizon, in whatever order transactions commit. Of
// these rows some may be in the set already, and are put into it again.
//
// A transaction that writes for long, of any database of the server, holds the horizon
// back: until it ends, each search reads the rows again that changed since it began.
// That is bounded: if more rows than a fraction of the set have changed, the set is
// read anew.
//
// A restore of the server to an earlier time sets transactions back. A horizon that is
// lower than that of a set shows it, and the set is read anew.
type vectors struct {
	sets *nearest.Cache[*held]
}

func newVectors(limit int64, reg prometheus.Registerer) *vectors {
	return &vectors{sets: nearest.NewCache[*held](limit, reg)}
}

// held is a set in memory.
type held struct {
	// turn is taken while the set is brought up to date: by one search at a time, so
	// that an older snapshot never comes over a newer one.
	turn chan struct{}
	// horizon is of the snapshot that matrix is as of. It is read and changed with the
	// turn only.
	horizon uint64

	// mu is held for reading while matrix is searched. matrix is nil until it is read,
	// and if it does not fit.
	mu     sync.RWMutex
	matrix *nearest.Matrix
}

func newHeld() *held { return &held{turn: make(chan struct{}, 1)} }

// search returns the k vectors nearest to that of a search; ok is false if the set does
// not fit into memory.
func (v *vectors) search(ctx context.Context, pool *pgxpool.Pool, s index.Search) (hits []nearest.Hit, ok bool, err error) {
	if !v.sets.Fits(s.Set(), 1) {
		return nil, false, nil
	}
	h := v.sets.GetOrKeep(s.Set(), newHeld)
	if err := v.refresh(ctx, pool, s.Set(), h); err != nil {
		return nil, false, err
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.matrix == nil {
		return nil, false, nil
	}
	return h.matrix.Search(s.Embedding.Values, s.K, s.ID), true, nil
}

// refresh brings a set up to date.
func (v *vectors) refresh(ctx context.Context, pool *pgxpool.Pool, of nearest.Set, h *held) error {
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.turn }()
	followed, err := h.follow(ctx, pool, of)
	if err == nil && !followed {
		err = v.readAnew(ctx, pool, of, h)
	}
	if h.matrix == nil || h.matrix.Len() == 0 { // an empty one is read as fast
		v.sets.Remove(of)
		return err
	}
	v.sets.Keep(of, h, h.matrix.Bytes())
	return err
}

// onlyIndexes sets the planner for the rest of a transaction. It cannot know that few
// rows have changed lately, and would read the table.
const onlyIndexes = "SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)"

// selectChanged has at least one row, for the horizon: it is of the snapshot in which
// the rows are read. Without changed rows that one has an empty id.
const selectChanged = `SELECT seen.horizon, coalesce(u.id, ''), coalesce(u.kind, ''), coalesce(u.embedding_name, ''), coalesce(u.embedding_version, ''), u.embedding
FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon) AS seen
LEFT JOIN uploads u ON u.tenant = $1 AND u.changed >= $2 LIMIT $3`

// maxChanged is the most rows that are worth following, rather than reading a set of n
// vectors anew.
func maxChanged(n int) int { return n / 4 }

// follow takes over what has changed; ok is false if the set is to be read anew.
func (h *held) follow(ctx context.Context, pool *pgxpool.Pool, of nearest.Set) (ok bool, err error) {
	if h.matrix == nil {
		return false, nil
	}
	limit := maxChanged(h.matrix.Len())
	horizon, changed, err := readChanged(ctx, pool, of.Tenant, h.horizon, limit+1)
	if err != nil {
		return false, fmt.Errorf("reading changed vectors: %w", err)
	}
	if horizon < h.horizon || len(changed) > limit {
		return false, nil
	}
	h.horizon = horizon
	if len(changed) == 0 {
		return true, nil // without waiting for other searches to end
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range changed {
		h.matrix.Follow(of, e)
	}
	return true, nil
}

// readChanged returns at most limit uploads of a tenant that changed since a horizon,
// and the horizon of what it read.
func readChanged(ctx context.Context, pool *pgxpool.Pool, t orak.Tenant, since uint64, limit int) (horizon uint64, list []nearest.Entry, err error) {
	batch := new(pgx.Batch) // one transaction, and one round trip
	batch.Queue(onlyIndexes)
	batch.Queue(selectChanged, string(t), since, limit)
	results := pool.SendBatch(ctx, batch)
	defer func() { err = errors.Join(err, results.Close()) }()
	if _, err := results.Exec(); err != nil {
		return 0, nil, err
	}
	result, err := results.Query()
	if err != nil {
		return 0, nil, err
	}
	var e nearest.Entry
	_, err = pgx.ForEachRow(result, []any{&horizon, &e.ID, &e.Set.Kind, &e.Set.Name, &e.Set.Version, &e.Values}, func() error {
		if e.ID != "" {
			e.Set.Tenant, e.Set.Dimensions = t, len(e.Values)
			list = append(list, e)
		}
		e.Values = nil // of the next row
		return nil
	})
	return horizon, list, err
}

// readAnew reads a set in one snapshot. Its matrix is nil if it does not fit.
func (v *vectors) readAnew(ctx context.Context, pool *pgxpool.Pool, of nearest.Set, h *held) error {
	var horizon uint64
	var m *nearest.Matrix
	err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var count int
		if err := tx.QueryRow(ctx, "SELECT pg_snapshot_xmin(pg_current_snapshot()), count(*) FROM uploads WHERE "+inSet, setArgs(of)...).Scan(&horizon, &count); err != nil {
			return err
		}
		if !v.sets.Fits(of, count) {
			return nil
		}
		m = nearest.NewMatrix(of.Dimensions)
		return each(ctx, tx, of, m.Put)
	})
	if err != nil {
		return fmt.Errorf("reading vectors: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.matrix, h.horizon = m, horizon
	return nil
}

// inSet selects the vectors of a set; its parameters are setArgs.
const inSet = "tenant = $1 AND kind = $2 AND embedding_name = $3 AND embedding_version = $4 AND embedding IS NOT NULL AND cardinality(embedding) = $5"

func setArgs(of nearest.Set) []any {
	return []any{string(of.Tenant), string(of.Kind), of.Name, of.Version, of.Dimensions}
}

type querier interface {
	Query(ctx context.Context, statement string, args ...any) (pgx.Rows, error)
}

// each calls visit with every vector of a set.
func each(ctx context.Context, from querier, of nearest.Set, visit func(orak.UploadID, []float32)) error {
	result, err := from.Query(ctx, "SELECT id, embedding FROM uploads WHERE "+inSet, setArgs(of)...)
	if err != nil {
		return err
	}
	var id orak.UploadID
	var values []float32
	_, err = pgx.ForEachRow(result, []any{&id, &values}, func() error {
		visit(id, values)
		return nil
	})
	return err
}
