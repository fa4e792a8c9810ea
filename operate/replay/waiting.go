package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
)

// uploadKey is an upload of a tenant.
type uploadKey struct {
	tenant orak.Tenant
	id     orak.UploadID
}

// leaveWaiting leaves those to the bridges that a cluster has an announcement of which
// they have not read yet. It comes after the markers were looked for: an upload whose
// marker is gone is announced, and then either waits or has a workflow, which RunStored
// does not start again, or its cluster is dead.
func (r *Replayer) leaveWaiting(ctx context.Context, p *StoredPlan) error {
	if len(p.missing) == 0 {
		return nil
	}
	active, err := r.deps.Active(ctx)
	if err != nil {
		return errUnreachable("The object store does not say which cluster is active.", err)
	}
	missing := make(map[uploadKey]bool, len(p.missing))
	for _, u := range p.missing {
		missing[uploadKey{u.Tenant, u.ID}] = true
	}
	for _, place := range r.deps.Kafka.Places() {
		on := *r
		on.deps.Kafka = r.deps.Kafka.At(place)
		err := on.unread(ctx, func(u orak.Upload) { delete(missing, uploadKey{u.Tenant, u.ID}) })
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case place == active:
			return &orak.Fault{Class: orak.ClassDependency, Message: fmt.Sprintf("The active cluster, %s, cannot be read. Repair it, or switch to another one first.", place), Err: err}
		default:
			r.log.WarnContext(ctx, "cluster cannot be read; what waits there counts as missing", "cluster", place, "error", err)
			p.Unasked = append(p.Unasked, place)
		}
	}
	p.missing = slices.DeleteFunc(p.missing, func(u StoredUpload) bool { return !missing[uploadKey{u.Tenant, u.ID}] })
	p.Waiting, p.Start = p.Start-len(p.missing), len(p.missing)
	return nil
}

// unread passes the uploads to visit that the topic announces and the bridges have not
// read yet.
func (r *Replayer) unread(ctx context.Context, visit func(orak.Upload)) error {
	bounds, err := r.ahead(ctx)
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil // the cluster is new
	}
	if err != nil {
		return err
	}
	return r.readUploads(ctx, bounds, func(records []*kgo.Record) error {
		for _, rec := range records {
			if u, err := decode(rec); err == nil {
				visit(u)
			}
		}
		return nil
	})
}

// ahead returns the bounds of what the bridges have not read yet.
func (r *Replayer) ahead(ctx context.Context) (map[int32]Bounds, error) {
	adm, closeClient, err := r.admin()
	if err != nil {
		return nil, err
	}
	defer closeClient()
	starts, ends, err := logBounds(ctx, adm, events.TopicUploads)
	if err != nil {
		return nil, err
	}
	live, err := committed(ctx, adm, events.GroupBridge, events.TopicUploads)
	if err != nil {
		return nil, err
	}
	all := make(map[int32]Bounds)
	for partition, end := range ends {
		all[partition] = Bounds{Next: max(starts[partition], live[partition]), End: end}
	}
	return all, nil
}
