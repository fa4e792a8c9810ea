package lag

import (
	"cmp"
	"container/heap"
	"slices"
)

// Sketch finds the most frequent keys of a stream in bounded memory: the
// space-saving algorithm of Metwally, Agrawal and El Abbadi, "Efficient
// Computation of Frequent and Top-k Elements in Data Streams" (ICDT 2005).
//
// With room for k keys, after n additions: a count is never too low, it is
// too high by at most its Error, which is at most n/k; and every key that came
// more than n/k times is there. It is not safe for concurrent use.
type Sketch struct {
	room  int
	added int64
	keys  map[string]*counter
	least leastFirst
}

// Count is how often a key came: at most Count times, and at least Count minus
// Error.
type Count struct {
	Key   string `json:"key"`
	Count int64  `json:"count"`
	Error int64  `json:"error"`
}

type counter struct {
	Count
	index int
}

// NewSketch has room for the counts of room keys, at least 1.
func NewSketch(room int) *Sketch {
	return &Sketch{room: max(room, 1), keys: make(map[string]*counter)}
}

// Add counts a key once more. A key for which there is no room takes the
// place, and the count, of the one that came least.
func (s *Sketch) Add(key []byte) {
	s.added++
	c, known := s.keys[string(key)]
	switch {
	case known:
		c.Count.Count++
		heap.Fix(&s.least, c.index)
	case len(s.keys) < s.room:
		c = &counter{Count: Count{Key: string(key), Count: 1}}
		s.keys[c.Key] = c
		heap.Push(&s.least, c)
	default:
		c = s.least[0]
		delete(s.keys, c.Key)
		c.Count = Count{Key: string(key), Count: c.Count.Count + 1, Error: c.Count.Count}
		s.keys[c.Key] = c
		heap.Fix(&s.least, 0)
	}
}

// Added is how many times Add was called.
func (s *Sketch) Added() int64 { return s.added }

// Top are at most n keys, the most frequent first; ties by their key.
func (s *Sketch) Top(n int) []Count {
	all := make([]Count, 0, len(s.least))
	for _, c := range s.least {
		all = append(all, c.Count)
	}
	slices.SortFunc(all, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Key, b.Key))
	})
	return all[:min(max(n, 0), len(all))]
}

// leastFirst is a heap of counters, the least frequent on top.
type leastFirst []*counter

var _ heap.Interface = (*leastFirst)(nil)

func (l leastFirst) Len() int           { return len(l) }
func (l leastFirst) Less(i, j int) bool { return l[i].Count.Count < l[j].Count.Count }
func (l leastFirst) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].index, l[j].index = i, j
}

// Push is heap.Interface's.
func (l *leastFirst) Push(x any) {
	c := x.(*counter)
	c.index = len(*l)
	*l = append(*l, c)
}

// Pop is heap.Interface's.
func (l *leastFirst) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}
