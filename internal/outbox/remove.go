package outbox

import (
	"context"
	"fmt"
	"time"
)

// The bounds of Remove. A deletion takes milliseconds, so maxRemovals is enough.
const (
	maxRemovals   = 32
	removeTimeout = 30 * time.Second
)

// Keyed names the object that is a marker.
type Keyed interface {
	// ObjectKey is the marker's key in the store.
	ObjectKey() string
}

// Remove deletes a marker; an absent one is not an error. At most maxRemovals
// run at once, and each ends within removeTimeout. Nothing else deletes markers,
// except the erasure of an upload, which removes all its objects.
func (o *Outbox) Remove(ctx context.Context, m Keyed) error {
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	if err := o.removals.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("waiting to remove the outbox marker: %w", err)
	}
	defer o.removals.Release(1)
	return o.store.Delete(ctx, m.ObjectKey())
}
