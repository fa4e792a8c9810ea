package indextest

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"orak/events"
	"orak/sinks/index"
)

// ActsOf returns a batch of acts whose first record has that offset.
func ActsOf(first int64, acts ...events.Act) index.Batch {
	b := index.Batch{Topic: events.TopicAudit, Next: first + int64(len(acts))}
	for i, a := range acts {
		b.Acts = append(b.Acts, index.ActRow{Offset: first + int64(i), Act: a})
	}
	return b
}

// Act returns the n-th sample, done a second after the one before.
func Act(n int) events.Act {
	return events.Act{
		ID: fmt.Sprint("act/", n), At: start.Add(time.Duration(n) * time.Second), Act: "key.revoke", By: "key/aaaa (ann)", Tenant: tenant,
		Subject: fmt.Sprint("k", n), Detail: "한국어 ' \" %",
	}
}

// numbersOf returns which samples a query selects, the latest first, page by page.
func (s suite) numbersOf(q index.ActQuery) (list []int) {
	s.Helper()
	list = []int{}
	for {
		page, err := s.store.Acts(s.Context(), q)
		require.NoError(s, err)
		for _, a := range page.Acts {
			var n int
			_, err := fmt.Sscanf(a.ID, "act/%d", &n)
			require.NoError(s, err)
			list = append(list, n)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return list
		}
	}
}

func testActsAreListed(s suite) {
	acts := []events.Act{Act(0), Act(1), Act(2), Act(3), Act(4)}
	acts[1].Tenant, acts[1].By = "other", "key/aaaab"
	acts[2].Tenant, acts[2].Act, acts[2].Subject = events.EveryTenant, "setting.set", "tier"
	acts[3].Act, acts[3].By = "keyring.create", "key/aaaa/session"
	acts[4].At = acts[3].At // ids decide
	applied, next, err := s.store.Apply(s.Context(), ActsOf(7, acts...))
	require.NoError(s, err)
	require.Equal(s, 5, applied)
	require.EqualValues(s, 12, next)

	page, err := s.store.Acts(s.Context(), index.ActQuery{Tenant: tenant, Limit: 1, Subject: "k0"})
	require.NoError(s, err)
	require.Equal(s, index.ActPage{Acts: []events.Act{acts[0]}}, page, "it reads as it was written")

	for want, q := range map[string]index.ActQuery{
		"[4 3 2 1 0]": {Tenant: events.EveryTenant, Limit: 2},
		"[4 3 0]":     {Tenant: tenant, Limit: 1},
		"[1]":         {Tenant: "other"},
		"[4 0]":       {Tenant: tenant, Act: "key"},
		"[2]":         {Tenant: events.EveryTenant, Act: "setting.set"},
		"[4 3 2 0]":   {Tenant: events.EveryTenant, By: "key/aaaa"},
		"[4 2 0]":     {Tenant: events.EveryTenant, By: "key/aaaa (ann)"},
		"[3]":         {Tenant: tenant, Subject: "k3"},
		"[2 1]":       {Tenant: events.EveryTenant, From: acts[1].At, To: acts[3].At},
		"[]":          {Tenant: tenant, By: "key/aaaa%"},
	} {
		require.Equal(s, want, fmt.Sprint(s.numbersOf(q)), q)
	}
	s.apply(0, Queued(tenant, 1), Erased(tenant, 1))
	require.Len(s, s.numbersOf(index.ActQuery{Tenant: events.EveryTenant}), 5)
}

// A record may be repeated, and an act may be in two topics.
func testActsAreKeptOnce(s suite) {
	_, _, err := s.store.Apply(s.Context(), ActsOf(0, Act(0), Act(0)))
	require.NoError(s, err)
	again := Act(0)
	again.Detail = "another"
	b := ActsOf(0, again, Act(1))
	b.Topic = events.TopicUploads
	_, _, err = s.store.Apply(s.Context(), b)
	require.NoError(s, err)
	applied, _, err := s.again().Apply(s.Context(), ActsOf(1, Act(0), Act(2)))
	require.NoError(s, err)
	require.Equal(s, 1, applied, "the first is below the offset that is stored")
	page, err := s.store.Acts(s.Context(), index.ActQuery{Tenant: tenant})
	require.NoError(s, err)
	require.Equal(s, []events.Act{Act(2), Act(1), Act(0)}, page.Acts)
}

func testOldActsAreRemovedInBatches(s suite) {
	_, _, err := s.store.Apply(s.Context(), ActsOf(0, Act(3), Act(0), Act(4), Act(1), Act(2)))
	require.NoError(s, err)
	s.apply(0, Queued(tenant, 1))
	all := index.ActQuery{Tenant: events.EveryTenant}
	for _, step := range []struct {
		before, most, removed int
		left                  []int
	}{
		{0, 10, 0, []int{4, 3, 2, 1, 0}}, // none is older
		{3, 2, 2, []int{4, 3, 2}},        // the oldest first
		{3, 2, 1, []int{4, 3}},           // not the one of that moment
		{3, 2, 0, []int{4, 3}},
	} {
		removed, err := s.store.PruneActs(s.Context(), Act(step.before).At, step.most)
		require.NoError(s, err)
		require.Equal(s, step.removed, removed)
		require.Equal(s, step.left, s.numbersOf(all))
	}
	_, err = s.store.Get(s.Context(), tenant, ID(1))
	require.NoError(s, err, "uploads are not acts")
	// A topic that is read again has them again, until they are removed again.
	_, _, err = s.again().Apply(s.Context(), ActsOf(5, Act(0)))
	require.NoError(s, err)
	require.Equal(s, []int{4, 3, 0}, s.numbersOf(all))
}

// Members of the group remove at the same time, beside those that write.
func testActsAreRemovedByManyAtOnce(s suite) {
	const acts = 300
	list := make([]events.Act, acts)
	for n := range list {
		list[n] = Act(n)
	}
	_, _, err := s.store.Apply(s.Context(), ActsOf(0, list...))
	require.NoError(s, err)
	stores := []index.Store{s.store, s.again(), s.again()}
	var removed atomic.Int64
	var group errgroup.Group
	for _, store := range stores {
		group.Go(func() error {
			for range acts / 10 {
				n, err := store.PruneActs(s.Context(), Act(acts-1).At, 10)
				if err != nil {
					return err
				}
				removed.Add(int64(n))
			}
			return nil
		})
	}
	group.Go(func() error {
		for n := range acts {
			if _, _, err := stores[1].Apply(s.Context(), ActsOf(int64(acts+2*n), Act(acts+n), Act(acts-1))); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(s, group.Wait())
	require.EqualValues(s, acts-1, removed.Load(), "each once")
	require.Len(s, s.numbersOf(index.ActQuery{Tenant: events.EveryTenant, Limit: 100}), acts+1)
}

func testHostileActQueriesAreRefused(s suite) {
	for _, q := range []index.ActQuery{
		{}, {Tenant: "a b"}, {Tenant: tenant, By: "a\x00"}, {Tenant: tenant, Act: strings.Repeat("a", 256)}, {Tenant: tenant, Subject: "\xff"},
		{Tenant: tenant, Limit: -1}, {Tenant: tenant, Limit: index.MaxLimit + 1}, {Tenant: tenant, Cursor: "AAAA"}, {Tenant: tenant, Cursor: "!"},
		{Tenant: tenant, Cursor: index.ActCursor{At: start, ID: "a\x00"}.String()}, {Tenant: tenant, From: start, To: start.Add(-1)},
	} {
		_, err := s.store.Acts(s.Context(), q)
		require.ErrorIs(s, err, index.ErrInvalidQuery, "%+v", q)
	}
}
