package storetest

import (
	"context"
	"io"
	"iter"
	"testing"

	"orak/internal/objectstore"
)

// Store is what is tested; *objectstore.Store is one.
type Store interface {
	EnsureBucket(ctx context.Context) error
	Put(ctx context.Context, key string, body io.Reader, opts objectstore.PutOptions) (objectstore.Info, error)
	Get(ctx context.Context, key string) (io.ReadCloser, objectstore.Info, error)
	Stat(ctx context.Context, key string) (objectstore.Info, error)
	Delete(ctx context.Context, key string) error
	List(ctx context.Context, prefix string) iter.Seq2[objectstore.Info, error]
	ListAfter(ctx context.Context, prefix, after string) iter.Seq2[objectstore.Info, error]
	Ping(ctx context.Context) error
}

var _ Store = (*objectstore.Store)(nil)

// Run tests what open gives; open is called once for each test and makes its
// own empty bucket with parts of 5 MiB.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for name, test := range map[string]func(*testing.T, Store){
		"PutThenGetGivesTheSameBytes":               testRoundTrip,
		"PutsLeaveTheirConnectionInOrder":           testConnection,
		"PutReplaces":                               testReplace,
		"IfAbsentKeepsWhatIsThere":                  testIfAbsent,
		"IfAbsentHasOneWinnerOfMany":                testIfAbsentRace,
		"AbsentObjectsAreNotFound":                  testAbsent,
		"DeleteRemovesAndMayBeRepeated":             testDelete,
		"ListGivesThePrefixInOrder":                 testList,
		"ListGoesBeyondOnePage":                     testListPages,
		"ABodyThatFailsIsNeverStored":               testFailingBody,
		"ABodyOfAnotherLengthIsNeverStored":         testBodyLength,
		"ACancelledPutStoresNothing":                testCancel,
		"TheBodyIsNotReadPastItsEnd":                testStickyEnd,
		"DeletesDoNotDisturbPutsBesideThem":         testPutBesideDelete,
		"EnsureBucketMayBeRepeatedAndPingFindsIt":   testBucket,
		"AFailedPutKeepsTheObjectThatWasThereWhole": testFailedReplace,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}
