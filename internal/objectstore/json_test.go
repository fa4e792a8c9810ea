package objectstore_test

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/internal/objectstore"
)

func TestGetJSONReadsWhatPutJSONStored(t *testing.T) {
	t.Parallel()
	s := open(t)
	require.NoError(t, objectstore.PutJSON(t.Context(), s, "k", map[string]int{"a": 1}, false))
	got, info, err := objectstore.GetJSON[map[string]int](t.Context(), s, "k")
	require.NoError(t, err)
	require.Equal(t, map[string]int{"a": 1}, got)
	require.Equal(t, "application/json", info.ContentType)
	require.False(t, info.ModifiedAt.IsZero())

	require.ErrorIs(t, objectstore.PutJSON(t.Context(), s, "k", 2, true), fs.ErrExist)
	require.Error(t, objectstore.PutJSON(t.Context(), s, "other", func() {}, false), "a value that has no JSON")
	_, _, err = objectstore.GetJSON[int](t.Context(), s, "other")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestGetJSONRefusesDamagedAndOversizedObjects(t *testing.T) {
	t.Parallel()
	s := open(t)
	put := func(text string) {
		_, err := s.Put(t.Context(), "k", strings.NewReader(text), objectstore.PutOptions{Size: int64(len(text))})
		require.NoError(t, err)
	}
	longest := `"` + strings.Repeat("x", objectstore.MaxJSON-2) + `"`
	put(longest)
	got, _, err := objectstore.GetJSON[string](t.Context(), s, "k")
	require.NoError(t, err)
	require.Len(t, got, objectstore.MaxJSON-2)

	for name, text := range map[string]string{
		"empty": "", "cut off": `{"a":`, "of another type": `{"a":1}`, "trailing text": `"a" b`,
		"a byte too long, although its beginning is valid": longest + " ",
	} {
		put(text)
		got, info, err := objectstore.GetJSON[string](t.Context(), s, "k")
		require.ErrorIs(t, err, objectstore.ErrDamaged, name)
		require.Empty(t, got, name)
		require.False(t, info.ModifiedAt.IsZero(), name)
	}
}

func TestHashIsTheSHA256OfAnObject(t *testing.T) {
	t.Parallel()
	s := open(t)
	_, err := s.Put(t.Context(), "k", strings.NewReader("abc"), objectstore.PutOptions{Size: 3})
	require.NoError(t, err)
	sum, err := objectstore.Hash(t.Context(), s, "k")
	require.NoError(t, err)
	require.Equal(t, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", sum)
	_, err = objectstore.Hash(t.Context(), s, "absent")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestObjectThatIsCutOffIsAnOutageAndNotDamaged(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	s := openSilent(t, strings.TrimPrefix(server.URL, "http://"))
	_, _, err := objectstore.GetJSON[struct{}](t.Context(), s, "k")
	requireOutage(t, err)
	require.NotErrorIs(t, err, objectstore.ErrDamaged)
	_, err = objectstore.Hash(t.Context(), s, "k")
	requireOutage(t, err)
}
