package messages

import (
	"time"

	"orak"
)

// AlertKind says what an Alert reports.
type AlertKind string

// The kinds of alerts.
const (
	// AlertDeadLettered reports that an upload was dead-lettered.
	AlertDeadLettered AlertKind = ""
	// AlertExpiring reports that a parked upload expires soon, at
	// Alert.ExpiresAt.
	AlertExpiring AlertKind = "expiring"
)

// Alert reports that an upload was dead-lettered, or that one expires soon.
type Alert struct {
	Kind AlertKind `json:"kind,omitempty"`
	// ID is the id of the event that reports the same; a repeat has the same
	// one. An upload that expires soon has no event: its ID ends in "/expiring".
	ID       string        `json:"id"`
	Stage    orak.Stage    `json:"stage"`
	Class    orak.Class    `json:"class"`
	UploadID orak.UploadID `json:"upload_id"`
	Tenant   orak.Tenant   `json:"tenant"`
	Filename string        `json:"filename,omitempty"`
	Message  string        `json:"message"`
	At       time.Time     `json:"at"`
	// ExpiresAt is set only with AlertExpiring.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// WorkflowID is the workflow that the commands of the message name; empty
	// for a record that never became a workflow.
	WorkflowID string `json:"workflow_id"`
}

// AlertGroup is the content of one message about the uploads of one stage and
// class: what is new since the last message, that the group is resolved, or,
// where it is neither, a reminder that uploads are parked.
type AlertGroup struct {
	Stage orak.Stage `json:"stage"`
	Class orak.Class `json:"class"`
	// Count is the number of uploads dead-lettered since the last message, at
	// least len(Samples); in a resolved group, the number that were decided.
	Count int `json:"count"`
	// FirstAt and LastAt are when the first and the last of them were
	// dead-lettered; where Count is 0, those of the whole group.
	FirstAt time.Time `json:"first_at"`
	LastAt  time.Time `json:"last_at"`
	// Samples are the first alerts of the group, MaxSamples at most.
	Samples []Alert `json:"samples"`
	// Expiring are uploads that expire soon and that no message has named yet.
	Expiring ExpiringGroup `json:"expiring,omitzero"`
	// Parked are all uploads that are parked now; nil where that is not known.
	Parked *ParkedUploads `json:"parked,omitempty"`
	// ResolvedAt is when the last of them was decided; zero while some are
	// parked.
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

// ParkedUploads are the parked uploads of a stage and class.
type ParkedUploads struct {
	// Count is at least len(Samples).
	Count   int             `json:"count"`
	Samples []orak.UploadID `json:"samples,omitempty"`
	// Tenants are those of Samples, in the same order; empty for one that is
	// not known.
	Tenants []orak.Tenant `json:"tenants,omitempty"`
}

// MaxSamples is the number of uploads that a message names.
const MaxSamples = 3

// News reports whether something has happened since the last message.
func (g AlertGroup) News() bool { return g.Count > 0 || g.Expiring.Count > 0 }

// alerts returns the samples as alerts of which only the upload is known.
func (p *ParkedUploads) alerts() []Alert {
	if p == nil {
		return nil
	}
	all := make([]Alert, len(p.Samples))
	for i, id := range p.Samples {
		all[i].UploadID, all[i].WorkflowID = id, "upload-"+string(id)
		if i < len(p.Tenants) {
			all[i].Tenant = p.Tenants[i]
		}
	}
	return all
}
