package activities

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"orak"
	"orak/events"
)

// ConcludeInput asks for the end of an upload.
type ConcludeInput struct {
	// Progress is the last one, with the final status.
	orak.Progress
	// Brief asks for a result only if the upload ended otherwise.
	Brief bool `json:"brief,omitempty"`
}

// Concluded is the result of Conclude.
type Concluded struct {
	// Progress is that with which the upload ended; nil if it is the one of a Brief
	// input.
	*orak.Progress
}

// Conclude makes the end of an upload durable: first the outcome object, then
// the event with the same content. It returns the Progress with which the upload
// ended, which need not be that of in: the first outcome stored in a cycle is final,
// and a later run or attempt only repeats its event. So a completed upload is never
// canceled, nor the other way round, and an end that was interrupted between
// object and event is finished.
func (a *Activities) Conclude(ctx context.Context, in ConcludeInput) (Concluded, error) {
	p, other, err := a.decided(ctx, in.Progress)
	if err != nil {
		return Concluded{}, err
	}
	if err := a.announceEnd(ctx, p); err != nil {
		return Concluded{}, err
	}
	if in.Brief && !other {
		return Concluded{}, nil
	}
	return Concluded{&p}, nil
}

// announceEnd publishes the event that says how the upload of p ended.
func (a *Activities) announceEnd(ctx context.Context, p orak.Progress) error {
	id, t, l, err := events.End(p)
	if err != nil {
		return internalFault(fmt.Errorf("making the final event of upload %s: %w", p.Upload.ID, err))
	}
	if p.Status == orak.StatusCompleted {
		if l.Analysis, err = a.finish(ctx, p.Upload); err != nil {
			return err
		}
	}
	return a.Announce(ctx, AnnounceInput{ID: id, Type: t, At: p.UpdatedAt, Lifecycle: l})
}

// decided stores p as the outcome and returns it. If there is already an outcome
// of the same cycle or a later one, it returns that one, and true.
func (a *Activities) decided(ctx context.Context, p orak.Progress) (_ orak.Progress, other bool, err error) {
	key := orak.OutcomeKey(p.Upload.Tenant, p.Upload.ID)
	for range 2 { // the second time reads what was stored meanwhile
		var stored orak.Progress
		found, err := a.readJSON(ctx, key, &stored)
		switch {
		case err != nil:
			return p, false, err
		case found && stored.Status.Final() && stored.Cycle >= p.Cycle:
			return stored, true, nil
		case found:
			return p, false, a.putJSON(ctx, key, p) // of an earlier cycle
		}
		if err := storeJSON(ctx, a.deps.Store.PutNew, key, p); !errors.Is(err, fs.ErrExist) {
			return p, false, err
		}
	}
	return p, false, a.putJSON(ctx, key, p) // the stored one cannot be read
}

// finish returns the analysis of a completed upload, and makes it available to
// uploads of the same bytes. It must follow the outcome, by which an erasure finds
// the pointer. It returns nil where somebody has removed the analysis.
func (a *Activities) finish(ctx context.Context, u orak.Upload) (*orak.Analysis, error) {
	var analysis orak.Analysis
	found, err := a.readJSON(ctx, orak.AnalysisKey(u.Tenant, u.ID), &analysis)
	if err != nil {
		return nil, err
	}
	if !found {
		a.log.ErrorContext(ctx, "completed upload has no analysis", "upload_id", u.ID, "tenant", u.Tenant)
		return nil, nil
	}
	return &analysis, a.point(ctx, u, analysis.Engine)
}
