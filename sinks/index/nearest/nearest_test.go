package nearest_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/sinks/index/nearest"
)

func id(n int) orak.UploadID { return orak.UploadID(fmt.Sprintf("01930000-0000-7000-8000-%012x", n)) }

func vector(random *rand.Rand, dimensions int) []float32 {
	values := make([]float32, dimensions)
	for i := range values {
		values[i] = float32(random.NormFloat64())
	}
	return values
}

func TestMatrixFindsWhatTopFindsAfterChanges(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, dimensions := range []int{1, 7, 8, 13, 64} {
		m, vectors := nearest.NewMatrix(dimensions), map[orak.UploadID][]float32{}
		for range 600 {
			n := id(random.IntN(150))
			if random.IntN(4) == 0 {
				m.Remove(n)
				delete(vectors, n)
				continue
			}
			vectors[n] = vector(random, dimensions)
			m.Put(n, vectors[n])
		}
		m.Put(id(1000), vector(random, dimensions+1))
		m.Put(id(1001), make([]float32, dimensions))
		require.Equal(t, len(vectors), m.Len())
		query, skip := vector(random, dimensions), id(3)
		top := nearest.NewTop(query, 10, skip)
		for n, v := range vectors {
			top.Offer(n, v)
		}
		want, got := top.Hits(), m.Search(query, 10, skip)
		require.Len(t, got, 10)
		for i := range want {
			require.InDelta(t, want[i].Similarity, got[i].Similarity, 1e-5)
			require.NotEqual(t, skip, got[i].ID)
		}
	}
}

func TestEquallyNearVectorsComeInTheOrderOfTheirIDs(t *testing.T) {
	t.Parallel()
	m := nearest.NewMatrix(2)
	for _, n := range []int{5, 1, 4, 2, 3} {
		m.Put(id(n), []float32{float32(n), 0}) // one direction
	}
	require.Equal(t, []nearest.Hit{{ID: id(1), Similarity: 1}, {ID: id(2), Similarity: 1}}, m.Search([]float32{2, 0}, 2, ""))
	require.Empty(t, m.Search([]float32{1, 0, 0}, 2, ""))
}

func BenchmarkSearch(b *testing.B) {
	const n, dimensions = 100_000, 64
	random, m := rand.New(rand.NewPCG(1, 2)), nearest.NewMatrix(dimensions)
	for i := range n {
		m.Put(id(i), vector(random, dimensions))
	}
	query := vector(random, dimensions)
	for b.Loop() {
		m.Search(query, 10, "")
	}
}
