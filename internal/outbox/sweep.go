package outbox

import (
	"context"
	"fmt"
	"time"
)

// Page counts what Sweep did with some of the markers.
type Page struct {
	Examined, Published, Dropped, Failed int
	// Last is the key after which the next page begins. Done means that there is
	// no next page.
	Last string
	Done bool
}

// Sweep publishes the markers whose keys come after the given one, size at most,
// except those that are younger than minAge. A marker that fails does not keep
// the others back; an error means that uploads' markers fail, and with them all (see
// Brakes). Erasures that fail are counted, and not tried any more in this page.
func (o *Outbox) Sweep(ctx context.Context, after string, size int, minAge time.Duration) (Page, error) {
	p := Page{Last: after, Done: true}
	var brakes Brakes
	young := time.Now().Add(-minAge)
	for f, err := range o.Walk(ctx, after) {
		if err != nil {
			return p, err
		}
		if p.Examined == size {
			p.Done = false
			return p, nil
		}
		p.Examined++
		p.Last = f.ObjectKey()
		if !f.At.Before(young) {
			continue
		}
		brake := brakes.Of(f)
		if brake.On() {
			p.Failed++
			continue
		}
		outcome, err := o.Publish(ctx, f)
		if err := ctx.Err(); err != nil {
			return p, err
		}
		p.count(outcome, err)
		if err != nil {
			o.log.WarnContext(ctx, "an outbox marker could not be published", "upload_id", f.ID, "tenant", f.Tenant, "error", err)
		}
		if brake.Count(outcome, err); brake.On() && !f.Erasure {
			return p, fmt.Errorf("publishing the outbox: %w", err)
		}
	}
	return p, nil
}

func (p *Page) count(o Outcome, err error) {
	switch {
	case err != nil:
		p.Failed++
	case o == Published:
		p.Published++
	case o == Dropped:
		p.Dropped++
	}
}
