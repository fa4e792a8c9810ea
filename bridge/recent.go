package bridge

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
)

const (
	// recentUploads is how many uploads are remembered for each partition; one
	// takes some 200 bytes.
	recentUploads = 2048
	// recentFor bounds the time in which Temporal could be emptied, or a
	// workflow deleted by hand, without the bridge taking note of it.
	recentFor = 10 * time.Minute
)

// recent remembers the uploads whose workflows this session has started, or
// found there, so that an announcement that comes again settles without asking
// Temporal. A start is never undone, so what is remembered stays true; but for
// an upload that is erased and uploaded anew, and therefore any other event of
// an upload makes the session forget it.
//
// Only announcements under the upload's own key count: they and all other
// events of that key are in one partition, and so nothing of the upload passes
// this session by.
type recent struct {
	at *lru.Cache[orak.UploadID, time.Time]
	// now is time.Now, but in tests.
	now func() time.Time
}

func newRecent() *recent {
	at, err := lru.New[orak.UploadID, time.Time](recentUploads)
	if err != nil {
		panic(err) // of a size that is not positive
	}
	return &recent{at: at, now: time.Now}
}

// has reports whether the workflow of u, which r announces, is known to be
// there.
func (k *recent) has(r *kgo.Record, u orak.UploadID) bool {
	seen, ok := k.at.Get(u)
	return ok && string(r.Key) == string(u) && k.now().Sub(seen) < recentFor
}

// note remembers what came of the announcement r of u.
func (k *recent) note(r *kgo.Record, u orak.UploadID, out outcome) {
	if string(r.Key) == string(u) && (out == outcomeStarted || out == outcomeDuplicate) {
		k.at.Add(u, k.now())
	}
}

// forget is for a record that is no announcement.
func (k *recent) forget(r *kgo.Record) { k.at.Remove(orak.UploadID(r.Key)) }
