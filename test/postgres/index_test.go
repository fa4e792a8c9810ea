package postgres_test

import (
	"context"
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
	s, err := index_postgres.Open(index_postgres.Config{URL: url, Connections: 4})
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
}

func TestDatabaseOfALaterVersionIsRefused(t *testing.T) {
	url := postgres.Database(t)
	require.NoError(t, open(t, url).Ping(context.Background()))
	later := postgres.Database(t, "CREATE TABLE orak_schema (version integer NOT NULL)", "INSERT INTO orak_schema VALUES (99)")
	require.ErrorIs(t, open(t, later).Ping(context.Background()), index.ErrNewerSchema)
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
