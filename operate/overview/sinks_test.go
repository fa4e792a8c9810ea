package overview

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/internal/app/lakestore"
	"orak/internal/objectstore"
	"orak/sinks/index/sqlite"
	"orak/sinks/lake"
	"orak/test/stack"
)

func TestSinksShowTheLastFileOfEachTable(t *testing.T) {
	t.Parallel()
	servers := stack.Start(t)
	store, err := objectstore.New(objectstore.Config{
		Endpoint: servers.S3, AccessKey: servers.S3AccessKey, SecretKey: servers.S3SecretKey, Bucket: servers.Bucket(t),
	}, objectstore.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	t.Cleanup(store.Close)
	database, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), VectorCache: 1 << 20})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, database.Close()) })
	put := func(key string) string {
		_, err := store.Put(t.Context(), key, bytes.NewReader([]byte("rows")), objectstore.PutOptions{Size: 4})
		require.NoError(t, err)
		return key
	}
	put(lake.Folder(lake.Lifecycle, time.Now()) + "a.parquet")
	last := put(lake.Folder(lake.Lifecycle, time.Now()) + "0.parquet")
	yesterday := put(lake.Folder(lake.Analyses, time.Now().Add(-24*time.Hour)) + "b.parquet")

	w := newWorld(t, func(d *Deps) { d.Lake, d.Index = lakestore.New(store), database })
	found, err := w.Sinks(t.Context())
	require.NoError(t, err)
	require.Empty(t, found.Unavailable)
	require.Len(t, found.Sinks, 3)
	require.True(t, *found.Sinks[0].Reachable)
	written := found.Sinks[1].Written
	require.Len(t, written, 2)
	require.Equal(t, 2, written[0].Files)
	require.Contains(t, []string{last, lake.Folder(lake.Lifecycle, time.Now()) + "a.parquet"}, written[0].Object, "stores keep seconds")
	require.EqualValues(t, 4, written[0].Size)
	require.Zero(t, written[1].Files)
	require.Equal(t, yesterday, written[1].Object)
	require.Equal(t, "orak-lake", found.Sinks[1].Lag.Group)
	require.Nil(t, found.Sinks[2].Lag, "the group of the webhooks is not watched here")
}
