package sqlite_test

import (
	"context"
	"database/sql"
	"os"
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

func TestIndexOfVersion1IsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	v1, err := os.ReadFile("testdata/schema-1.sql")
	require.NoError(t, err)
	cfg := sqlite.Config{Dir: t.TempDir(), VectorCache: 1 << 20}
	db, err := sql.Open("sqlite", filepath.Join(cfg.Dir, sqlite.File))
	require.NoError(t, err)
	_, err = db.Exec(string(v1))
	require.NoError(t, err)
	require.NoError(t, db.Close())

	s := open(t, cfg)
	same, other := indextest.Completed("acme", 1, 2, 0), indextest.Completed("other", 0, 1, 0)
	_, _, err = s.Apply(t.Context(), indextest.BatchOf(0, same, other))
	require.NoError(t, err)
	similar, err := s.Similar(t.Context(), index.Search{Tenant: "acme", ID: same.ID, K: 2})
	require.NoError(t, err)
	require.Len(t, similar, 1)
	require.Equal(t, indextest.ID(0), similar[0].Upload.ID)
	require.Equal(t, "Take 0.ogg", similar[0].Upload.Filename)
	_, err = s.Get(t.Context(), "other", indextest.ID(0))
	require.NoError(t, err)
}
