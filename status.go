package orak

import (
	"slices"
	"time"
)

// Stage is a step of the processing of an upload.
type Stage string

// The stages, in order. An upload whose announcement is refused fails in
// StageReceive, which the bridge runs.
const (
	StageReceive Stage = "receive"
	StageConvert Stage = "convert"
	StageAnalyze Stage = "analyze"
	StagePublish Stage = "publish"
)

// Stages returns the stages that a workflow runs, in order.
func Stages() []Stage { return []Stage{StageConvert, StageAnalyze, StagePublish} }

// FailureStages returns the stages in which an upload can be dead-lettered, in
// order.
func FailureStages() []Stage { return append([]Stage{StageReceive}, Stages()...) }

// ParseStage returns untrusted s as one of Stages; ok is false if it is not one. An
// upload can be reprocessed from each of them.
func ParseStage(s string) (stage Stage, ok bool) {
	return Stage(s), slices.Contains(Stages(), Stage(s))
}

// Running returns the status of an upload that is in stage s.
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

// Status is the state of an upload, as callers and operators see it.
type Status string

// The statuses. A dead-lettered upload is parked: it waits for an operator, and may
// return to any running status.
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
	// StatusErased: everything that was stored of the upload was removed.
	StatusErased Status = "erased"
)

// Final reports whether neither orak nor an operator changes the status any more.
func (s Status) Final() bool {
	switch s {
	case StatusCompleted, StatusDiscarded, StatusExpired, StatusCanceled, StatusErased:
		return true
	default:
		return false
	}
}

// Progress is the state of an upload in full. The workflow keeps it in its memo and
// answers its status query with it; that of a closed upload is at OutcomeKey.
type Progress struct {
	Upload Upload `json:"upload"`
	Status Status `json:"status"`
	// Stage is the stage that runs or failed; empty while the upload is queued and
	// after it has completed.
	Stage Stage `json:"stage,omitempty"`
	// Cycle is the number of reprocesses, from 0.
	Cycle int `json:"cycle"`
	// Failure is why the upload was last dead-lettered; nil while it runs and
	// after it has completed.
	Failure *Failure `json:"failure,omitempty"`
	// First is the failure of the first cycle, so that an upload that fails again
	// keeps its first cause; nil in the first cycle.
	First *Failure `json:"first,omitempty"`
	// Restarts is how often Reconcile has started the upload again because its
	// workflow was terminated, timed out or failed.
	Restarts int `json:"restarts,omitempty"`
	// Timeline has the failures and what people did about them, in order. It has at
	// most MaxMarks entries; the oldest after the first are dropped.
	Timeline  []Mark    `json:"timeline,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
}

// MaxMarks bounds Progress.Timeline.
const MaxMarks = 24

// MarkKind is the kind of a Mark.
type MarkKind string

// The kinds of marks.
const (
	// MarkAttemptFailed is a failed attempt of a stage, counted or not.
	MarkAttemptFailed MarkKind = "attempt_failed"
	MarkDeadLettered  MarkKind = "dead_lettered"
	MarkReprocessed   MarkKind = "reprocessed"
	MarkDiscarded     MarkKind = "discarded"
	// MarkRestarted is a restart by Reconcile.
	MarkRestarted MarkKind = "restarted"
)

// Mark is an entry of a timeline.
type Mark struct {
	At    time.Time `json:"at"`
	Kind  MarkKind  `json:"kind"`
	Stage Stage     `json:"stage,omitempty"`
	// Class and Message are those of a failure. Message is as safe to show as
	// Failure.Message.
	Class   Class  `json:"class,omitempty"`
	Message string `json:"message,omitempty"`
	// Attempt is the counted attempt of the stage, from 1; 0 if there is none.
	Attempt int `json:"attempt,omitempty"`
	// By is the person who acted, and Reason why.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// AddMark returns marks with m appended, cut to n entries: the first and the
// latest. It does not change marks.
func AddMark(marks []Mark, m Mark, n int) []Mark {
	next := slices.Concat(marks, []Mark{m})
	if over := len(next) - n; over > 0 {
		next = slices.Delete(next, 1, 1+over)
	}
	return next
}
