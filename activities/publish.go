package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"orak"
)

// StoreAnalysisInput asks for the results of an analyzed upload to be stored.
type StoreAnalysisInput struct {
	Upload   orak.Upload   `json:"upload"`
	Analysis orak.Analysis `json:"analysis"`
}

// StoreAnalysis writes analysis.json. That the upload is completed is for
// Conclude to say.
func (a *Activities) StoreAnalysis(ctx context.Context, in StoreAnalysisInput) error {
	return a.putJSON(ctx, orak.AnalysisKey(in.Upload.Tenant, in.Upload.ID), in.Analysis)
}

// PublishInput asks for the results of an analyzed upload to be published.
type PublishInput struct {
	// Progress is the last one: completed.
	Progress orak.Progress `json:"progress"`
	Analysis orak.Analysis `json:"analysis"`
	// Completed is the event that says so. It needs no Analysis.
	Completed AnnounceInput `json:"completed"`
}

// Publish writes analysis.json and outcome.json and then says so downstream:
// whoever reads the event finds both. Runs that began before there was Conclude
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

// SaveOutcome writes the last Progress of an upload under orak.OutcomeKey, for
// runs that began before there was Conclude.
func (a *Activities) SaveOutcome(ctx context.Context, p orak.Progress) error {
	return a.putJSON(ctx, orak.OutcomeKey(p.Upload.Tenant, p.Upload.ID), p)
}

func (a *Activities) putJSON(ctx context.Context, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return internalFault(fmt.Errorf("encoding %s: %w", key, err))
	}
	err = a.deps.Store.Put(ctx, key, bytes.NewReader(data), int64(len(data)), "application/json")
	if err != nil {
		return fmt.Errorf("storing %s: %w", key, err)
	}
	return nil
}
