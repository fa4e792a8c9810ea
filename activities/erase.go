package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.temporal.io/sdk/activity"

	"orak"
)

// Erasing names an upload that is being erased.
type Erasing struct {
	ID     orak.UploadID `json:"upload_id"`
	Tenant orak.Tenant   `json:"tenant"`
	// RequestedAt, By and Reason say when the erasure was first requested, by
	// whom and why.
	RequestedAt time.Time `json:"requested_at"`
	By          string    `json:"by"`
	Reason      string    `json:"reason,omitempty"`
}

// EndInput is the input of EndProcessing.
type EndInput struct {
	Erasing
	// Patience is how long the canceled workflow may take to end before it is
	// terminated.
	Patience time.Duration `json:"patience"`
}

// Bury writes the tombstone of an upload, or reads an existing one; a damaged one
// is overwritten. From then on nothing is started for the upload.
func (a *Activities) Bury(ctx context.Context, in Erasing) (orak.Tombstone, error) {
	key := orak.ErasedKey(in.Tenant, in.ID)
	stone := orak.Tombstone{ID: in.ID, RequestedAt: in.RequestedAt}
	var found orak.Tombstone
	switch ok, err := a.readJSON(ctx, key, &found); {
	case err != nil:
		return orak.Tombstone{}, err
	case !ok || found.ID != in.ID:
		return stone, a.putJSON(ctx, key, stone)
	}
	return found, nil
}

// errRuns is the reason for another look at a workflow that is asked to end.
var errRuns = errors.New("the workflow has not ended yet")

// EndProcessing returns when the upload's workflow has ended, and no
// announcement can start another one.
func (a *Activities) EndProcessing(ctx context.Context, in EndInput) error {
	patientUntil := activity.GetInfo(ctx).ScheduledTime.Add(in.Patience)
	// Without jitter: the workflow is terminated soon after its patience is over.
	wait := &backoff.ExponentialBackOff{InitialInterval: 50 * time.Millisecond, Multiplier: 2, MaxInterval: 2 * time.Second}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		activity.RecordHeartbeat(ctx)
		ended, err := a.deps.Ender.End(ctx, in.Erasing, !time.Now().Before(patientUntil))
		switch {
		case err != nil:
			return struct{}{}, backoff.Permanent(err)
		case !ended:
			return struct{}{}, errRuns
		}
		return struct{}{}, nil
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0))
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // not its cause, which the server would take for a failure
	}
	return err
}

// RemoveObjects removes all objects of an upload except its tombstone, and the
// pointers to its analyses, and returns how many they were. It repeats until it
// finds none: an attempt that is about to end may still write.
func (a *Activities) RemoveObjects(ctx context.Context, in Erasing) (int, error) {
	removed, err := a.unpoint(ctx, in)
	if err != nil {
		return removed, err
	}
	for _, prefix := range []string{
		orak.UploadPrefix(in.Tenant, in.ID), orak.PendingKey(in.Tenant, in.ID),
		orak.TusPrefix(in.Tenant, in.ID), orak.TusKey(in.Tenant, in.ID),
		orak.IncomingKey(in.Tenant, in.ID), orak.DirectKey(in.Tenant, in.ID),
	} {
		for {
			n, err := a.removeAll(ctx, prefix)
			removed += n
			if err != nil {
				return removed, err
			}
			if n == 0 {
				break
			}
		}
	}
	if removed > 0 {
		a.log.InfoContext(ctx, "removed the objects of an upload", "upload_id", in.ID, "tenant", in.Tenant, "objects", removed)
	}
	return removed, nil
}

func (a *Activities) removeAll(ctx context.Context, prefix string) (int, error) {
	n := 0
	for key, err := range a.deps.Store.Keys(ctx, prefix) {
		if err != nil {
			return n, fmt.Errorf("listing objects: %w", err)
		}
		if err := a.deps.Store.Delete(ctx, key); err != nil {
			return n, fmt.Errorf("removing object: %w", err)
		}
		n++
		activity.RecordHeartbeat(ctx)
	}
	return n, nil
}

// SealInput is the input of Seal.
type SealInput struct {
	Tenant orak.Tenant    `json:"tenant"`
	Stone  orak.Tombstone `json:"stone"`
}

// Seal completes a tombstone: everything is removed, and the event is published.
func (a *Activities) Seal(ctx context.Context, in SealInput) error {
	if err := a.putJSON(ctx, orak.ErasedKey(in.Tenant, in.Stone.ID), in.Stone); err != nil {
		return err
	}
	a.metrics.erased.Inc()
	a.log.InfoContext(ctx, "upload erased", "upload_id", in.Stone.ID, "tenant", in.Tenant, "requested_at", in.Stone.RequestedAt)
	return nil
}
