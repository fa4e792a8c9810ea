package api_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/internal/objectstore"
	"orak/sinks/index"
	"orak/sinks/index/indextest"
	"orak/sinks/index/sqlite"
	"orak/songs"
)

const singer orak.Tenant = orak.DefaultTenant

// withIndex gives the server an index in SQLite.
func withIndex(b *bundle) *sqlite.Store {
	b.t.Helper()
	store, err := sqlite.Open(b.t.Context(), sqlite.Config{Dir: b.t.TempDir(), VectorCache: 1 << 20})
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, store.Close()) })
	b.deps.Index = store
	return store
}

func setupIndex(t *testing.T) (*bundle, *sqlite.Store) {
	var store *sqlite.Store
	return setup(t, func(b *bundle) { store = withIndex(b) }), store
}

// hz returns the frequency of a note in Hz.
func hz(t *testing.T, name string) float64 {
	t.Helper()
	note, err := songs.ParseNote(name)
	require.NoError(t, err)
	return 440 * math.Exp2(float64(note-69)/12)
}

// sings gives a row a range and a tessitura.
func sings(t *testing.T, u index.Upload, low, tessituraLow, tessituraHigh, high string) index.Upload {
	t.Helper()
	v := *u.Voice
	v.LowHz, v.TessituraLowHz, v.TessituraHighHz, v.HighHz = hz(t, low), hz(t, tessituraLow), hz(t, tessituraHigh), hz(t, high)
	u.Voice = &v
	return u
}

// offsets makes batches of one partition.
type offsets struct {
	store *sqlite.Store
	next  int64
}

func (o *offsets) apply(t *testing.T, rows ...index.Upload) {
	t.Helper()
	_, next, err := o.store.Apply(t.Context(), indextest.BatchOf(o.next, rows...))
	require.NoError(t, err)
	o.next = next
}

func TestUploadsAreListedAndFiltered(t *testing.T) {
	t.Parallel()
	b, store := setupIndex(t)
	rows := &offsets{store: store}
	reference := indextest.Completed(singer, 3, 1, 0)
	reference.Kind = orak.KindSong
	rows.apply(t, indextest.Queued(singer, 1), sings(t, indextest.Completed(singer, 2, 1, 0), "C3", "E3", "A4", "C5"), reference,
		indextest.DeadLettered(singer, 4, 0), indextest.Completed("other", 5, 1), indextest.Erased(singer, 6))

	for query, want := range map[string][]int{
		"": {4, 3, 2, 1}, "?status=queued&status=dead_lettered": {4, 1}, "?owner=user-2": {2}, "?kind=song": {3}, "?text=take+4": {4},
		"?key=D+minor": {2}, "?key=D": {2}, "?key=minor": {3, 2}, "?key=major": {}, "?tempo_min=62.5": {3}, "?duration_max=12": {2},
		"?low=C3&high=C5": {2}, "?low=C3&high=D5": {}, "?low=C4&high=C4": {3, 2}, "?from=2026-11-01T12:00:04Z": {4}, "?to=2026-11-01T12:00:02Z": {1},
	} {
		got := []int{}
		for _, u := range into[resource.UploadPage](t, b.get("/v1/uploads"+query), http.StatusOK).Uploads {
			var n int
			_, err := fmt.Sscanf(u.Filename, "Take %d.ogg", &n)
			require.NoError(t, err)
			got = append(got, n)
		}
		require.Equal(t, want, got, query)
	}

	first := into[resource.UploadPage](t, b.get("/v1/uploads?page_size=3"), http.StatusOK)
	require.Len(t, first.Uploads, 3)
	rows.apply(t, indextest.Queued(singer, 9))
	second := into[resource.UploadPage](t, b.get("/v1/uploads?page_size=3&page_token="+first.Next), http.StatusOK)
	require.Len(t, second.Uploads, 1)
	require.Empty(t, second.Next)

	sung := first.Uploads[2]
	require.Equal(t, "C3", sung.Voice.LowNote)
	require.Equal(t, orak.Metadata(`{"n":2}`), sung.Metadata)
	require.Equal(t, "/v1/uploads/"+string(sung.ID), sung.Links.Self)

	for _, bad := range []string{
		"status=lost", "kind=x", "key=H", "key=C+dorian", "tempo_min=-1", "tempo_min=NaN", "tempo_min=3&tempo_max=2", "low=H4", "low=D4&high=C4", "page_size=0", "page_size=201",
		"page_token=x", "from=yesterday", "from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", "colour=red", "owner=", "owner=a&owner=b",
	} {
		problem(t, b.get("/v1/uploads?"+bad), http.StatusBadRequest, "invalid-request")
	}
}

func TestSimilarVoicesAreFound(t *testing.T) {
	t.Parallel()
	b, store := setupIndex(t)
	rows := &offsets{store: store}
	rows.apply(t, indextest.Completed(singer, 1, 1, 0), indextest.Completed(singer, 2, 0.8, 0.6), indextest.Completed(singer, 3, 0, 1),
		indextest.Completed(singer, 4), indextest.Completed("other", 5, 1, 0))
	found := into[resource.SimilarUploads](t, b.get("/v1/uploads/"+string(indextest.ID(1))+"/similar?limit=1"), http.StatusOK)
	require.Len(t, found.Uploads, 1)
	require.Equal(t, indextest.ID(2), found.Uploads[0].ID)
	require.InDelta(t, 0.8, found.Uploads[0].Similarity, 1e-4)
	require.Len(t, into[resource.SimilarUploads](t, b.get("/v1/uploads/"+string(indextest.ID(1))+"/similar"), http.StatusOK).Uploads, 2)

	problem(t, b.get("/v1/uploads/"+string(indextest.ID(4))+"/similar"), http.StatusUnprocessableEntity, "no-voice")
	problem(t, b.get("/v1/uploads/"+string(indextest.ID(1))+"/similar?limit=101"), http.StatusBadRequest, "invalid-request")
	problem(t, b.get("/v1/uploads/"+string(indextest.ID(1))+"/similar?k=5"), http.StatusBadRequest, "invalid-request")
}

func TestUploadsWithoutAVoiceAreRefusedByTheirState(t *testing.T) {
	t.Parallel()
	b, store := setupIndex(t)
	rows := &offsets{store: store}
	late, canceled, erasing, erased := indextest.ID(1), indextest.ID(2), indextest.ID(3), indextest.ID(4)
	ended := func(id orak.UploadID, status orak.Status) {
		u := orak.BareUpload(singer, id)
		require.NoError(t, objectstore.PutJSON(t.Context(), b.store, orak.OutcomeKey(singer, id), orak.Progress{Upload: u, Status: status}, false))
	}
	ended(late, orak.StatusCompleted)
	ended(canceled, orak.StatusCanceled)
	require.NoError(t, objectstore.PutJSON(t.Context(), b.store, orak.ErasedKey(singer, erasing), orak.Tombstone{ID: erasing, RequestedAt: time.Now()}, false))
	rows.apply(t, indextest.Queued(singer, 1), indextest.Completed(singer, 3, 1), indextest.Erased(singer, 4))

	for _, what := range []string{"songs", "similar"} {
		path := func(id orak.UploadID) string { return "/v1/uploads/" + string(id) + "/" + what }
		r := b.get(path(late))
		problem(t, r, http.StatusConflict, "not-indexed")
		require.Equal(t, "1", r.header.Get("Retry-After"))
		problem(t, b.get(path(canceled)), http.StatusGone, "no-analysis")
		problem(t, b.get(path(erasing)), http.StatusGone, "erased")
		problem(t, b.get(path(erased)), http.StatusGone, "erased")
		problem(t, b.get(path("not-an-id")), http.StatusNotFound, "not-found")
	}
}

func TestSongsForAVoice(t *testing.T) {
	t.Parallel()
	b, store := setupIndex(t)
	rows := &offsets{store: store}
	silent := indextest.Completed(singer, 2)
	silence := *silent.Voice
	silence.LowHz, silence.HighHz, silence.TessituraLowHz, silence.TessituraHighHz, silence.VoicedRatio = 0, 0, 0, 0, 0
	silent.Voice = &silence
	rows.apply(t, sings(t, indextest.Completed(singer, 1, 1, 0), "C3", "F3", "G4", "C5"), silent, sings(t, indextest.Completed(singer, 3, 1, 0), "C4", "C4", "F4", "F4"))

	best := into[resource.FittingSongs](t, b.get("/v1/uploads/"+string(indextest.ID(1))+"/songs?limit=3"), http.StatusOK)
	require.Len(t, best.Songs, 3)
	require.Equal(t, len(songs.Collection()), best.Ranked)
	require.Empty(t, best.Refusal)
	require.True(t, best.Songs[0].Shipped)
	require.Contains(t, best.Songs[0].Reason, "fits ")

	refused := into[resource.FittingSongs](t, b.get("/v1/uploads/"+string(indextest.ID(2))+"/songs"), http.StatusOK)
	require.Equal(t, resource.FittingSongs{ID: indextest.ID(2), Songs: []resource.FittingSong{}, Refusal: "no singing was heard in this recording", Unusable: "silent"}, refused)
	require.Equal(t, "too_narrow", into[resource.FittingSongs](t, b.get("/v1/uploads/"+string(indextest.ID(3))+"/songs"), http.StatusOK).Unusable)
}

func TestSongsAreImportedListedAndRemoved(t *testing.T) {
	t.Parallel()
	b, _ := setupIndex(t)
	imported := b.post("/v1/songs", "id,title,low,high,key,tempo_bpm\nspring,봄날,C4,D5,F#m,92\nautumn,가을,C3,C4,,\n", header{"Content-Type", "text/csv; charset=utf-8"})
	require.Equal(t, 2, into[resource.ImportedSongs](t, imported, http.StatusOK).Imported)
	replaced := b.post("/v1/songs", `{"id":"autumn","title":"Autumn","low":"D3","high":"D4"}`, header{"Content-Type", "application/jsonl"})
	require.Equal(t, 1, into[resource.ImportedSongs](t, replaced, http.StatusOK).Imported)

	var all []resource.Song
	for token := ""; ; {
		page := into[resource.SongPage](t, b.get("/v1/songs?page_size=20&page_token="+token), http.StatusOK)
		all = append(all, page.Songs...)
		if token = page.Next; token == "" {
			break
		}
	}
	require.Len(t, all, len(songs.Collection())+2)
	require.Equal(t, resource.Song{ID: "autumn", Title: "Autumn", Low: "D3", High: "D4"}, all[0])
	require.True(t, all[1].Shipped)
	require.Equal(t, resource.Song{ID: "spring", Title: "봄날", Low: "C4", High: "D5", Key: "F# minor", TempoBPM: 92}, all[len(all)-1])
	others := into[resource.SongPage](t, b.get("/v1/songs?page_size=200", header{"X-Orak-Tenant", "other"}), http.StatusOK)
	require.Len(t, others.Songs, len(songs.Collection()), "songs belong to one tenant")

	remove := func(id string) reply { return b.do(b.request(http.MethodDelete, "/v1/songs/"+id, nil)) }
	require.Equal(t, http.StatusNoContent, remove("autumn").status)
	problem(t, remove("autumn"), http.StatusNotFound, "not-found")
	problem(t, remove("a%20b"), http.StatusNotFound, "not-found")
	problem(t, remove("orak.arirang"), http.StatusBadRequest, "invalid-request")
	problem(t, b.get("/v1/songs?page_token=a%20b"), http.StatusBadRequest, "invalid-request")
}

func TestRefusedImportLeavesNothing(t *testing.T) {
	t.Parallel()
	b, _ := setupIndex(t)
	r := b.post("/v1/songs", "id,title,low,high\nok,Fine,C4,C5\nbad,,C4,C5\nworse,W,C5,C4\n"+strings.Repeat("x,\n", 120), header{"Content-Type", "text/csv"})
	p := problem(t, r, http.StatusUnprocessableEntity, "invalid-import")
	require.Len(t, p.Lines, 100)
	require.Equal(t, resource.ImportLine{Line: 4, Message: "low, high: C5 is above C4"}, p.Lines[1])
	require.Equal(t, 22, p.MoreLines)
	require.Len(t, into[resource.SongPage](t, b.get("/v1/songs?page_size=200"), http.StatusOK).Songs, len(songs.Collection()))

	p = problem(t, b.post("/v1/songs", "{}"), http.StatusUnsupportedMediaType, "unsupported-media")
	require.Equal(t, []string{"text/csv", "application/jsonl", "application/x-ndjson"}, p.Accepted)
	problem(t, b.post("/v1/songs", "x", header{"Content-Type", "text/csv"}, header{"Content-Encoding", "gzip"}), http.StatusUnsupportedMediaType, "unsupported-encoding")
	big := b.post("/v1/songs", strings.Repeat(" ", songs.MaxImport+1), header{"Content-Type", "application/jsonl"})
	problem(t, big, http.StatusRequestEntityTooLarge, "too-large")
}

func TestReferenceGivesASongItsRangeWhenItIsAnalyzed(t *testing.T) {
	t.Parallel()
	b, store := setupIndex(t)
	rows := &offsets{store: store}
	reference := indextest.Recording(singer, 7)
	reference.Kind = orak.KindSong
	rows.apply(t, sings(t, indextest.Completed(singer, 1, 1, 0), "C3", "F3", "G4", "C5"), index.Queued(reference))
	into[resource.ImportedSongs](t, b.post("/v1/songs", `{"id":"own","title":"Own","reference":"`+string(reference.ID)+`"}`, header{"Content-Type", "application/x-ndjson"}), http.StatusOK)

	listed := func() resource.Song {
		page := into[resource.SongPage](t, b.get("/v1/songs?page_size=200"), http.StatusOK)
		return page.Songs[len(page.Songs)-1]
	}
	require.Equal(t, resource.Song{ID: "own", Title: "Own", Reference: reference.ID, Waiting: true}, listed())
	before := into[resource.FittingSongs](t, b.get("/v1/uploads/"+string(indextest.ID(1))+"/songs?limit=100"), http.StatusOK)
	require.Equal(t, 1, before.Waiting)

	analyzed := sings(t, indextest.Completed(singer, 7, 1, 0), "C4", "D4", "A4", "C5")
	analyzed.Kind = orak.KindSong
	rows.apply(t, analyzed)
	require.Equal(t, resource.Song{ID: "own", Title: "Own", Reference: reference.ID, Low: "C4", High: "C5", Key: "G minor", TempoBPM: 67}, listed())
	after := into[resource.FittingSongs](t, b.get("/v1/uploads/"+string(indextest.ID(1))+"/songs?limit=100"), http.StatusOK)
	require.Zero(t, after.Waiting)
	require.Equal(t, before.Ranked+1, after.Ranked)
	var own *resource.FittingSong
	for i := range after.Songs {
		if after.Songs[i].ID == "own" {
			own = &after.Songs[i]
		}
	}
	require.NotNil(t, own)
	require.Contains(t, own.Reason, "its singer sounds like you")
}

func TestRankingLeavesOutSongsBeyondTheLimit(t *testing.T) {
	t.Parallel()
	var store *sqlite.Store
	b := setup(t, func(b *bundle) { store, b.cfg.MaxRankedSongs = withIndex(b), 2 })
	(&offsets{store: store}).apply(t, sings(t, indextest.Completed(singer, 1, 1, 0), "C3", "F3", "G4", "C5"))
	into[resource.ImportedSongs](t, b.post("/v1/songs", "id,title,low,high\na,A,C4,C5\nb,B,C4,C5\nc,C,C4,C5\n", header{"Content-Type", "text/csv"}), http.StatusOK)
	require.Equal(t, len(songs.Collection())+2, into[resource.FittingSongs](t, b.get("/v1/uploads/"+string(indextest.ID(1))+"/songs"), http.StatusOK).Ranked)
	require.Contains(t, b.gathered(), "orak_api_rankings_cut_total 1")
}

func TestUploadsAreAcceptedWithoutAnIndex(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, http.StatusAccepted, b.upload(wav(1000)).status)
	for _, path := range []string{"/v1/uploads", "/v1/songs", "/v1/uploads/" + string(indextest.ID(1)) + "/songs", "/v1/uploads/" + string(indextest.ID(1)) + "/similar"} {
		r := b.get(path)
		problem(t, r, http.StatusServiceUnavailable, "unavailable")
		require.Equal(t, "5", r.header.Get("Retry-After"))
	}
	problem(t, b.post("/v1/songs", "id,title\n", header{"Content-Type", "text/csv"}), http.StatusServiceUnavailable, "unavailable")
}

func TestIndexThatIsAwayAnswersWith503(t *testing.T) {
	t.Parallel()
	b, store := setupIndex(t)
	require.NoError(t, store.Close())
	problem(t, b.get("/v1/uploads"), http.StatusServiceUnavailable, "unavailable")
	problem(t, b.get("/v1/songs"), http.StatusServiceUnavailable, "unavailable")
	require.Equal(t, http.StatusAccepted, b.upload(wav(1000)).status)
}

// A place among the imports is free again, however a file ends.
func TestImportThatIsCutOffLeavesItsPlace(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { withIndex(b); b.cfg.MaxSongImports = 1 })
	const head = "id,title,artist,low,high,key,tempo_bpm,reference\n"
	whole := head + "one,One,Me,C4,C5,,,\n"
	csv := header{"Content-Type", "text/csv"}
	half := b.dial(t)
	half.send(fmt.Sprintf("POST /v1/songs HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n%s", len(whole), head))
	b.eventually(func() bool { return b.post("/v1/songs", whole, csv).status == http.StatusTooManyRequests }, "the place is taken")
	problem(t, b.post("/v1/songs", whole, csv), http.StatusTooManyRequests, "too-many-imports")
	require.NoError(t, half.Close())
	b.eventually(func() bool { return b.post("/v1/songs", whole, csv).status == http.StatusOK }, "the place is free again")

	chunked := b.dial(t)
	chunked.send("POST /v1/songs HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n")
	chunked.send(fmt.Sprintf("%x\r\n%s\r\n", len(head), head))
	require.NoError(t, chunked.Close())
	b.eventually(func() bool { return b.post("/v1/songs", whole, csv).status == http.StatusOK }, "the place is free again")
	songs := into[resource.SongPage](t, b.get("/v1/songs?page_size=100"), http.StatusOK)
	own := 0
	for _, song := range songs.Songs {
		if !song.Shipped {
			own++
		}
	}
	require.Equal(t, 1, own, "nothing of a file that was cut off is imported")
}
