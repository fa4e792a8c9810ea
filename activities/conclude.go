package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"orak"
	"orak/events"
)

// Conclude makes the end of an upload durable: the outcome object first, then
// the event that says the same. It returns the Progress with which the upload
// ended, which need not be p: the first outcome of a cycle that is stored stands,
// and whoever comes later, in another run or another attempt, repeats its
// event. So an upload that was completed is never canceled, nor the other way
// round, and an end that was cut off between object and event is finished.
func (a *Activities) Conclude(ctx context.Context, p orak.Progress) (orak.Progress, error) {
	p, err := a.decided(ctx, p)
	if err != nil {
		return orak.Progress{}, err
	}
	id, t, l, err := events.End(p)
	if err != nil {
		return orak.Progress{}, internalFault(fmt.Errorf("saying how upload %s ended: %w", p.Upload.ID, err))
	}
	if p.Status == orak.StatusCompleted {
		if l.Analysis, err = a.finish(ctx, p.Upload); err != nil {
			return orak.Progress{}, err
		}
	}
	return p, a.Announce(ctx, AnnounceInput{ID: id, Type: t, At: p.UpdatedAt, Lifecycle: l})
}

// decided stores p as the outcome, unless there is one of its cycle or a later
// one: then that one is returned.
func (a *Activities) decided(ctx context.Context, p orak.Progress) (orak.Progress, error) {
	key := orak.OutcomeKey(p.Upload.Tenant, p.Upload.ID)
	for range 2 { // the second time to read what was stored meanwhile
		var stored orak.Progress
		found, err := a.readJSON(ctx, key, &stored)
		switch {
		case err != nil:
			return p, err
		case found && stored.Status.Final() && stored.Cycle >= p.Cycle:
			return stored, nil
		case found:
			return p, a.putJSON(ctx, key, p) // of an earlier cycle
		}
		if err := a.putNewJSON(ctx, key, p); !errors.Is(err, fs.ErrExist) {
			return p, err
		}
	}
	return p, a.putJSON(ctx, key, p) // what is there cannot be read
}

// finish makes what was found in a completed upload known to uploads of the same
// bytes, and returns it. It comes after the outcome, which an erasure finds the
// pointer by. Nil means that somebody has removed the analysis.
func (a *Activities) finish(ctx context.Context, u orak.Upload) (*orak.Analysis, error) {
	var analysis orak.Analysis
	found, err := a.readJSON(ctx, orak.AnalysisKey(u.Tenant, u.ID), &analysis)
	if err != nil {
		return nil, err
	}
	if !found {
		a.log.ErrorContext(ctx, "a completed upload has no analysis", "upload_id", u.ID, "tenant", u.Tenant)
		return nil, nil
	}
	return &analysis, a.point(ctx, u, analysis.Engine)
}

// putNewJSON is putJSON of an object that is not there; see Store.PutNew.
func (a *Activities) putNewJSON(ctx context.Context, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return internalFault(fmt.Errorf("encoding %s: %w", key, err))
	}
	if err := a.deps.Store.PutNew(ctx, key, bytes.NewReader(data), int64(len(data)), "application/json"); err != nil {
		return fmt.Errorf("storing %s: %w", key, err)
	}
	return nil
}
