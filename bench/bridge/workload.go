package main

import (
	"math/rand/v2"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"
)

// workload is a sequence of events: the number of the upload that each is of.
type workload []int

// uniform announces n uploads once each.
func uniform(n int) workload {
	w := make(workload, n)
	for i := range w {
		w[i] = i
	}
	return w
}

// zipf announces some uploads again and again and most once, as it is where
// callers repeat their requests and relays deliver twice: the key of an event
// is its upload, so what a key has more than once is the same upload. The
// first of a key is a start, the others are refused as duplicates. The same
// numbers come out every time.
func zipf(n int, skew float64) workload {
	random := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), skew, 1, uint64(n-1))
	w := make(workload, n)
	for i := range w {
		w[i] = int(random.Uint64())
	}
	return w
}

// unordered gives the event a key that no other has, which the bridge takes
// as leave to handle it whenever it likes.
func unordered(r *kgo.Record, at int) { r.Key = []byte("event-" + strconv.Itoa(at)) }
