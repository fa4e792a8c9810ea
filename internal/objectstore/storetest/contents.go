package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orak/internal/objectstore"
)

// sizes returns sizes of bodies on and beside the bounds between one PUT and
// several parts.
func sizes() []int {
	const mib = 1 << 20
	return []int{0, 1, 100_000, mib - 1, mib, mib + 1, 3 * mib, 5 * mib, 5*mib + 1, 12 * mib}
}

func content(n int) []byte {
	b := make([]byte, n)
	x := uint32(n) + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func testRoundTrip(t *testing.T, s Store) {
	meta := map[string]string{"made-at": "2026-01-02T03:04:05.000000006Z", "note": "a b+c"}
	for _, n := range sizes() {
		for _, known := range []bool{true, false} {
			want, size := content(n), int64(-1)
			if known {
				size = int64(n)
			}
			key := fmt.Sprintf("round/%d-%t", n, known)
			// Hide the reader's type: minio-go treats some types specially.
			body := struct{ io.Reader }{bytes.NewReader(want)}
			info, err := s.Put(t.Context(), key, body, objectstore.PutOptions{Size: size, ContentType: "audio/wav", Metadata: meta})
			require.NoError(t, err, key)
			require.Equal(t, int64(n), info.Size, key)
			require.Equal(t, key, info.Key)

			require.True(t, bytes.Equal(want, get(t, s, key)), key)
			stat, err := s.Stat(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, int64(n), stat.Size, key)
			require.Equal(t, "audio/wav", stat.ContentType, key)
			require.Equal(t, meta, stat.Metadata, key)
			require.False(t, stat.ModifiedAt.IsZero(), key)
			require.NotEmpty(t, stat.ETag, key)
		}
	}
}

// testConnection checks that a put leaves nothing on its connection that the server
// would take for the next request.
func testConnection(t *testing.T, s Store) {
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			key := fmt.Sprintf("connection/%d", worker)
			for range 40 {
				for _, n := range []int{0, 100, 3 << 20} {
					_, err := s.Put(t.Context(), key, bytes.NewReader(content(n)), objectstore.PutOptions{Size: int64(n), IfAbsent: true})
					if !errors.Is(err, fs.ErrExist) {
						assert.NoError(t, err)
					}
					_, err = s.Stat(t.Context(), key)
					assert.NoError(t, err)
				}
			}
		})
	}
	wg.Wait()
}

func testReplace(t *testing.T, s Store) {
	put(t, s, "k", "first")
	put(t, s, "k", "second")
	require.Equal(t, "second", string(get(t, s, "k")))
}

func testIfAbsent(t *testing.T, s Store) {
	for _, n := range []int{10, 3 << 20, 12 << 20} {
		key := fmt.Sprintf("once/%d", n)
		opts := objectstore.PutOptions{Size: -1, IfAbsent: true}
		_, err := s.Put(t.Context(), key, bytes.NewReader(content(n)), opts)
		require.NoError(t, err, key)
		_, err = s.Put(t.Context(), key, bytes.NewReader(content(n+1)), opts)
		require.ErrorIs(t, err, fs.ErrExist, key)
		require.True(t, bytes.Equal(content(n), get(t, s, key)), key)
	}
}

func testIfAbsentRace(t *testing.T, s Store) {
	const writers = 8
	var (
		wg   sync.WaitGroup
		errs = make([]error, writers)
	)
	for i := range writers {
		wg.Go(func() {
			_, errs[i] = s.Put(t.Context(), "race", strings.NewReader(fmt.Sprint(i)), objectstore.PutOptions{Size: 1, IfAbsent: true})
		})
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		if err == nil {
			require.Equal(t, -1, winner, "two writers won")
			winner = i
			continue
		}
		require.ErrorIs(t, err, fs.ErrExist)
	}
	require.NotEqual(t, -1, winner)
	require.Equal(t, fmt.Sprint(winner), string(get(t, s, "race")))
}

func testAbsent(t *testing.T, s Store) {
	_, err := s.Stat(t.Context(), "no/such")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, _, err = s.Get(t.Context(), "no/such")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func testRange(t *testing.T, s Store) {
	put(t, s, "ten", "0123456789")
	for _, c := range []struct {
		offset, length int64
		want           string
	}{{0, 10, "0123456789"}, {3, 4, "3456"}, {8, 100, "89"}} {
		body, err := s.GetRange(t.Context(), "ten", c.offset, c.length)
		require.NoError(t, err)
		got, err := io.ReadAll(body)
		require.NoError(t, err)
		require.NoError(t, body.Close())
		require.Equal(t, c.want, string(got))
	}
	_, err := s.GetRange(t.Context(), "no/such", 0, 1)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func testDelete(t *testing.T, s Store) {
	put(t, s, "gone", "x")
	require.NoError(t, s.Delete(t.Context(), "gone"))
	require.NoError(t, s.Delete(t.Context(), "gone"))
	_, err := s.Stat(t.Context(), "gone")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// testPutBesideDelete empties a prefix repeatedly while others write there: a
// server that keeps objects as files removes the folder each time.
func testPutBesideDelete(t *testing.T, s Store) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 40 {
				key := fmt.Sprintf("busy/here/%d-%d", i, n)
				_, err := s.Put(t.Context(), key, strings.NewReader("x"), objectstore.PutOptions{Size: 1})
				if err == nil {
					err = s.Delete(t.Context(), key)
				}
				if err != nil {
					t.Errorf("%s: %v", key, err)
				}
			}
		})
	}
	wg.Wait()
	require.Empty(t, list(t, s, "busy/"))
}

func testList(t *testing.T, s Store) {
	for _, k := range []string{"pending/b/2.json", "pending/a/1.json", "uploads/a/1/original"} {
		put(t, s, k, "x")
	}
	require.Equal(t, []string{"pending/a/1.json", "pending/b/2.json"}, list(t, s, "pending/"))
	require.Empty(t, list(t, s, "nothing/"))
}

func testListPages(t *testing.T, s Store) {
	var (
		wg   sync.WaitGroup
		keys = make(chan string)
	)
	for range 8 {
		wg.Go(func() {
			for k := range keys {
				_, err := s.Put(t.Context(), k, strings.NewReader("x"), objectstore.PutOptions{Size: 1})
				if err != nil {
					t.Errorf("putting %s: %v", k, err)
				}
			}
		})
	}
	const n = 1010 // a page holds 1000
	for i := range n {
		keys <- fmt.Sprintf("many/%04d", i)
	}
	close(keys)
	wg.Wait()
	require.Len(t, list(t, s, "many/"), n)
	require.Len(t, listAfter(t, s, "many/", "many/0004"), n-5)
	require.Len(t, listAfter(t, s, "many/", "many/0004-never-was"), n-5)
	require.Empty(t, listAfter(t, s, "many/", "many/1009"))
}

func testBucket(t *testing.T, s Store) {
	require.NoError(t, s.EnsureBucket(t.Context()))
	require.NoError(t, s.EnsureBucket(t.Context()))
	require.NoError(t, s.Ping(t.Context()))
}

func put(t *testing.T, s Store, key, body string) {
	t.Helper()
	_, err := s.Put(t.Context(), key, strings.NewReader(body), objectstore.PutOptions{Size: int64(len(body))})
	require.NoError(t, err)
}

func get(t *testing.T, s Store, key string) []byte {
	t.Helper()
	r, info, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, int64(len(b)), info.Size)
	return b
}

func list(t *testing.T, s Store, prefix string) []string {
	t.Helper()
	return keys(t, s.List(t.Context(), prefix))
}

func listAfter(t *testing.T, s Store, prefix, after string) []string {
	t.Helper()
	return keys(t, s.ListAfter(t.Context(), prefix, after))
}

func keys(t *testing.T, listed iter.Seq2[objectstore.Info, error]) []string {
	t.Helper()
	var keys []string
	for info, err := range listed {
		require.NoError(t, err)
		keys = append(keys, info.Key)
	}
	return keys
}
