package activities

import (
	"context"
	"fmt"

	"orak"
)

// Parked finds the uploads of a stage and class that are parked now, as
// ParkedQuery tells them, which may lag some seconds behind.
type Parked interface {
	// FindParked counts all of them and names MaxSamples at most.
	FindParked(ctx context.Context, s orak.Stage, c orak.Class) (ParkedUploads, error)
}

// ParkedUploads are the parked uploads of a stage and class.
type ParkedUploads struct {
	// Count is at least len(Samples).
	Count   int             `json:"count"`
	Samples []orak.UploadID `json:"samples,omitempty"`
	// Tenants are those of Samples, in the same order; empty for one that is
	// not known.
	Tenants []orak.Tenant `json:"tenants,omitempty"`
}

// alerts are the samples as far as they are known.
func (p *ParkedUploads) alerts() []Alert {
	if p == nil {
		return nil
	}
	all := make([]Alert, len(p.Samples))
	for i, id := range p.Samples {
		all[i].UploadID = id
		if i < len(p.Tenants) {
			all[i].Tenant = p.Tenants[i]
		}
	}
	return all
}

// CountParkedInput says of which group the parked uploads are counted.
type CountParkedInput struct {
	Stage orak.Stage `json:"stage"`
	Class orak.Class `json:"class"`
}

// CountParked counts the parked uploads of a stage and class.
func (a *Activities) CountParked(ctx context.Context, in CountParkedInput) (ParkedUploads, error) {
	found, err := a.deps.Parked.FindParked(ctx, in.Stage, in.Class)
	if err != nil {
		return ParkedUploads{}, fmt.Errorf("counting parked uploads: %w", err)
	}
	return found, nil
}

// ParkedQuery is the visibility query for the parked uploads of a stage and
// class.
func ParkedQuery(s orak.Stage, c orak.Class) string {
	return fmt.Sprintf("WorkflowType='ProcessUpload' AND ExecutionStatus='Running' AND OrakStatus='%s' AND OrakStage='%s' AND OrakFailure='%s'",
		orak.StatusDeadLettered, s, c)
}
