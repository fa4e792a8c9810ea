package indextest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"golang.org/x/text/unicode/norm"

	"orak"
	"orak/sinks/index"
	"orak/songs"
)

func testListFilters(s suite) {
	for n := range 30 {
		u := Completed(tenant, n, 1)
		switch {
		case n == 0:
			u = Queued(tenant, n)
		case n == 1:
			u = DeadLettered(tenant, n, 0)
		case n == 2:
			u.Kind = orak.KindSong
		}
		s.apply(int64(n), u)
	}
	s.apply(30, Completed("other", 40, 1))
	song, voice := orak.KindSong, orak.KindVoice
	for name, c := range map[string]struct {
		query index.Query
		want  []int
	}{
		"owner":     {index.Query{Owner: "user-3"}, []int{24, 17, 10, 3}},
		"kind":      {index.Query{Kind: &song}, []int{2}},
		"status":    {index.Query{Statuses: []orak.Status{orak.StatusQueued}}, []int{0}},
		"statuses":  {index.Query{Statuses: []orak.Status{orak.StatusQueued, orak.StatusDeadLettered}}, []int{1, 0}},
		"time":      {index.Query{From: Recording(tenant, 5).ReceivedAt, To: Recording(tenant, 7).ReceivedAt}, []int{6, 5}},
		"key":       {index.Query{Tonic: "F", Mode: "minor"}, []int{29, 17, 5}},
		"mode":      {index.Query{Mode: "major"}, []int{}},
		"tempo":     {index.Query{Tempo: index.Range{Min: 87, Max: 88}}, []int{28, 27}},
		"duration":  {index.Query{Duration: index.Range{Max: 13}}, []int{3, 2}},
		"sings":     {index.Query{Sings: index.Range{Min: 115, Max: 467.5}}, []int{29, 28}},
		"sings low": {index.Query{Sings: index.Range{Min: 100}}, []int{}},
		"text":      {index.Query{Text: "take 1"}, []int{19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 1}},
		"together":  {index.Query{Owner: "user-3", Kind: &voice, Text: "4.OGG", Statuses: []orak.Status{orak.StatusCompleted}}, []int{24}},
	} {
		require.Equal(s, c.want, s.numbers(c.query), name)
		c.query.Limit = 1
		require.Equal(s, c.want, s.numbers(c.query), "%s, one by one", name)
	}
}

func testSomeAreOfTheTenantAndNotErased(s suite) {
	s.apply(0, Completed(tenant, 1, 0.6, 0.8), Queued(tenant, 2), Completed("other", 3, 1), Erased(tenant, 4), Completed(tenant, 5, 1))
	some, err := s.store.Some(s.Context(), tenant, []orak.UploadID{ID(1), ID(2), ID(3), ID(4), ID(9)})
	require.NoError(s, err)
	require.ElementsMatch(s, []index.Upload{s.get(1), s.get(2)}, some)

	none, err := s.store.Some(s.Context(), tenant, nil)
	require.NoError(s, err)
	require.Empty(s, none)
	_, err = s.store.Some(s.Context(), tenant, make([]orak.UploadID, index.MaxSome+1))
	require.Error(s, err)
}

func testListTakesTextLiterally(s suite) {
	names := []string{`100%_sure.wav`, `it's "mine".wav`, `노래 한곡.m4a`, `a\b?.wav`}
	for n, name := range names {
		u := Recording(tenant, n)
		u.Filename, u.Owner = name, name
		row := index.Queued(u)
		row.Filename = name
		s.apply(int64(n), row)
	}
	for n, text := range []string{"%_", `'s "M`, "한곡", `\b?`} {
		require.Equal(s, []int{n}, s.numbers(index.Query{Text: text}), text)
		require.Equal(s, []int{n}, s.numbers(index.Query{Owner: names[n]}), names[n])
	}
	require.Empty(s, s.numbers(index.Query{Text: "' OR 1=1 --"}))
}

// Case is more than ASCII has, and macOS decomposes the names of files.
func testListFindsTextInEveryForm(s suite) {
	decomposed := norm.NFD.String("노래 Café.m4a")
	require.NotContains(s, decomposed, "노래")
	for n, name := range []string{decomposed, "노래 CAFÉ.m4a", "ΟΔΟΣ.m4a", "STRASSE.m4a"} {
		u := Recording(tenant, n)
		u.Filename = name
		s.apply(int64(n), index.Queued(u))
	}
	for text, want := range map[string][]int{
		"노래": {1, 0}, norm.NFD.String("노래"): {1, 0}, "café": {1, 0}, norm.NFD.String("CAFÉ"): {1, 0}, "οδος": {2}, "straße": {3},
	} {
		require.Equal(s, want, s.numbers(index.Query{Text: text}), "%+q", text)
	}
}

// An upload that is there all the time is seen once, in order, whatever is written.
func testPagesHoldUnderWrites(s suite) {
	const before = 300
	for n := range before {
		s.apply(int64(n), Queued(tenant, 2*n))
	}
	stop := make(chan struct{})
	var writer sync.WaitGroup
	var failed error
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			// A new one in between, and a change of an old one.
			b := BatchOf(int64(before+2*i), Queued(tenant, 2*(i%before)+1), Completed(tenant, 2*(i%before), 1))
			if _, _, failed = s.store.Apply(s.Context(), b); failed != nil {
				return
			}
		}
	})
	for range 3 {
		seen := make(map[int]int)
		last := math.MaxInt
		for _, n := range s.numbers(index.Query{Limit: 7}) {
			require.Less(s, n, last)
			last = n
			seen[n]++
		}
		for n := range before {
			require.Equal(s, 1, seen[2*n])
		}
	}
	close(stop)
	writer.Wait()
	require.NoError(s, failed)
}

func testHostileQueriesAreRefused(s suite) {
	bad := index.Range{Min: math.NaN()}
	for name, q := range map[string]index.Query{
		"no tenant":    {Tenant: ""},
		"tenant":       {Tenant: "A/../B"},
		"cursor":       {Cursor: "../../etc"},
		"short cursor": {Cursor: "AAAA"},
		"long cursor":  {Cursor: fmt.Sprintf("%0200d", 0)},
		"limit":        {Limit: index.MaxLimit + 1},
		"negative":     {Limit: -1},
		"status":       {Statuses: []orak.Status{"erased"}},
		"key":          {Tonic: "H"},
		"mode":         {Mode: "dorian"},
		"tempo":        {Tempo: bad},
		"range":        {Sings: index.Range{Min: 2, Max: 1}},
		"duration":     {Duration: index.Range{Max: math.Inf(1)}},
		"text":         {Text: "a\x00b"},
		"owner":        {Owner: "\xff"},
		"time":         {From: start.Add(1), To: start},
	} {
		if name != "no tenant" && name != "tenant" {
			q.Tenant = tenant
		}
		_, err := s.store.List(s.Context(), q)
		require.ErrorIs(s, err, index.ErrInvalidQuery, name)
	}
	for _, search := range []index.Search{
		{Tenant: tenant, ID: ID(1), K: 0},
		{Tenant: tenant, ID: ID(1), K: index.MaxNeighbors + 1},
		{Tenant: tenant, ID: "x", K: 1},
		{Tenant: tenant, K: 1},
		{Tenant: tenant, K: 1, Embedding: orak.Embedding{Values: []float32{0, 0}}},
		{Tenant: tenant, K: 1, Embedding: orak.Embedding{Values: []float32{float32(math.NaN())}}},
	} {
		_, err := s.store.Similar(s.Context(), search)
		require.ErrorIs(s, err, index.ErrInvalidQuery)
	}
}

// cosine is the reference that a search is compared with.
func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}

// requireNearest requires that found are the k vectors nearest to query: every other
// is as far or farther.
func (s suite) requireNearest(query []float32, vectors map[orak.UploadID][]float32, k int, found []index.Neighbor) {
	s.Helper()
	const float = 1e-5 // single precision
	require.Len(s, found, min(k, len(vectors)))
	var all []float64
	for _, v := range vectors {
		all = append(all, cosine(query, v))
	}
	slices.SortFunc(all, func(a, b float64) int { return -1 * compare(a, b) })
	for i, n := range found {
		v, ok := vectors[n.Upload.ID]
		require.True(s, ok, "of the set")
		require.InDelta(s, cosine(query, v), n.Similarity, float)
		require.InDelta(s, all[i], n.Similarity, float)
		delete(vectors, n.Upload.ID)
	}
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

func testSimilarIsExact(s suite) {
	random := rand.New(rand.NewPCG(5, 6))
	vectors := make(map[orak.UploadID][]float32)
	var rows []index.Upload
	for n := range 1000 {
		v := Vector(random, 64)
		vectors[ID(n)] = v
		rows = append(rows, Completed(tenant, n, v...))
	}
	s.apply(0, rows...)
	for range 5 {
		n := random.IntN(len(rows))
		others := clone(vectors)
		delete(others, ID(n))
		found, err := s.store.Similar(s.Context(), index.Search{Tenant: tenant, ID: ID(n), K: 10})
		require.NoError(s, err)
		s.requireNearest(vectors[ID(n)], others, 10, found)

		query := Vector(random, 64)
		found, err = s.store.Similar(s.Context(), index.Search{Tenant: tenant, K: 100, Embedding: orak.Embedding{Name: "mfcc", Version: "1", Values: query}})
		require.NoError(s, err)
		s.requireNearest(query, clone(vectors), 100, found)
	}
}

func clone(vectors map[orak.UploadID][]float32) map[orak.UploadID][]float32 {
	copied := make(map[orak.UploadID][]float32, len(vectors))
	for id, v := range vectors {
		copied[id] = v
	}
	return copied
}

// An approximate index that filters afterwards would find few of them, or none.
func testSimilarOfASmallTenantIsComplete(s suite) {
	random := rand.New(rand.NewPCG(7, 8))
	vectors := make(map[orak.UploadID][]float32)
	var rows []index.Upload
	for n := range 2500 {
		v := Vector(random, 16)
		owner := orak.Tenant("large")
		if n%50 == 0 {
			owner = tenant
			v[0] = -10 // far from the others
			vectors[ID(n)] = v
		}
		rows = append(rows, Completed(owner, n, v...))
	}
	s.apply(0, rows...)
	query := make([]float32, 16)
	query[0] = 1
	found, err := s.store.Similar(s.Context(), index.Search{Tenant: tenant, K: 50, Embedding: orak.Embedding{Name: "mfcc", Version: "1", Values: query}})
	require.NoError(s, err)
	s.requireNearest(query, vectors, 50, found)
}

func (s suite) similar(n, k int) (ids []int) {
	s.Helper()
	found, err := s.store.Similar(s.Context(), index.Search{Tenant: tenant, ID: ID(n), K: k})
	require.NoError(s, err)
	ids = []int{}
	for _, f := range found {
		ids = append(ids, int(f.Upload.Size-1000))
	}
	return ids
}

func testSimilarFollowsWrites(s suite) {
	s.apply(0, Completed(tenant, 0, 1, 0), Completed(tenant, 1, 1, 1))
	require.Equal(s, []int{1}, s.similar(0, 3))
	s.apply(2, Completed(tenant, 2, 2, 1))
	require.Equal(s, []int{2, 1}, s.similar(0, 3))
	_, _, err := s.again().Apply(s.Context(), BatchOf(3, Completed(tenant, 3, 3, 1), Erased(tenant, 1)))
	require.NoError(s, err)
	require.Equal(s, []int{3, 2}, s.similar(0, 3), "another process wrote")
	changed := Completed(tenant, 2, 0, 1)
	changed.Cycle = 1
	s.apply(5, changed, Erased(tenant, 3))
	require.Equal(s, []int{2}, s.similar(0, 3))
	require.NoError(s, s.store.Restore(s.Context(), []index.Upload{Completed(tenant, 4, 5, 1)}, ""))
	require.Equal(s, []int{4, 2}, s.similar(0, 3))
}

func testSimilarComparesOnlyItsKind(s suite) {
	version, name, song := Completed(tenant, 2, 1, 0), Completed(tenant, 3, 1, 0), Completed(tenant, 4, 1, 0)
	version.Voice.Embedding.Version, name.Voice.Embedding.Name, song.Kind = "2", "other", orak.KindSong
	s.apply(0, Completed(tenant, 0, 1, 0), Completed(tenant, 1, 1, 1), version, name, song,
		Completed(tenant, 5), Queued(tenant, 6), Completed("other", 7, 1, 0), Completed(tenant, 8, 1, 0, 0))
	require.Equal(s, []int{1}, s.similar(0, 10), "another version, name, kind, tenant or dimension, and silence")
	require.Empty(s, s.similar(2, 10))
	for _, n := range []int{5, 6} {
		_, err := s.store.Similar(s.Context(), index.Search{Tenant: tenant, ID: ID(n), K: 1})
		require.ErrorIs(s, err, index.ErrNoVector)
	}
	_, err := s.store.Similar(s.Context(), index.Search{Tenant: tenant, ID: ID(99), K: 1})
	require.ErrorIs(s, err, index.ErrNotFound)
}

func song(n int) songs.Song {
	return songs.Song{
		ID: songs.ID(fmt.Sprintf("song-%03d", n)), Tenant: tenant, Title: fmt.Sprintf("노래 %d", n), Artist: "O'Brien",
		LowNote: 48, HighNote: 60 + n%12, Key: orak.Key{Tonic: "C#", Mode: "minor", Confidence: 1}, TempoBPM: 92.5,
	}
}

// Two files may have the same songs in other orders.
func testImportsAtTheSameTimeBothSucceed(s suite) {
	list := make([]songs.Song, 500)
	for n := range list {
		list[n] = song(n)
	}
	backwards := slices.Clone(list)
	slices.Reverse(backwards)
	for range 5 {
		var imports errgroup.Group
		imports.Go(func() error { return s.store.PutSongs(s.Context(), tenant, list) })
		imports.Go(func() error { return s.store.PutSongs(s.Context(), tenant, backwards) })
		require.NoError(s, imports.Wait())
	}
}

func testSongsAreStoredTogether(s suite) {
	list := []songs.Song{song(0), song(1), song(2)}
	list[1].ReferenceUpload, list[1].LowNote, list[1].HighNote = ID(7), 0, 0
	require.NoError(s, s.store.PutSongs(s.Context(), tenant, list))
	got, err := s.store.Songs(s.Context(), tenant, "", 10)
	require.NoError(s, err)
	require.Equal(s, list, got)
	got, err = s.store.Songs(s.Context(), tenant, list[0].ID, 1)
	require.NoError(s, err)
	require.Equal(s, list[1:2], got)

	replaced, bad := song(0), song(9)
	replaced.Title, bad.Title = "New", ""
	require.Error(s, s.store.PutSongs(s.Context(), tenant, []songs.Song{replaced, bad}))
	got, err = s.store.Songs(s.Context(), tenant, "", 10)
	require.NoError(s, err)
	require.Equal(s, list, got, "none of them")
	require.NoError(s, s.store.PutSongs(s.Context(), tenant, []songs.Song{replaced}))
	require.Error(s, s.store.PutSongs(s.Context(), tenant, make([]songs.Song, index.MaxSongs+1)))

	require.ErrorIs(s, s.store.RemoveSong(s.Context(), "other", list[2].ID), index.ErrNotFound)
	require.NoError(s, s.store.RemoveSong(s.Context(), tenant, list[2].ID))
	require.ErrorIs(s, s.store.RemoveSong(s.Context(), tenant, list[2].ID), index.ErrNotFound)
	got, err = s.store.Songs(s.Context(), tenant, "", 10)
	require.NoError(s, err)
	require.Equal(s, []songs.Song{replaced, list[1]}, got)
	got, err = s.store.Songs(s.Context(), "other", "", 10)
	require.NoError(s, err)
	require.Empty(s, got)
}
