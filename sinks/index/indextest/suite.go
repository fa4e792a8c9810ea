// Package indextest is the suite that every index.Store passes.
package indextest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/sinks/index"
)

// Open opens an empty store for a test, and closes it at the end. again opens the
// same one a second time, as another process would.
type Open func(t *testing.T) (store index.Store, again func() index.Store)

// suite is what a test works with.
type suite struct {
	*testing.T
	store index.Store
	again func() index.Store
}

const tenant orak.Tenant = "acme"

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(suite){
		"RowsReadAsWritten":                      testRowsReadAsWritten,
		"RowsMergeAsInGo":                        testRowsMergeAsInGo,
		"RepeatsChangeNothing":                   testRepeatsChangeNothing,
		"FailedBatchChangesNothing":              testFailedBatchChangesNothing,
		"ForgottenOffsetIsAppliedAgain":          testForgottenOffsetIsAppliedAgain,
		"WritersOfAPartitionAgree":               testWritersOfAPartitionAgree,
		"WritersOfTwoTopicsAgree":                testWritersOfTwoTopicsAgree,
		"ErasedStaysGone":                        testErasedStaysGone,
		"OtherTenantWithTheSameIDChangesNothing": testOtherTenantWithTheSameIDChangesNothing,
		"SomeAreOfTheTenantAndNotErased":         testSomeAreOfTheTenantAndNotErased,
		"ListFilters":                            testListFilters,
		"ListTakesTextLiterally":                 testListTakesTextLiterally,
		"ListFindsTextInEveryForm":               testListFindsTextInEveryForm,
		"PagesHoldUnderWrites":                   testPagesHoldUnderWrites,
		"HostileQueriesAreRefused":               testHostileQueriesAreRefused,
		"SimilarIsExact":                         testSimilarIsExact,
		"SimilarOfASmallTenantIsComplete":        testSimilarOfASmallTenantIsComplete,
		"SimilarFollowsWrites":                   testSimilarFollowsWrites,
		"SimilarComparesOnlyItsKind":             testSimilarComparesOnlyItsKind,
		"SongsAreStoredTogether":                 testSongsAreStoredTogether,
		"ImportsAtTheSameTimeBothSucceed":        testImportsAtTheSameTimeBothSucceed,
		"HostileRowsAreStored":                   testHostileRowsAreStored,
		"RestoreGoesOn":                          testRestoreGoesOn,
		"ActsAreListed":                          testActsAreListed,
		"ActsAreKeptOnce":                        testActsAreKeptOnce,
		"OldActsAreRemovedInBatches":             testOldActsAreRemovedInBatches,
		"ActsAreRemovedByManyAtOnce":             testActsAreRemovedByManyAtOnce,
		"HostileActQueriesAreRefused":            testHostileActQueriesAreRefused,
	} {
		t.Run(name, func(t *testing.T) {
			store, again := open(t)
			test(suite{T: t, store: store, again: again})
		})
	}
}

// apply writes rows from that offset on.
func (s suite) apply(first int64, rows ...index.Upload) (applied int) {
	s.Helper()
	applied, _, err := s.store.Apply(s.Context(), BatchOf(first, rows...))
	require.NoError(s, err)
	return applied
}

func (s suite) get(n int) index.Upload {
	s.Helper()
	u, err := s.store.Get(s.Context(), tenant, ID(n))
	require.NoError(s, err)
	return u
}

// all returns every upload of a query, page by page.
func (s suite) all(q index.Query) (list []index.Upload) {
	s.Helper()
	q.Tenant = tenant
	for {
		page, err := s.store.List(s.Context(), q)
		require.NoError(s, err)
		list = append(list, page.Uploads...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return list
		}
	}
}

// numbers returns which samples a query selects, the latest first.
func (s suite) numbers(q index.Query) []int {
	s.Helper()
	list := []int{}
	for _, u := range s.all(q) {
		list = append(list, int(u.Size-1000))
	}
	return list
}
