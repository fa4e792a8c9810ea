package storetest

import (
	"context"
	"io"
	"iter"
	"testing"
	"time"

	"orak/internal/objectstore"
)

// Store is the subject of the tests; *objectstore.Store implements it.
type Store interface {
	EnsureBucket(ctx context.Context) error
	Put(ctx context.Context, key string, body io.Reader, opts objectstore.PutOptions) (objectstore.Info, error)
	Get(ctx context.Context, key string) (io.ReadCloser, objectstore.Info, error)
	GetRange(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	Stat(ctx context.Context, key string) (objectstore.Info, error)
	Delete(ctx context.Context, key string) error
	List(ctx context.Context, prefix string) iter.Seq2[objectstore.Info, error]
	ListAfter(ctx context.Context, prefix, after string) iter.Seq2[objectstore.Info, error]
	Ping(ctx context.Context) error
	PresignPut(ctx context.Context, key string, size int64, sha256 string, valid time.Duration) (objectstore.Presigned, error)
	Copy(ctx context.Context, from, to string, opts objectstore.CopyOptions) error
	CreateMultipart(ctx context.Context, key string, opts objectstore.PutOptions) (objectstore.Multipart, error)
	PutPart(ctx context.Context, m objectstore.Multipart, number int, content []byte) (objectstore.Part, error)
	ListParts(ctx context.Context, m objectstore.Multipart) ([]objectstore.Part, error)
	CompleteMultipart(ctx context.Context, m objectstore.Multipart, parts []objectstore.Part, ifAbsent bool) (objectstore.Info, error)
	AbortMultipart(ctx context.Context, m objectstore.Multipart) error
	Multiparts(ctx context.Context, prefix string) iter.Seq2[objectstore.Multipart, error]
}

var _ Store = (*objectstore.Store)(nil)

// Run tests the stores that open returns. open is called once for each test; each
// time it returns an empty bucket with parts of 5 MiB.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for name, test := range map[string]func(*testing.T, Store){
		"GetReturnsWhatPutStored":                 testRoundTrip,
		"GetRangeReturnsThatPart":                 testRange,
		"PutLeavesItsConnectionUsable":            testConnection,
		"PutReplaces":                             testReplace,
		"IfAbsentKeepsAnExistingObject":           testIfAbsent,
		"IfAbsentHasOneWinnerOfMany":              testIfAbsentRace,
		"AbsentObjectsAreNotFound":                testAbsent,
		"DeleteRemovesAndMayBeRepeated":           testDelete,
		"ListReturnsThePrefixInOrder":             testList,
		"ListGoesBeyondOnePage":                   testListPages,
		"BodyThatFailsIsNeverStored":              testFailingBody,
		"BodyOfAnotherLengthIsNeverStored":        testBodyLength,
		"NothingIsStoredBeforeItMayBe":            testReady,
		"CanceledPutStoresNothing":                testCancel,
		"BodyIsNotReadPastItsEnd":                 testStickyEnd,
		"DeletesDoNotDisturbConcurrentPuts":       testPutBesideDelete,
		"EnsureBucketMayBeRepeatedAndPingFindsIt": testBucket,
		"FailedPutKeepsTheEarlierObjectWhole":     testFailedReplace,
		"PresignedPutTakesWhatWasSignedOnce":      testPresignedPut,
		"PresignedPutExpires":                     testPresignedExpiry,
		"CopyReplacesMetadataAndTarget":           testCopy,
		"CopyRefusesAnotherSource":                testCopyOfAnotherObject,
		"MultipartJoinsItsPartsInOrder":           testMultipart,
		"MultipartKeepsAnExistingObject":          testMultipartIfAbsent,
		"MultipartNamesWhatIsWrong":               testMultipartErrors,
		"MultipartMayBeCompletedAgain":            testMultipartRepeated,
		"MultipartsListsThePrefix":                testMultiparts,
		"ReplaceJSONLosesNoUpdate":                testReplaceIf,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}
