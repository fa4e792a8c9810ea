// Package postgres keeps the index in PostgreSQL. Searches compare vectors that are kept
// in memory and follow the database. If those of a tenant do not fit, the extension
// vector (pgvector) compares them, exactly and without an approximate index; without
// the extension each search reads them and compares them here.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"orak/sinks/index"
	"orak/sinks/index/rows"
)

// dialect is that of PostgreSQL.
var dialect = rows.Dialect{Parameter: "$", Contains: "strpos", SkipLocked: " FOR UPDATE SKIP LOCKED"}

// Config says where the index is.
type Config struct {
	// URL is the database's, such as postgres://user:password@host/orak_index.
	URL string
	// Connections is how many are open at most.
	Connections int
	// VectorCache bounds the vectors that are kept in memory, in bytes; 0 keeps none.
	VectorCache int64
	// Metrics gets the size of the cache; it may be nil.
	Metrics prometheus.Registerer
}

// Store is an index in a database.
type Store struct {
	pool    *pgxpool.Pool
	vectors *vectors

	// preparing is held while the schema is brought up to date, before anything else.
	preparing sync.Mutex
	prepared  bool
	// pgvector says that the database has the extension.
	pgvector bool
}

var _ index.Store = (*Store)(nil)

// Open makes a Store. The database need not be reachable: it is made if it is missing,
// and its schema is made, or brought up to date, by the first call that reaches it. Calls return
// index.ErrNewerSchema if a later version of orak has written it.
func Open(cfg Config) (*Store, error) {
	parsed, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, errors.New("opening the index: the index URL is not one of PostgreSQL") // err may have the password
	}
	parsed.MaxConns = int32(cfg.Connections)
	pool, err := pgxpool.NewWithConfig(context.Background(), parsed)
	if err != nil {
		return nil, fmt.Errorf("opening the index: %w", err)
	}
	return &Store{pool: pool, vectors: newVectors(cfg.VectorCache, cfg.Metrics)}, nil
}

// ready prepares the database once.
func (s *Store) ready(ctx context.Context) error {
	s.preparing.Lock()
	defer s.preparing.Unlock()
	if s.prepared {
		return nil
	}
	err := s.migrate(ctx)
	if missing := (*pgconn.PgError)(nil); errors.As(err, &missing) && missing.Code == noDatabase {
		if err = s.makeDatabase(ctx); err == nil {
			err = s.migrate(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("preparing the index's database: %w", err)
	}
	s.prepared = true
	return nil
}

// noDatabase is PostgreSQL's code for a database that does not exist.
const noDatabase = "3D000"

// makeDatabase makes the database, if the user may.
func (s *Store) makeDatabase(ctx context.Context) error {
	at := s.pool.Config().ConnConfig.Copy()
	name := at.Database
	at.Database = "postgres"
	conn, err := pgx.ConnectConfig(ctx, at)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	return errors.Join(err, conn.Close(ctx))
}

// Ping implements index.Store.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("reaching the index's database: %w", err)
	}
	return nil
}

// Close implements index.Store.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// transact calls do in a transaction and commits it.
func (s *Store) transact(ctx context.Context, do func(pgx.Tx) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, s.pool, do)
}
