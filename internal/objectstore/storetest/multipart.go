package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/internal/objectstore"
)

func create(t *testing.T, s Store, key string) objectstore.Multipart {
	t.Helper()
	m, err := s.CreateMultipart(t.Context(), key, objectstore.PutOptions{ContentType: "audio/wav", Metadata: map[string]string{"note": "x"}})
	require.NoError(t, err)
	return m
}

func putPart(t *testing.T, s Store, m objectstore.Multipart, number int, content []byte) objectstore.Part {
	t.Helper()
	p, err := s.PutPart(t.Context(), m, number, content)
	require.NoError(t, err)
	return p
}

// testMultipart joins parts whose numbers have gaps, one of which was sent twice.
func testMultipart(t *testing.T, s Store) {
	const key = "multi/whole"
	m := create(t, s, key)
	first, last := content(objectstore.MinPartSize), content(1000)
	putPart(t, s, m, 2, content(objectstore.MinPartSize+1))
	parts := []objectstore.Part{putPart(t, s, m, 2, first), putPart(t, s, m, 7, last)}

	listed, err := s.ListParts(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, parts, listed)
	_, err = s.Stat(t.Context(), key)
	require.ErrorIs(t, err, fs.ErrNotExist, "an unfinished upload is invisible")

	info, err := s.CompleteMultipart(t.Context(), m, parts, true)
	require.NoError(t, err)
	require.NotEmpty(t, info.ETag)
	require.True(t, bytes.Equal(append(first, last...), get(t, s, key)))
	stat, err := s.Stat(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, "audio/wav", stat.ContentType)
	require.Equal(t, map[string]string{"note": "x"}, stat.Metadata)
}

func testMultipartIfAbsent(t *testing.T, s Store) {
	const key = "multi/taken"
	m := create(t, s, key)
	parts := []objectstore.Part{putPart(t, s, m, 1, content(100))}
	put(t, s, key, "first")
	_, err := s.CompleteMultipart(t.Context(), m, parts, true)
	require.ErrorIs(t, err, fs.ErrExist)
	require.Equal(t, "first", string(get(t, s, key)))
	require.NoError(t, s.AbortMultipart(t.Context(), m))
}

func testMultipartErrors(t *testing.T, s Store) {
	const key = "multi/wrong"
	m := create(t, s, key)
	replaced := putPart(t, s, m, 1, content(objectstore.MinPartSize))
	first, small := putPart(t, s, m, 1, content(objectstore.MinPartSize+9)), putPart(t, s, m, 2, content(10))
	absent := objectstore.Part{Number: 3, ETag: first.ETag, Size: 10}
	for name, parts := range map[string][]objectstore.Part{
		"replaced": {replaced, small}, "absent": {first, absent}, "small": {small, {Number: 3, ETag: putPart(t, s, m, 3, content(5)).ETag}}, "order": {small, first},
	} {
		_, err := s.CompleteMultipart(t.Context(), m, parts, false)
		require.ErrorIs(t, err, objectstore.ErrParts, name)
	}
	require.NoError(t, s.AbortMultipart(t.Context(), m))
	require.NoError(t, s.AbortMultipart(t.Context(), m), "may be repeated")
	_, err := s.PutPart(t.Context(), m, 1, content(10))
	require.ErrorIs(t, err, objectstore.ErrNoMultipart)
	_, err = s.CompleteMultipart(t.Context(), m, []objectstore.Part{first}, false)
	require.ErrorIs(t, err, objectstore.ErrNoMultipart)
	_, err = s.ListParts(t.Context(), m)
	require.ErrorIs(t, err, objectstore.ErrNoMultipart)
	_, err = s.Stat(t.Context(), key)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// testMultipartRepeated completes once more, as after an answer that was lost.
func testMultipartRepeated(t *testing.T, s Store) {
	m := create(t, s, "multi/again")
	parts := []objectstore.Part{putPart(t, s, m, 1, content(10))}
	_, err := s.CompleteMultipart(t.Context(), m, parts, true)
	require.NoError(t, err)
	if _, err = s.CompleteMultipart(t.Context(), m, parts, false); err != nil { // some servers answer a repeat like the first
		require.ErrorIs(t, err, objectstore.ErrNoMultipart)
	}
	require.Equal(t, content(10), get(t, s, m.Key))
}

func testMultiparts(t *testing.T, s Store) {
	m := create(t, s, "multi/listed/1")
	create(t, s, "multi/other/1")
	var found []objectstore.Multipart
	// MinIO lists only those of the object with exactly that key.
	for m, err := range s.Multiparts(t.Context(), "multi/listed/1") {
		require.NoError(t, err)
		found = append(found, m)
	}
	require.Len(t, found, 1)
	require.Equal(t, m.Key, found[0].Key)
	require.Equal(t, m.ID, found[0].ID)
	require.WithinDuration(t, time.Now(), found[0].BegunAt, time.Minute)
}

// testReplaceIf lets many writers count in one object: no increment is lost.
func testReplaceIf(t *testing.T, s Store) {
	const key = "counter.json"
	tag, err := objectstore.ReplaceJSON(t.Context(), s, key, 0, "")
	require.NoError(t, err)
	_, err = objectstore.ReplaceJSON(t.Context(), s, key, 0, "")
	require.ErrorIs(t, err, objectstore.ErrChanged)
	_, err = objectstore.ReplaceJSON(t.Context(), s, key, 1, "00000000000000000000000000000000")
	require.ErrorIs(t, err, objectstore.ErrChanged)
	_, err = objectstore.ReplaceJSON(t.Context(), s, "no-such.json", 1, tag)
	require.ErrorIs(t, err, objectstore.ErrChanged)

	const writers, each = 4, 10
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for n := 0; n < each; {
				value, info, err := objectstore.GetJSON[int](t.Context(), s, key)
				if err != nil {
					t.Error(err)
					return
				}
				switch _, err := objectstore.ReplaceJSON(t.Context(), s, key, value+1, info.ETag); {
				case err == nil:
					n++
				case !errors.Is(err, objectstore.ErrChanged):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, fmt.Sprint(writers*each), string(get(t, s, key)))
}
