package index

import (
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/internal/kafka/deadletter"
)

// decoded is what a batch of records says.
type decoded struct {
	batch Batch
	// incomplete are the places in batch.Rows of those that lack their analysis.
	incomplete []int
	// unreadable are the records that become dead letters.
	unreadable       []deadletter.Letter
	skipped, foreign int
}

// decode reads records of one partition, in the order of their offsets.
func decode(records []*kgo.Record, now time.Time) *decoded {
	head, last := records[0], records[len(records)-1]
	d := &decoded{batch: Batch{Topic: head.Topic, Partition: head.Partition, Next: last.Offset + 1}}
	for _, r := range records {
		d.add(r, now)
	}
	return d
}

func (d *decoded) add(r *kgo.Record, now time.Time) {
	if r.Topic == events.TopicAudit {
		d.addAct(r, now)
		return
	}
	e, err := events.FromRecord(r)
	if errors.Is(err, events.ErrUnknownType) {
		d.skipped++
		return
	}
	if r.Topic == events.TopicUploads {
		d.addAnnounced(r, e, err)
		return
	}
	var u Upload
	complete := false
	if err == nil {
		u, complete, err = FromLifecycle(e)
	}
	if err != nil {
		d.unreadable = append(d.unreadable, deadletter.Of(r, orak.AsFault(err), now))
		return
	}
	if !complete {
		d.incomplete = append(d.incomplete, len(d.batch.Rows))
	}
	d.batch.Rows = append(d.batch.Rows, Row{Offset: r.Offset, Upload: u})
}

// addAct reads a record of orak.audit.
func (d *decoded) addAct(r *kgo.Record, now time.Time) {
	a, err := events.ActFrom(r)
	if err != nil {
		d.unreadable = append(d.unreadable, deadletter.Of(r, orak.AsFault(err), now))
		return
	}
	d.batch.Acts = append(d.batch.Acts, ActRow{Offset: r.Offset, Act: a})
}

// addAnnounced reads a record of orak.uploads. One that is no event may be a bucket's
// notification, and one that cannot be read is buried by the bridge, whose topic it is:
// the workflow that comes of it says what became of it.
func (d *decoded) addAnnounced(r *kgo.Record, e events.Event, err error) {
	if err == nil && e.Type != events.UploadReceived {
		// Other programs may announce a request, without the record that ours write first.
		if a, ok := events.ActOf(r.Topic, e); ok {
			d.batch.Acts = append(d.batch.Acts, ActRow{Offset: r.Offset, Act: a})
			return
		}
		d.skipped++
		return
	}
	var u Upload
	if err == nil {
		u, err = FromReceived(e)
	}
	if err != nil {
		d.foreign++
		return
	}
	d.batch.Rows = append(d.batch.Rows, Row{Offset: r.Offset, Upload: u})
}
