package postgres_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/sinks/index"
	"orak/sinks/index/indextest"
	"orak/sinks/index/nearest"
	index_postgres "orak/sinks/index/postgres"
	"orak/test/postgres"
)

const tenant orak.Tenant = "acme"

// connect opens a connection of a test's own.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.Background())) })
	return conn
}

func apply(t *testing.T, s index.Store, first int64, rows ...index.Upload) {
	t.Helper()
	_, _, err := s.Apply(t.Context(), indextest.BatchOf(first, rows...))
	require.NoError(t, err)
}

// direction returns the vector of a sample. Those of some hundred lie well apart.
func direction(n int) []float32 {
	const golden = math.Pi * (3 - 2.2360679775)
	y, x := math.Sincos(float64(n) * golden)
	return []float32{float32(x), float32(y)}
}

func opposite(n int) []float32 {
	v := direction(n)
	return []float32{-v[0], -v[1]}
}

// completed returns samples from first until before end.
func completed(tenant orak.Tenant, first, end int) (rows []index.Upload) {
	for n := first; n < end; n++ {
		rows = append(rows, indextest.Completed(tenant, n, direction(n)...))
	}
	return rows
}

// closest returns the sample nearest to a vector; -1 if there is none.
func closest(t *testing.T, s index.Store, tenant orak.Tenant, to []float32) int {
	t.Helper()
	found, err := s.Similar(t.Context(), index.Search{Tenant: tenant, K: 1, Embedding: orak.Embedding{Name: "mfcc", Version: "1", Values: to}})
	require.NoError(t, err)
	if len(found) == 0 {
		return -1
	}
	return int(found[0].Upload.Size - 1000)
}

// searched opens an index with samples 0 to 99 and searches it, so that the set is in
// memory.
func searched(t *testing.T, cfg index_postgres.Config) (*index_postgres.Store, string, prometheus.Gatherer) {
	t.Helper()
	registry := prometheus.NewRegistry()
	cfg.URL, cfg.Connections, cfg.Metrics = postgres.Database(t), 4, registry
	s := openWith(t, cfg)
	apply(t, s, 0, completed(tenant, 0, 100)...)
	require.Equal(t, 0, closest(t, s, tenant, direction(0)))
	return s, cfg.URL, registry
}

func inMemory(t *testing.T, registry prometheus.Gatherer, sets ...int) {
	t.Helper()
	var want int64
	for _, n := range sets {
		want += nearest.Bytes(n, 2)
	}
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(fmt.Sprintf("# HELP orak_index_vector_cache_bytes Memory of the vectors that are kept for searches.\n# TYPE orak_index_vector_cache_bytes gauge\norak_index_vector_cache_bytes %d\n", want)), "orak_index_vector_cache_bytes"))
}

func TestSearchSeesATransactionThatBeganBeforeTheLastOneAndCommittedAfter(t *testing.T) {
	s, url, registry := searched(t, index_postgres.Config{VectorCache: 1 << 20})
	tx, err := connect(t, url).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "UPDATE uploads SET embedding = $2 WHERE id = $1", string(indextest.ID(50)), direction(500))
	require.NoError(t, err)

	// A later transaction commits first, and is searched.
	apply(t, s, 100, completed(tenant, 100, 101)...)
	require.Equal(t, 100, closest(t, s, tenant, direction(100)))
	require.Equal(t, 50, closest(t, s, tenant, direction(50)), "not committed")
	require.NoError(t, tx.Commit(t.Context()))
	require.Equal(t, 50, closest(t, s, tenant, direction(500)))
	require.NotEqual(t, 50, closest(t, s, tenant, direction(50)))
	inMemory(t, registry, 101)
}

func TestErasedUploadIsGoneFromTheNextSearchOfEveryProcess(t *testing.T) {
	s, url, registry := searched(t, index_postgres.Config{VectorCache: 1 << 20})
	other := openWith(t, index_postgres.Config{URL: url, Connections: 4})
	apply(t, other, 100, indextest.Erased(tenant, 0))
	require.NotEqual(t, 0, closest(t, s, tenant, direction(0)))
	inMemory(t, registry, 99)
}

func TestUploadLeavesItsSetWithItsKind(t *testing.T) {
	s, url, registry := searched(t, index_postgres.Config{VectorCache: 1 << 20})
	_, err := connect(t, url).Exec(t.Context(), "UPDATE uploads SET kind = 'song' WHERE id = $1", string(indextest.ID(0)))
	require.NoError(t, err)
	require.NotEqual(t, 0, closest(t, s, tenant, direction(0)))
	inMemory(t, registry, 99)
}

func TestSetsThatWereSearchedLongestAgoMakeRoom(t *testing.T) {
	s, _, registry := searched(t, index_postgres.Config{VectorCache: nearest.Bytes(210, 2)})
	apply(t, s, 100, completed("b", 1000, 1100)...)
	apply(t, s, 200, completed("c", 2000, 2050)...)
	apply(t, s, 250, completed("large", 3000, 3211)...)
	require.Equal(t, 1000, closest(t, s, "b", direction(1000)))
	inMemory(t, registry, 100, 100)
	require.Equal(t, 1, closest(t, s, tenant, direction(1)))
	require.Equal(t, 2000, closest(t, s, "c", direction(2000)))
	inMemory(t, registry, 100, 50) // without b
	require.Equal(t, 3000, closest(t, s, "large", direction(3000)), "compared without the cache")
	inMemory(t, registry, 100, 50)
	require.Equal(t, -1, closest(t, s, "nobody", direction(0)))
	inMemory(t, registry, 100, 50)

	// A set that grows makes room for itself, or goes.
	apply(t, s, 461, completed("c", 2050, 2150)...)
	require.Equal(t, 2149, closest(t, s, "c", direction(2149)))
	inMemory(t, registry, 150)
	apply(t, s, 561, completed("c", 2150, 2250)...)
	require.Equal(t, 2249, closest(t, s, "c", direction(2249)))
	inMemory(t, registry)
}

// More changed than is worth following, and in another order than it was read.
func TestSetThatChangedMostlyIsReadAnew(t *testing.T) {
	s, url, registry := searched(t, index_postgres.Config{VectorCache: 1 << 20})
	conn := connect(t, url)
	for _, part := range []string{"id < $1", "id >= $1"} {
		_, err := conn.Exec(t.Context(), "UPDATE uploads SET embedding = ARRAY[-embedding[1], -embedding[2]] WHERE "+part, string(indextest.ID(10)))
		require.NoError(t, err)
		require.Equal(t, 5, closest(t, s, tenant, opposite(5)))
	}
	for n := range 100 {
		require.Equal(t, n, closest(t, s, tenant, opposite(n)))
	}
	inMemory(t, registry, 100)
}

// Writers of other processes, and searches beside them: each search has every vector
// that was committed before it.
func TestSearchesBesideWritersMissNothing(t *testing.T) {
	s, url, _ := searched(t, index_postgres.Config{VectorCache: 1 << 20})
	const writers, each = 4, 40
	var group sync.WaitGroup
	for w := range writers {
		writer := open(t, url)
		group.Go(func() {
			for i := range each {
				n := 1000 + w*each + i
				b := indextest.BatchOf(int64(n), completed(tenant, n, n+1)...)
				b.Partition = int32(w)
				if _, _, err := writer.Apply(t.Context(), b); err != nil {
					t.Error(err)
					return
				}
				found, err := s.Similar(t.Context(), index.Search{Tenant: tenant, K: 1, Embedding: orak.Embedding{Name: "mfcc", Version: "1", Values: direction(n)}})
				if err != nil {
					t.Error(err)
					return
				}
				if len(found) != 1 || found[0].Upload.ID != indextest.ID(n) {
					t.Errorf("sample %d was committed and is not found", n)
				}
			}
		})
	}
	group.Wait()
}
