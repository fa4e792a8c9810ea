package orak

import (
	"slices"
	"time"
)

// Stage is one step of the way of an upload through the service.
type Stage string

// The stages, in order. StageReceive is the bridge's: an upload whose
// announcement cannot be used fails there, before anything is run.
const (
	StageReceive Stage = "receive"
	StageConvert Stage = "convert"
	StageAnalyze Stage = "analyze"
	StagePublish Stage = "publish"
)

// Stages are the steps that a workflow runs, in order.
func Stages() []Stage { return []Stage{StageConvert, StageAnalyze, StagePublish} }

// FailureStages are those in which an upload can be dead-lettered, in order.
func FailureStages() []Stage { return append([]Stage{StageReceive}, Stages()...) }

// ParseStage checks s against the stages that a workflow runs; an upload can
// be reprocessed from each of them.
func ParseStage(s string) (Stage, bool) {
	return Stage(s), slices.Contains(Stages(), Stage(s))
}

// Running is the status of an upload while it is in stage s.
func (s Stage) Running() Status {
	switch s {
	case StageConvert:
		return StatusConverting
	case StageAnalyze:
		return StatusAnalyzing
	case StagePublish:
		return StatusPublishing
	default:
		return StatusQueued
	}
}

// Status says where an upload stands, as callers and operators see it.
type Status string

// The statuses. A dead-lettered upload is parked: it waits for an operator
// and may go to any running status again.
const (
	StatusQueued       Status = "queued"
	StatusConverting   Status = "converting"
	StatusAnalyzing    Status = "analyzing"
	StatusPublishing   Status = "publishing"
	StatusCompleted    Status = "completed"
	StatusDeadLettered Status = "dead_lettered"
	StatusDiscarded    Status = "discarded"
	StatusExpired      Status = "expired"
	StatusCanceled     Status = "canceled"
	// StatusErased: everything that was stored of the upload is gone.
	StatusErased Status = "erased"
)

// Final reports whether nothing further will happen to an upload by itself or
// by an operator's hand.
func (s Status) Final() bool {
	switch s {
	case StatusCompleted, StatusDiscarded, StatusExpired, StatusCanceled, StatusErased:
		return true
	default:
		return false
	}
}

// Progress is where an upload stands. The workflow keeps it in its memo and
// answers its status query with it; closed uploads keep it at OutcomeKey.
type Progress struct {
	Upload Upload `json:"upload"`
	Status Status `json:"status"`
	// Stage is the step that runs or failed; empty while queued and once
	// completed.
	Stage Stage `json:"stage,omitempty"`
	// Cycle counts the reprocessings, from 0.
	Cycle int `json:"cycle"`
	// Failure is why the upload was last dead-lettered; nil while it runs
	// and once it is completed.
	Failure *Failure `json:"failure,omitempty"`
	// First is the failure of the first cycle, where there was more than one:
	// what failed again later keeps its first cause.
	First *Failure `json:"first,omitempty"`
	// Restarts counts how often the reconciliation has started the upload
	// again because its workflow was gone, from 0.
	Restarts int `json:"restarts,omitempty"`
	// Timeline is what went wrong and what people did about it, in order;
	// MaxMarks at most, of which the oldest after the first are dropped.
	Timeline  []Mark    `json:"timeline,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
}

// MaxMarks bounds Progress.Timeline.
const MaxMarks = 24

// MarkKind says what a Mark marks.
type MarkKind string

// The kinds of marks.
const (
	// MarkAttemptFailed is one failed attempt of a stage, counted or not.
	MarkAttemptFailed MarkKind = "attempt_failed"
	MarkDeadLettered  MarkKind = "dead_lettered"
	MarkReprocessed   MarkKind = "reprocessed"
	MarkDiscarded     MarkKind = "discarded"
	// MarkRestarted is the reconciliation's doing.
	MarkRestarted MarkKind = "restarted"
)

// Mark is one entry of a timeline.
type Mark struct {
	At    time.Time `json:"at"`
	Kind  MarkKind  `json:"kind"`
	Stage Stage     `json:"stage,omitempty"`
	// Class and Message are those of a failure; Message is as safe as
	// Failure.Message.
	Class   Class  `json:"class,omitempty"`
	Message string `json:"message,omitempty"`
	// Attempt is the stage's counted attempt, from 1; 0 where none is meant.
	Attempt int `json:"attempt,omitempty"`
	// By and Reason are a person's.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// AddMark puts m behind marks, of which n stay at most: the first, and the
// latest. It leaves marks itself as it is.
func AddMark(marks []Mark, m Mark, n int) []Mark {
	next := slices.Concat(marks, []Mark{m})
	if over := len(next) - n; over > 0 {
		next = slices.Delete(next, 1, 1+over)
	}
	return next
}
