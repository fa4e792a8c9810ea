package accounts

import (
	"context"
	"fmt"

	"orak"
	"orak/internal/app/lakestore"
	"orak/sinks/lake/laketest"
)

// lake counts the rows of the tenant's events.
func (e *Reader) lake(ctx context.Context) (map[place]int, error) {
	contents, err := laketest.ReadAll(ctx, lakestore.New(e.store))
	if err != nil {
		return nil, fmt.Errorf("reading the lake: %w", err)
	}
	rows := map[place]int{}
	for _, row := range contents.Lifecycle {
		if row.Tenant == string(e.tenant) {
			rows[place{row.Partition, row.Offset}]++
		}
	}
	return rows, nil
}

// inLake compares the lake with the topic. Rows of erased uploads are removed within a
// day, and so may still be there.
func inLake(want map[orak.UploadID]expected, s *Seen) Result {
	r := Result{Promise: "every event is in the lake once"}
	for at, id := range s.lifecycle {
		n := s.lake[at]
		erased := n == 0 && want[id].operate == Erase
		r.Hold(n == 1 || erased, "record %d of partition %d, of %s, is there %d times", at.offset, at.partition, id, n)
	}
	for at, n := range s.lake {
		if _, ok := s.lifecycle[at]; !ok {
			r.Hold(false, "record %d of partition %d is there %d times, and not on the topic", at.offset, at.partition, n)
		}
	}
	return r
}
