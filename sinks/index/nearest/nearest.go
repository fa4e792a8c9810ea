// Package nearest finds the vectors nearest to one by the cosine of the angle between
// them, exactly: it compares all of them.
package nearest

import (
	"cmp"
	"math"
	"slices"

	"github.com/viterin/vek/vek32"

	"orak"
)

// Hit is a vector that was found.
type Hit struct {
	ID orak.UploadID
	// Similarity is the cosine, -1 to 1.
	Similarity float64
}

// Top keeps the k nearest of those offered.
type Top struct {
	query []float32
	skip  orak.UploadID
	k     int
	// hits is a heap whose first is the worst.
	hits []Hit
}

// NewTop makes a Top of the k vectors nearest to query, which is not all zeros. skip
// is never among them.
func NewTop(query []float32, k int, skip orak.UploadID) *Top {
	return &Top{query: Unit(query), skip: skip, k: k, hits: make([]Hit, 0, k)}
}

// Offer takes a vector of any length but zero. One of other dimensions cannot be
// compared and is not taken.
func (t *Top) Offer(id orak.UploadID, values []float32) {
	if len(values) != len(t.query) {
		return
	}
	if n := norm(values); n > 0 {
		t.add(Hit{ID: id, Similarity: float64(vek32.Dot(t.query, values)) / n})
	}
}

func (t *Top) add(h Hit) {
	if h.ID == t.skip {
		return
	}
	if len(t.hits) < t.k {
		t.hits = append(t.hits, h)
		t.up(len(t.hits) - 1)
		return
	}
	if better(h, t.hits[0]) {
		t.hits[0] = h
		t.down()
	}
}

// better orders hits: the smaller id first where both are equally near.
func better(a, b Hit) bool {
	if a.Similarity != b.Similarity {
		return a.Similarity > b.Similarity
	}
	return a.ID < b.ID
}

func (t *Top) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !better(t.hits[parent], t.hits[i]) {
			return
		}
		t.hits[parent], t.hits[i] = t.hits[i], t.hits[parent]
		i = parent
	}
}

func (t *Top) down() {
	for i := 0; ; {
		worst := i
		for _, child := range [...]int{2*i + 1, 2*i + 2} {
			if child < len(t.hits) && better(t.hits[worst], t.hits[child]) {
				worst = child
			}
		}
		if worst == i {
			return
		}
		t.hits[worst], t.hits[i] = t.hits[i], t.hits[worst]
		i = worst
	}
}

// Hits returns what was found, the nearest first.
func (t *Top) Hits() []Hit {
	sorted := slices.Clone(t.hits)
	for i, h := range sorted {
		sorted[i].Similarity = min(1, max(-1, h.Similarity))
	}
	slices.SortFunc(sorted, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Similarity, a.Similarity), cmp.Compare(a.ID, b.ID))
	})
	return sorted
}

// Unit returns values with length 1.
func Unit(values []float32) []float32 {
	n := norm(values)
	unit := make([]float32, len(values))
	for i, v := range values {
		unit[i] = float32(float64(v) / n)
	}
	return unit
}

func norm(values []float32) float64 {
	var sum float64
	for _, v := range values {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
