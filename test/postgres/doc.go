// Package postgres tests the index on a real PostgreSQL with pgvector, which
// `go tool task test:index` runs.
package postgres

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Env names the server, as a URL of a user who may make databases.
const Env = "ORAK_TEST_POSTGRES"

var databases atomic.Int64

// Database makes an empty database for a test and returns its URL. statements run in
// it first.
func Database(t testing.TB, statements ...string) string {
	t.Helper()
	server := os.Getenv(Env)
	require.NotEmpty(t, server, "%s: go tool task test:index sets it", Env)
	name := fmt.Sprintf("orak_%d_%d", os.Getpid(), databases.Add(1))
	run(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { drop(t, server, name) })
	at, err := url.Parse(server)
	require.NoError(t, err)
	at.Path = "/" + name
	if len(statements) > 0 {
		run(t, at.String(), strings.Join(statements, ";"))
	}
	return at.String()
}

// Drop removes the database of a URL.
func Drop(t testing.TB, database string) {
	t.Helper()
	at, err := url.Parse(database)
	require.NoError(t, err)
	drop(t, os.Getenv(Env), strings.TrimPrefix(at.Path, "/"))
}

func drop(t testing.TB, server, name string) {
	t.Helper()
	run(t, server, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
}

func run(t testing.TB, server, statements string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server)
	require.NoError(t, err)
	_, err = conn.Exec(ctx, statements)
	require.NoError(t, err)
	require.NoError(t, conn.Close(ctx))
}
