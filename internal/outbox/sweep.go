package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orak"
)

// maxUnsent ends a page: Kafka is down, and not one partition of it.
const maxUnsent = 8

// Page is what Sweep did with some of the markers.
type Page struct {
	Examined, Published, Dropped, Failed int
	// Last is the key that the next page begins behind; Done says that there
	// is none.
	Last string
	Done bool
}

// Sweep settles the markers behind after, size at most, but for those that are
// younger than minAge. One that fails does not keep the others back; an error
// means that everything fails.
func (o *Outbox) Sweep(ctx context.Context, l Lister, after string, size int, minAge time.Duration) (Page, error) {
	p := Page{Last: after, Done: true}
	young, unsent := time.Now().Add(-minAge), 0
	for info, err := range l.ListAfter(ctx, orak.PendingPrefix, after) {
		if err != nil {
			return p, err
		}
		if p.Examined == size {
			p.Done = false
			return p, nil
		}
		p.Examined++
		p.Last = info.Key
		f, ok := FoundAt(info)
		if !ok || !f.At.Before(young) {
			continue
		}
		outcome, err := o.Settle(ctx, f)
		if err := ctx.Err(); err != nil {
			return p, err
		}
		if err != nil {
			p.Failed++
			o.log.Warn("an upload in the outbox could not be announced", "upload_id", f.ID, "tenant", f.Tenant, "error", err)
			if unsent++; errors.Is(err, ErrUnsent) && unsent == maxUnsent {
				return p, fmt.Errorf("announcing what is in the outbox: %w", err)
			}
			continue
		}
		unsent = 0
		p.count(outcome)
	}
	return p, nil
}

func (p *Page) count(o Outcome) {
	switch o {
	case Published:
		p.Published++
	case Dropped:
		p.Dropped++
	}
}
