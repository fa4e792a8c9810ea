package bridge

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

const (
	// maxKnown is how many uploads are remembered; one takes some 200 bytes.
	maxKnown = 16384
	// knownFor bounds the time in which Temporal could be emptied, or a workflow
	// deleted by hand, without the bridge noticing.
	knownFor = 10 * time.Minute
)

// duplicates is a deduplication cache of the uploads whose workflows are known
// to exist, so that an announcement that comes again needs no call to Temporal. A
// start is never undone, so an entry stays true; except for an upload that is
// erased and uploaded anew, and therefore any other event of an upload removes
// its entry.
//
// Only announcements under the upload's own key count: they and all other events
// of that key are in one partition. An entry holds for the session
// (consume.Delivery.Session) in which it was made, since another member may have
// handled events in between.
type duplicates struct {
	known *lru.Cache[orak.UploadID, known]
	// now is time.Now, except in tests.
	now func() time.Time
}

type known struct {
	session uint64
	at      time.Time
}

func newDuplicates() *duplicates {
	cache, err := lru.New[orak.UploadID, known](maxKnown)
	if err != nil {
		panic(err) // of a size that is not positive
	}
	return &duplicates{known: cache, now: time.Now}
}

// has reports whether the workflow of u, which r announces, is known to exist.
func (k *duplicates) has(r *kgo.Record, session uint64, u orak.UploadID) bool {
	seen, ok := k.known.Get(u)
	return ok && string(r.Key) == string(u) && seen.session == session && k.now().Sub(seen.at) < knownFor
}

// note remembers the outcome of the announcement r of u.
func (k *duplicates) note(r *kgo.Record, session uint64, u orak.UploadID, out outcome) {
	if string(r.Key) == string(u) && (out == outcomeStarted || out == outcomeDuplicate) {
		k.known.Add(u, known{session: session, at: k.now()})
	}
}

// forget removes the entry of a record that is not an announcement.
func (k *duplicates) forget(r *kgo.Record) { k.known.Remove(orak.UploadID(r.Key)) }
