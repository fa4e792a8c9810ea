package orak_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
)

func TestMetadataIsACompactObjectOfBoundedSize(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]orak.Metadata{
		"":                            "",
		" null ":                      "",
		" {} ":                        "",
		"{ \"a\" : [1, 2] }":          `{"a":[1,2]}`,
		`{"a":"ännchen","b":{"c":1}}`: `{"a":"ännchen","b":{"c":1}}`,
	} {
		got, err := orak.ParseMetadata([]byte(given))
		require.NoError(t, err, given)
		require.Equal(t, want, got)
	}
	for _, given := range []string{"[]", `"x"`, "1", "{", `{"a":1}}`, "{\"a\":\"\xff\"}", `{"a":"` + strings.Repeat("x", orak.MaxMetadata) + `"}`} {
		_, err := orak.ParseMetadata([]byte(given))
		require.Error(t, err, given)
	}
}

func TestUploadKeepsWhatItsCallerSays(t *testing.T) {
	t.Parallel()
	const id = orak.UploadID("0195a2b4-7c3d-7e8f-9a0b-1c2d3e4f5a6b")
	u := orak.Upload{
		ID: id, Tenant: "choir", Key: orak.OriginalKey("choir", id), Size: 1, SHA256: strings.Repeat("0", 64), ReceivedAt: time.Unix(1, 0).UTC(),
		Owner: "Änne 1", Kind: orak.KindSong, Metadata: `{"take":1}`,
	}
	require.NoError(t, u.Validate())
	data, err := json.Marshal(u)
	require.NoError(t, err)
	require.Contains(t, string(data), `"metadata":{"take":1}`)
	var got orak.Upload
	require.NoError(t, json.Unmarshal(data, &got))
	require.Equal(t, u, got)

	meta := orak.RecordingMetadata(u, "")
	for _, value := range meta {
		require.True(t, strings.IndexFunc(value, func(r rune) bool { return r > 126 }) < 0, "headers are ASCII")
	}
	found := orak.Upload{}.Describe(meta)
	require.Equal(t, u.Owner, found.Owner)
	require.Equal(t, u.Kind, found.Kind)
	require.Equal(t, "other", orak.Upload{Owner: "other"}.Describe(meta).Owner, "the event knows better")
	require.Equal(t, orak.Upload{}, orak.Upload{}.Describe(map[string]string{"orak-kind": "x", "orak-owner": "%0a"}))

	for _, spoil := range []func(*orak.Upload){
		func(u *orak.Upload) { u.Owner = "a\nb" },
		func(u *orak.Upload) { u.Owner = strings.Repeat("x", orak.MaxOwner+1) },
		func(u *orak.Upload) { u.Kind = "podcast" },
		func(u *orak.Upload) { u.Metadata = "[]" },
	} {
		spoiled := u
		spoil(&spoiled)
		require.Error(t, spoiled.Validate())
	}
}
