package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"orak"
)

// StoreAnalysisInput is the input of StoreAnalysis.
type StoreAnalysisInput struct {
	Upload   orak.Upload   `json:"upload"`
	Analysis orak.Analysis `json:"analysis"`
}

// StoreAnalysis writes analysis.json. Conclude makes the upload completed.
func (a *Activities) StoreAnalysis(ctx context.Context, in StoreAnalysisInput) error {
	return a.putJSON(ctx, orak.AnalysisKey(in.Upload.Tenant, in.Upload.ID), in.Analysis)
}

// PublishInput is the input of Publish.
type PublishInput struct {
	// Progress is the final one, of an upload that is completed.
	Progress orak.Progress `json:"progress"`
	Analysis orak.Analysis `json:"analysis"`
	// Completed is its event; Publish adds the Analysis.
	Completed AnnounceInput `json:"completed"`
}

// Publish writes analysis.json and outcome.json and then publishes the event, so
// that a reader of the event finds both. Runs that began before Conclude existed
// end with it.
func (a *Activities) Publish(ctx context.Context, in PublishInput) error {
	u := in.Progress.Upload
	if err := a.putJSON(ctx, orak.AnalysisKey(u.Tenant, u.ID), in.Analysis); err != nil {
		return err
	}
	if err := a.SaveOutcome(ctx, in.Progress); err != nil {
		return err
	}
	if err := a.point(ctx, u, in.Analysis.Engine); err != nil {
		return err
	}
	in.Completed.Lifecycle.Analysis = &in.Analysis
	return a.Announce(ctx, in.Completed)
}

// SaveOutcome writes the final Progress of an upload under orak.OutcomeKey, for
// runs that began before Conclude existed.
func (a *Activities) SaveOutcome(ctx context.Context, p orak.Progress) error {
	return a.putJSON(ctx, orak.OutcomeKey(p.Upload.Tenant, p.Upload.ID), p)
}

func (a *Activities) putJSON(ctx context.Context, key string, value any) error {
	return storeJSON(ctx, a.deps.Store.Put, key, value)
}

// storeJSON stores value with put, which is Store.Put or Store.PutNew.
func storeJSON(ctx context.Context, put func(context.Context, string, io.Reader, int64, string) error, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return internalFault(fmt.Errorf("encoding %s: %w", key, err))
	}
	if err := put(ctx, key, bytes.NewReader(data), int64(len(data)), "application/json"); err != nil {
		return fmt.Errorf("storing %s: %w", key, err)
	}
	return nil
}
