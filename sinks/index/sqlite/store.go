// Package sqlite keeps the index in a file, with a SQLite that is written in Go.
//
// One connection writes; others read beside it (WAL). Several processes may open the
// file: a writer waits for the others.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"orak/sinks/index"
	"orak/sinks/index/rows"
)

// File is the name of the index in its folder.
const File = "index.db"

// busyTimeout is how long a writer waits for one of another process.
const busyTimeout = 10 * time.Second

// readers is how many reads run at the same time.
const readers = 8

// dialect is that of SQLite.
var dialect = rows.Dialect{Parameter: "?", Contains: "instr"}

// Config says where the index is.
type Config struct {
	// Dir is the folder of the file; it is made if it is missing.
	Dir string
	// VectorCache bounds the vectors that are kept in memory, in bytes. A set of
	// vectors that does not fit is read anew by each search; 0 keeps none.
	VectorCache int64
	// Metrics gets the size of the cache; it may be nil.
	Metrics prometheus.Registerer
}

// Store is an index in a file.
type Store struct {
	write, read *sql.DB
	vectors     *vectors
}

var _ index.Store = (*Store)(nil)

// Open opens the index, and makes it or brings its schema up to date. The error is
// index.ErrNewerSchema if a later version of orak wrote it.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the index's folder: %w", err)
	}
	path, err := filepath.Abs(filepath.Join(cfg.Dir, File))
	if err != nil {
		return nil, fmt.Errorf("opening the index: %w", err)
	}
	s := &Store{vectors: newVectors(cfg.VectorCache, cfg.Metrics)}
	if s.write, err = open(path, "_txlock=immediate", 1); err != nil {
		return nil, err
	}
	if s.read, err = open(path, "_pragma=query_only(1)", readers); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the index %s: %w", path, err), s.Close())
	}
	return s, nil
}

// open opens the file with that many connections. A power cut may take the last
// transactions with WAL and synchronous=NORMAL, and their offsets with them: they are
// read from Kafka again.
func open(path, option string, connections int) (*sql.DB, error) {
	at := url.URL{Scheme: "file", Path: path, RawQuery: option +
		"&_pragma=busy_timeout(" + strconv.Itoa(int(busyTimeout.Milliseconds())) + ")" +
		"&_pragma=journal_mode(wal)&_pragma=synchronous(normal)&_pragma=cache_size(-65536)&_pragma=temp_store(memory)"}
	db, err := sql.Open("sqlite", at.String())
	if err != nil {
		return nil, fmt.Errorf("opening the index: %w", err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// Ping implements index.Store.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.read.QueryRowContext(ctx, "SELECT 1 FROM meta LIMIT 1").Scan(&one); err != nil {
		return fmt.Errorf("reading the index: %w", err)
	}
	return nil
}

// Close implements index.Store.
func (s *Store) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// transact calls do in a transaction of the writer and commits it.
func (s *Store) transact(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
