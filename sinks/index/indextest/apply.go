package indextest

import (
	"math"
	"math/rand/v2"
	"sync"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/sinks/index"
)

func testRowsReadAsWritten(s suite) {
	refused := index.Upload{
		Upload: orak.BareUpload(tenant, ID(3)), Status: orak.StatusDeadLettered, Stage: orak.StageReceive,
		Failure:   &orak.Failure{Stage: orak.StageReceive, Class: orak.ClassInput, Message: "한국어 ' \" %"},
		UpdatedAt: start, Cycle: 0,
	}
	refused.ReceivedAt = start
	song := Completed(tenant, 4)
	song.Kind = orak.KindSong
	want := []index.Upload{Queued(tenant, 0), Completed(tenant, 1, 0.25, -1e-20, 3e7), DeadLettered(tenant, 2, 3), refused, song}
	s.apply(0, want...)
	for n, u := range want {
		require.Equal(s, u, s.get(n))
	}
	list := s.all(index.Query{})
	require.Len(s, list, 5)
	without := want[1]
	voice := *without.Voice
	voice.Embedding.Values = nil
	without.Voice = &voice
	require.Contains(s, list, without, "a list has no values of embeddings")
	_, err := s.store.Get(s.Context(), tenant, ID(99))
	require.ErrorIs(s, err, index.ErrNotFound)
	_, err = s.store.Get(s.Context(), "other", ID(1))
	require.ErrorIs(s, err, index.ErrNotFound)
	require.NoError(s, s.store.Ping(s.Context()))
}

// randomRow returns a state of one of n uploads.
func randomRow(random *rand.Rand, n int) index.Upload {
	id, cycle := random.IntN(n), random.IntN(3)
	switch random.IntN(8) {
	case 0, 1:
		return Queued(tenant, id)
	case 2:
		u := Completed(tenant, id, Vector(random, 4)...)
		u.Cycle = cycle
		return u
	case 3:
		return DeadLettered(tenant, id, cycle)
	case 4: // an event that was too large
		u := Completed(tenant, id)
		u.Cycle, u.Voice, u.Filename = cycle, nil, ""
		return u
	case 5: // a refused announcement
		return index.Upload{Upload: bare(id), Status: orak.StatusDeadLettered, Stage: orak.StageReceive, UpdatedAt: start, Cycle: cycle}
	case 6:
		if random.IntN(10) == 0 {
			return Erased(tenant, id)
		}
		fallthrough
	default:
		u := Queued(tenant, id)
		u.Status, u.Cycle = orak.StatusAnalyzing, cycle
		return u
	}
}

func bare(n int) orak.Upload {
	u := orak.BareUpload(tenant, ID(n))
	u.ReceivedAt = start
	return u
}

// The databases write what index.Upload.Merge says, in batches of any size.
func testRowsMergeAsInGo(s suite) {
	const uploads = 20
	random := rand.New(rand.NewPCG(1, 2))
	want := make(map[orak.UploadID]index.Upload)
	for offset := int64(0); offset < 2000; {
		var rows []index.Upload
		for range 1 + random.IntN(60) {
			u := randomRow(random, uploads)
			rows = append(rows, u)
			if before, ok := want[u.ID]; ok {
				u = before.Merge(u)
			}
			want[u.ID] = u
		}
		require.Equal(s, len(rows), s.apply(offset, rows...))
		offset += int64(len(rows))
		for id, u := range want {
			got, err := s.store.Get(s.Context(), tenant, id)
			if u.Erased() {
				require.ErrorIs(s, err, index.ErrErased)
				continue
			}
			require.NoError(s, err)
			require.Equal(s, u, got)
		}
	}
}

func testRepeatsChangeNothing(s suite) {
	queued, failed, again, done := Queued(tenant, 1), DeadLettered(tenant, 1, 0), DeadLettered(tenant, 1, 1), Completed(tenant, 1, 1)
	done.Cycle = 1
	batch := BatchOf(10, queued, failed)
	for range 2 { // killed before Kafka's commit
		_, next, err := s.store.Apply(s.Context(), batch)
		require.NoError(s, err)
		require.EqualValues(s, 12, next)
		require.Equal(s, failed, s.get(1))
	}
	require.Equal(s, 2, s.apply(10, queued, failed, again, done), "only what is new counts")
	require.Equal(s, done, s.get(1))
	require.Zero(s, s.apply(10, queued, failed), "a writer that was slow")
	require.Equal(s, done, s.get(1))
	next, known, err := s.store.Offset(s.Context(), "orak.lifecycle", 3)
	require.NoError(s, err)
	require.True(s, known)
	require.EqualValues(s, 14, next)

	// Offsets have gaps, of transactions and of records that are no row.
	_, next, err = s.store.Apply(s.Context(), index.Batch{Topic: "orak.lifecycle", Partition: 3, Next: 40})
	require.NoError(s, err)
	require.EqualValues(s, 40, next)
	_, known, err = s.store.Offset(s.Context(), "orak.lifecycle", 4)
	require.NoError(s, err)
	require.False(s, known)
}

func testFailedBatchChangesNothing(s suite) {
	bad := Queued(tenant, 2)
	bad.Status = ""
	_, _, err := s.store.Apply(s.Context(), BatchOf(0, Queued(tenant, 1), bad))
	require.Error(s, err)
	require.Empty(s, s.all(index.Query{}))
	_, known, err := s.store.Offset(s.Context(), "orak.lifecycle", 3)
	require.NoError(s, err)
	require.False(s, known)
	require.Equal(s, 1, s.apply(0, Queued(tenant, 1)), "the store goes on")
}

func testForgottenOffsetIsAppliedAgain(s suite) {
	s.apply(500, Queued(tenant, 1))
	require.NoError(s, s.store.Forget(s.Context(), "orak.lifecycle", 3))
	_, known, err := s.store.Offset(s.Context(), "orak.lifecycle", 3)
	require.NoError(s, err)
	require.False(s, known)
	require.Equal(s, 1, s.apply(0, DeadLettered(tenant, 1, 0)), "the topic was made anew")
	require.Equal(s, DeadLettered(tenant, 1, 0), s.get(1))
}

// Two members believe that they own the partition: each reads on from the start of
// what it was given, at its own pace.
func testWritersOfAPartitionAgree(s suite) {
	const uploads, records = 10, 600
	random := rand.New(rand.NewPCG(3, 4))
	rows := make([]index.Upload, records)
	want := make(map[orak.UploadID]index.Upload)
	for i := range rows {
		rows[i] = randomRow(random, uploads)
		u := rows[i]
		if before, ok := want[u.ID]; ok {
			u = before.Merge(u)
		}
		want[u.ID] = u
	}
	var writers sync.WaitGroup
	errs := make(chan error, 2)
	for i, store := range []index.Store{s.store, s.again()} {
		size := 7 + 6*i
		writers.Go(func() {
			for at := 0; at < records; at += size {
				if _, _, err := store.Apply(s.Context(), BatchOf(int64(at), rows[at:min(at+size, records)]...)); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	writers.Wait()
	close(errs)
	require.NoError(s, <-errs)
	for id, u := range want {
		got, err := s.store.Get(s.Context(), tenant, id)
		if u.Erased() {
			require.ErrorIs(s, err, index.ErrErased)
			continue
		}
		require.NoError(s, err)
		require.Equal(s, u, got)
	}
}

// Announcements and the lifecycle of the same uploads are read by different members.
func testWritersOfTwoTopicsAgree(s suite) {
	const uploads, size = 200, 20
	var writers sync.WaitGroup
	errs := make(chan error, 2)
	write := func(store index.Store, topic string, row func(int) index.Upload) {
		writers.Go(func() {
			for at := 0; at < uploads; at += size {
				b := index.Batch{Topic: topic, Next: int64(at + size)}
				for i := at; i < at+size; i++ {
					b.Rows = append(b.Rows, index.Row{Offset: int64(i), Upload: row(i)})
				}
				if _, _, err := store.Apply(s.Context(), b); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	write(s.store, "orak.uploads", func(n int) index.Upload { return Queued(tenant, n) })
	// In another order.
	write(s.again(), "orak.lifecycle", func(n int) index.Upload {
		if n = uploads - 1 - n; n%3 == 0 {
			return Erased(tenant, n)
		}
		return Completed(tenant, n, 1, float32(n))
	})
	writers.Wait()
	close(errs)
	require.NoError(s, <-errs)
	for n := range uploads {
		if n%3 == 0 {
			_, err := s.store.Get(s.Context(), tenant, ID(n))
			require.ErrorIs(s, err, index.ErrErased)
			continue
		}
		require.Equal(s, Completed(tenant, n, 1, float32(n)), s.get(n))
	}
}

func testErasedStaysGone(s suite) {
	s.apply(0, Completed(tenant, 1, 1, 0), Completed(tenant, 2, 1, 1), Erased(tenant, 1), Erased(tenant, 3))
	late := Completed(tenant, 1, 1, 0)
	late.Cycle = 1 << 40
	s.apply(4, late, Queued(tenant, 1), Queued(tenant, 3), DeadLettered(tenant, 1, 5))
	for _, n := range []int{1, 3} {
		_, err := s.store.Get(s.Context(), tenant, ID(n))
		require.ErrorIs(s, err, index.ErrErased)
		_, err = s.store.Similar(s.Context(), index.Search{Tenant: tenant, ID: ID(n), K: 1})
		require.ErrorIs(s, err, index.ErrErased)
	}
	require.Equal(s, []int{2}, s.numbers(index.Query{}))
	found, err := s.store.Similar(s.Context(), index.Search{Tenant: tenant, ID: ID(2), K: 10})
	require.NoError(s, err)
	require.Empty(s, found)
}

// Producers choose ids. One that another tenant has already, or will have, gives each
// tenant a row of its own.
func testOtherTenantWithTheSameIDChangesNothing(s suite) {
	s.apply(0, Queued("other", 1), Completed(tenant, 1, 1, 0), Completed(tenant, 2, 1, 1), Completed("other", 2, 1, 0))
	require.Equal(s, []int{2}, s.similar(1, 3))
	s.apply(4, Completed("other", 1, 0, 1), Erased("other", 2))
	require.Equal(s, Completed(tenant, 1, 1, 0), s.get(1))
	require.Equal(s, []int{2, 1}, s.numbers(index.Query{}))
	require.Equal(s, []int{2}, s.similar(1, 3))

	theirs, err := s.store.Get(s.Context(), "other", ID(1))
	require.NoError(s, err)
	require.Equal(s, Completed("other", 1, 0, 1), theirs)
	some, err := s.store.Some(s.Context(), tenant, []orak.UploadID{ID(1), ID(2)})
	require.NoError(s, err)
	require.ElementsMatch(s, []index.Upload{s.get(1), s.get(2)}, some)
}

// What the databases refuse, or cannot compare, would stop the index.
func testHostileRowsAreStored(s suite) {
	u := Recording(tenant, 1)
	u.SHA256, u.Kind, u.Filename, u.Owner, u.ContentType = "0\x00\xff", "so\x00ng", "a\x00b\xff", "c\x00\xff", "d\x00\xff"
	hostile := orak.Progress{Upload: u, Status: "completed", Stage: "\x00", UpdatedAt: start, Failure: &orak.Failure{
		Stage: "\x00", Class: "\xff", Message: "\x00\xff",
	}}
	for n, value := range []float32{math.MaxFloat32, math.SmallestNonzeroFloat32, 1} {
		hostile.Upload.ID = ID(n)
		s.apply(int64(n), index.FromOutcome(hostile, &orak.Analysis{
			Audio: orak.Audio{DurationS: math.MaxFloat64, Damage: []orak.Damage{"\x00", "a,b"}}, Key: orak.Key{Tonic: "\x00", Mode: "\xff"},
			Pitch: orak.Pitch{MinHz: math.SmallestNonzeroFloat64, MaxHz: math.MaxFloat64}, Engine: orak.Engine{Name: "\x00", Version: "\xff"},
			Embedding: orak.Embedding{Name: "\x00", Version: "\xff", Values: []float32{value, -value, value}},
		}))
	}
	require.Equal(s, orak.Kind("song"), s.get(2).Kind)
	require.Empty(s, s.similar(2, 3), "products of the others leave single precision")
}

func testRestoreGoesOn(s suite) {
	cursor, err := s.store.RestoreCursor(s.Context())
	require.NoError(s, err)
	require.Empty(s, cursor)
	s.apply(0, Completed(tenant, 1, 1, 0))
	require.NoError(s, s.store.Restore(s.Context(), []index.Upload{Queued(tenant, 1), Queued(tenant, 2)}, "uploads/acme/2"))
	cursor, err = s.again().RestoreCursor(s.Context())
	require.NoError(s, err)
	require.Equal(s, "uploads/acme/2", cursor)
	require.Equal(s, Completed(tenant, 1, 1, 0), s.get(1), "the topic knows more than the recording")
	require.Equal(s, Queued(tenant, 2), s.get(2))
	require.NoError(s, s.store.Restore(s.Context(), nil, ""))
	cursor, err = s.store.RestoreCursor(s.Context())
	require.NoError(s, err)
	require.Empty(s, cursor)
}
