package lake

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Writer is the writer by itself.
type Writer struct{ w *writer }

// NewWriter makes a Writer.
func NewWriter(s Store) Writer { return Writer{newWriter(s, newMetrics(nil))} }

// Write puts the files of records, of one partition and in the order of their offsets.
func (w Writer) Write(ctx context.Context, records []*kgo.Record, session uint64) error {
	return w.w.write(ctx, read(records, time.Now()), session)
}
