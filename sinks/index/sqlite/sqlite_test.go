package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/sinks/index"
	"orak/sinks/index/indextest"
	"orak/sinks/index/sqlite"
)

func open(t *testing.T, cfg sqlite.Config) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestSQLitePassesTheSuite(t *testing.T) {
	t.Parallel()
	for name, cache := range map[string]int64{"vectors in memory": 1 << 20, "vectors in the file": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			indextest.Run(t, func(t *testing.T) (index.Store, func() index.Store) {
				cfg := sqlite.Config{Dir: filepath.Join(t.TempDir(), "an index?#%20"), VectorCache: cache}
				return open(t, cfg), func() index.Store { return open(t, cfg) }
			})
		})
	}
}

func TestIndexOfALaterVersionIsRefused(t *testing.T) {
	t.Parallel()
	cfg := sqlite.Config{Dir: t.TempDir()}
	open(t, cfg)
	db, err := sql.Open("sqlite", filepath.Join(cfg.Dir, sqlite.File))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.Exec("PRAGMA user_version = 99")
	require.NoError(t, err)
	_, err = sqlite.Open(context.Background(), cfg)
	require.ErrorIs(t, err, index.ErrNewerSchema)
}
