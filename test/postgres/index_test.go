package postgres_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/sinks/index"
	"orak/sinks/index/indextest"
	index_postgres "orak/sinks/index/postgres"
	"orak/test/leaks"
	"orak/test/postgres"
)

func TestMain(m *testing.M) { leaks.Main(m) }

func open(t *testing.T, url string) *index_postgres.Store {
	t.Helper()
	return openWith(t, index_postgres.Config{URL: url, Connections: 4})
}

func openWith(t *testing.T, cfg index_postgres.Config) *index_postgres.Store {
	t.Helper()
	s, err := index_postgres.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestPostgreSQLPassesTheSuite(t *testing.T) {
	// A server without the extension looks like one on which it may not be made.
	for name, statements := range map[string][]string{
		"with pgvector":    nil,
		"without pgvector": {"CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no extensions'; END $$", "CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION') EXECUTE FUNCTION refuse()"},
	} {
		t.Run(name, func(t *testing.T) {
			indextest.Run(t, func(t *testing.T) (index.Store, func() index.Store) {
				url := postgres.Database(t, statements...)
				return open(t, url), func() index.Store { return open(t, url) }
			})
		})
	}
	t.Run("vectors in memory", func(t *testing.T) {
		indextest.Run(t, func(t *testing.T) (index.Store, func() index.Store) {
			cfg := index_postgres.Config{URL: postgres.Database(t), Connections: 4, VectorCache: 1 << 20}
			return openWith(t, cfg), func() index.Store { return openWith(t, cfg) }
		})
	})
}

func TestDatabaseOfALaterVersionIsRefused(t *testing.T) {
	url := postgres.Database(t)
	require.NoError(t, open(t, url).Ping(context.Background()))
	later := postgres.Database(t, "CREATE TABLE orak_schema (version integer NOT NULL)", "INSERT INTO orak_schema VALUES (99)")
	require.ErrorIs(t, open(t, later).Ping(context.Background()), index.ErrNewerSchema)
}

func TestDatabaseOfVersion1IsBroughtUpToDate(t *testing.T) {
	v1, err := os.ReadFile("testdata/schema-1.sql")
	require.NoError(t, err)
	url := postgres.Database(t, string(v1))
	s := openWith(t, index_postgres.Config{URL: url, Connections: 4, VectorCache: 1 << 20})
	require.Equal(t, 0, closest(t, s, tenant, []float32{1, 0}))
	apply(t, s, 0, indextest.Completed(tenant, 1, 1, 1))
	require.Equal(t, 1, closest(t, s, tenant, []float32{1, 1}))

	// A process of version 1 that still runs writes without the new column.
	_, err = connect(t, url).Exec(t.Context(), "UPDATE uploads SET embedding = '{0, 1}' WHERE id = $1", string(indextest.ID(0)))
	require.NoError(t, err)
	require.Equal(t, 0, closest(t, s, tenant, []float32{0, 1}))
	var version int
	require.NoError(t, connect(t, url).QueryRow(t.Context(), "SELECT max(version) FROM orak_schema").Scan(&version))
	require.Equal(t, 4, version)
}

func TestMissingDatabaseIsMade(t *testing.T) {
	url := postgres.Database(t) + `_"made"`
	t.Cleanup(func() { postgres.Drop(t, url) })
	require.NoError(t, open(t, url).Ping(context.Background()))
}

// The password of the URL is in no error.
func TestDatabaseThatIsAwayIsAnErrorWithoutThePassword(t *testing.T) {
	s := open(t, "postgres://orak:geheim@127.0.0.1:1/orak_index")
	err := s.Ping(context.Background())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "geheim")
	_, err = index_postgres.Open(index_postgres.Config{URL: "postgres://orak:geheim@%zz", Connections: 1})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "geheim")
}
