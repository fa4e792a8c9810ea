package activities

import (
	"context"
	"fmt"
	"time"

	"orak"
)

// AlertKind says what an Alert tells.
type AlertKind string

// The kinds of alerts.
const (
	// AlertDeadLettered says that an upload was dead-lettered.
	AlertDeadLettered AlertKind = ""
	// AlertExpiring says that an upload has been parked for so long that it
	// expires soon, at Alert.ExpiresAt.
	AlertExpiring AlertKind = "expiring"
)

// Alert says that an upload was dead-lettered, or that one expires soon.
type Alert struct {
	Kind AlertKind `json:"kind,omitempty"`
	// ID is the id of the event that says the same; a repeat has the same.
	// There is no event of an upload that expires soon: its ID ends in
	// "/expiring".
	ID       string        `json:"id"`
	Stage    orak.Stage    `json:"stage"`
	Class    orak.Class    `json:"class"`
	UploadID orak.UploadID `json:"upload_id"`
	Tenant   orak.Tenant   `json:"tenant"`
	Filename string        `json:"filename,omitempty"`
	Message  string        `json:"message"`
	At       time.Time     `json:"at"`
	// ExpiresAt is there with AlertExpiring alone.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// WorkflowID is what the commands of the message name.
	WorkflowID string `json:"workflow_id"`
}

// AlertGroup is what one message tells of the uploads of one stage and class:
// what is new since the message before, that the group is resolved, or, where
// it is neither, once more that uploads are parked.
type AlertGroup struct {
	Stage orak.Stage `json:"stage"`
	Class orak.Class `json:"class"`
	// Count is how many were dead-lettered since the message before, at least
	// len(Samples); where the group is resolved, how many were decided.
	Count int `json:"count"`
	// FirstAt and LastAt are when the first and the last of them were
	// dead-lettered; where Count is 0, those of the whole group.
	FirstAt time.Time `json:"first_at"`
	LastAt  time.Time `json:"last_at"`
	// Samples are the first alerts of the group, MaxSamples at most.
	Samples []Alert `json:"samples"`
	// Expiring are those that expire soon and were not told of yet.
	Expiring ExpiringGroup `json:"expiring,omitzero"`
	// Parked are all that are parked now; nil where that is not known.
	Parked *ParkedUploads `json:"parked,omitempty"`
	// ResolvedAt is when none was parked any more; zero where some are.
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
}

// ExpiringGroup are parked uploads that expire soon.
type ExpiringGroup struct {
	Count int `json:"count"`
	// FirstAt is when the first of them expires.
	FirstAt time.Time `json:"first_at"`
	// Samples are MaxSamples at most.
	Samples []Alert `json:"samples"`
}

// News reports whether the group tells of something that happened.
func (g AlertGroup) News() bool { return g.Count > 0 || g.Expiring.Count > 0 }

// MaxSamples is how many uploads an alert message names.
const MaxSamples = 3

// RaiseAlert hands an alert to the digest of its stage and class.
func (a *Activities) RaiseAlert(ctx context.Context, in Alert) error {
	if err := a.deps.Alerter.Raise(ctx, in); err != nil {
		return fmt.Errorf("raising alert: %w", err)
	}
	return nil
}

// PostAlert posts one message for a group of alerts.
func (a *Activities) PostAlert(ctx context.Context, g AlertGroup) error {
	return a.post(ctx, a.message(g), "stage", string(g.Stage), "class", string(g.Class), "count", g.Count)
}
