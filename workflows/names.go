package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/activities"
	"orak/events"
)

// Workflow types and ids. Operators type the ids.
const (
	TypeProcessUpload = "ProcessUpload"
	TypeAlertDigest   = "AlertDigest"
	TypeOutageDigest  = "OutageDigest"
	TypeEraseUpload   = "EraseUpload"
	TypeReconcile     = "Reconcile"
	TypeTurn          = "Turn"
)

// ScheduleReconcile is the id of the schedule that runs Reconcile.
const ScheduleReconcile = "orak-reconcile"

// UploadWorkflowID is the id of the workflow that processes an upload.
func UploadWorkflowID(id orak.UploadID) string { return "upload-" + string(id) }

// AlertWorkflowID is the id of the workflow that gathers the alerts of one
// kind of failure.
func AlertWorkflowID(s orak.Stage, c orak.Class) string {
	return "alerts-" + string(s) + "-" + string(c)
}

// OutageWorkflowID is the id of the workflow that tells of the outage of one
// dependency, and of its end.
func OutageWorkflowID(d orak.Dependency) string { return "outage-" + string(d) }

// TurnWorkflowID is the id of the workflow that one worker holds while it has a
// recording alone with a dependency.
func TurnWorkflowID(d orak.Dependency) string { return "turn-" + string(d) }

// EraseWorkflowID is the id of the workflow that erases an upload.
func EraseWorkflowID(id orak.UploadID) string { return "erase-" + string(id) }

// Task queues. Who serves QueuePipeline also serves the two that never wait for
// Kafka, in slots of their own: QueueControl for alerts, messages of outages and
// probes, and QueueErase for what removes an upload, which may wait for the end
// of its processing.
const (
	QueuePipeline = "orak-pipeline"
	QueueControl  = "orak-control"
	QueueErase    = "orak-erase"
	QueueConvert  = "orak-convert"
	QueueGPU      = "orak-gpu"
)

// Signals, Updates (of the same names) and the query of ProcessUpload.
const (
	SignalReprocess = "reprocess"
	SignalDiscard   = "discard"
	QueryStatus     = "status"
	// SignalAnnounced is the bridge's: an upload whose announcement was refused
	// was announced again; it carries an Announced.
	SignalAnnounced = "announced"
	// SignalAlert and SignalUnparked are AlertDigest's: an upload was parked, and
	// one that was parked is not any more (it carries nothing: who is still
	// parked is counted, not kept).
	SignalAlert    = "alert"
	SignalUnparked = "settled"
	// SignalDown is OutageDigest's.
	SignalDown = "down"
	// SignalTurn is Turn's, with a bool.
	SignalTurn = "turn"
)

// ErrorNotParked is the type of the error with which an Update turns a decision
// down because the upload does not wait for one: it runs, or it is over. Every
// other refusal is about what was asked for.
const ErrorNotParked = "not_parked"

// MemoProgress is the memo field that holds the orak.Progress, MemoReconciled
// the one that holds the ReconcileReport of a Reconcile.
const (
	MemoProgress   = "progress"
	MemoReconciled = "reconciled"
)

// Search attributes, all of type Keyword. Each says what Progress says, for
// filtering.
var (
	AttrStatus  = temporal.NewSearchAttributeKeyKeyword("OrakStatus")
	AttrStage   = temporal.NewSearchAttributeKeyKeyword("OrakStage")
	AttrFailure = temporal.NewSearchAttributeKeyKeyword("OrakFailure")
	AttrTenant  = temporal.NewSearchAttributeKeyKeyword("OrakTenant")
)

// ProcessUploadInput starts ProcessUpload.
type ProcessUploadInput struct {
	Upload orak.Upload `json:"upload"`
	// Origin is the record that announced the upload.
	Origin events.Origin `json:"origin"`
	// Refused is why nothing could be begun with the announcement, of stage
	// orak.StageReceive; nil where something could. The run does not begin with a
	// stage then but is dead-lettered with it, and Upload may be an
	// orak.BareUpload.
	Refused *orak.Failure `json:"refused,omitempty"`
	// Restarts is how often the reconciliation has started the upload again,
	// this time included. Past MaxRestarts the run does not begin with a stage
	// but is dead-lettered as stuck.
	Restarts int `json:"restarts,omitempty"`
	// Cycle is where the count of cycles begins; see orak.Progress.
	Cycle int `json:"cycle,omitempty"`
	// End is there where an earlier run was cut off while it ended the upload:
	// the run does nothing but finish that.
	End *orak.Progress `json:"end,omitempty"`
	// Resume is there where a run goes on that was parked; whoever starts the
	// workflow leaves it nil.
	Resume *Resume `json:"resume,omitempty"`
}

// Resume is what a parked upload hands to its next run (Continue-As-New).
type Resume struct {
	Progress orak.Progress  `json:"progress"`
	Audio    *orak.Audio    `json:"audio,omitempty"`
	Analysis *orak.Analysis `json:"analysis,omitempty"`
	ParkedAt time.Time      `json:"parked_at"`
	// Warned says that somebody was told that the upload will expire.
	Warned bool `json:"warned,omitempty"`
}

// Announced is an announcement that takes the place of one that was refused.
type Announced struct {
	Upload orak.Upload   `json:"upload"`
	Origin events.Origin `json:"origin"`
}

// Reprocess asks for a parked upload to be run again.
type Reprocess struct {
	// From is the stage to begin with; empty means the one that failed, or
	// convert where the announcement did.
	From orak.Stage `json:"from,omitempty"`
	// Reason and By are for the record: why, and who asked.
	Reason string `json:"reason"`
	By     string `json:"by"`
	// Options are for the steps that are run again, in this cycle alone; see
	// OptionTimeout and the others.
	Options map[string]string `json:"options,omitempty"`
}

// MaxRestarts is how often an upload whose workflow is gone is started again.
const MaxRestarts = 3

// The options of Reprocess.
const (
	// OptionTimeout is how long one attempt of a stage may take, as a Go
	// duration from 1s to 24h; it holds for convert and analyze.
	OptionTimeout = "timeout"
	// OptionMaxDuration is how long the recording may be, as a Go duration up
	// to 24h, in place of the converter's own limit.
	OptionMaxDuration = "max_duration"
	// OptionEngine is the engine that analyzes: one of orak.Engines.
	OptionEngine = "engine"
)

// Discard asks for a parked upload to be given up.
type Discard struct {
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// MaxBy and MaxReason bound Reprocess and Discard, in bytes.
const (
	MaxBy     = 100
	MaxReason = 500
)

// AlertDigestInput starts AlertDigest.
type AlertDigestInput struct {
	Stage orak.Stage `json:"stage"`
	Class orak.Class `json:"class"`
	// GroupWait is how long the first message waits for company;
	// GroupInterval is the distance of further ones. After RepeatInterval the
	// message is repeated while uploads of the group are parked; 0 means 4 h.
	GroupWait      time.Duration `json:"group_wait"`
	GroupInterval  time.Duration `json:"group_interval"`
	RepeatInterval time.Duration `json:"repeat_interval,omitempty"`
	// Resume is there where a run goes on; whoever starts the workflow leaves
	// it nil.
	Resume *ResumeDigest `json:"resume,omitempty"`
}

// ReconcileInput starts Reconcile. The schedule gives it.
type ReconcileInput struct {
	// Page is how many items one activity examines at most.
	Page int `json:"page"`
	// Resume is there where a run goes on; whoever starts the workflow leaves
	// it nil.
	Resume *ResumeReconcile `json:"resume,omitempty"`
}

// ReconcileReport is what a Reconcile did. It is the workflow's result and,
// while it runs, in its memo.
type ReconcileReport struct {
	BeganAt time.Time `json:"began_at"`
	// EndedAt is zero while it runs.
	EndedAt time.Time `json:"ended_at,omitzero"`
	// Steps are those that have begun.
	Steps map[activities.ReconcileStep]activities.ReconcileCounts `json:"steps"`
	// GaveUp are the steps that could not be brought to their end; the next
	// run begins where this one did.
	GaveUp []activities.ReconcileStep `json:"gave_up,omitempty"`
	// Marks are where the next run begins, by step.
	Marks map[activities.ReconcileStep]string `json:"marks,omitempty"`
}

// Total are the counts of all steps.
func (r ReconcileReport) Total() activities.ReconcileCounts {
	var sum activities.ReconcileCounts
	for _, step := range activities.ReconcileSteps() {
		sum = sum.Plus(r.Steps[step])
	}
	return sum
}

// OutageDigestInput starts OutageDigest.
type OutageDigestInput struct {
	Dependency orak.Dependency `json:"dependency"`
	// GroupWait is how long an outage must last to be told of; RepeatInterval
	// is the distance at which it is told again.
	GroupWait      time.Duration `json:"group_wait"`
	RepeatInterval time.Duration `json:"repeat_interval"`
	// Quiet is how long nothing may have met the outage for it to be over. It
	// is longer than the longest wait between two attempts.
	Quiet time.Duration `json:"quiet"`
	// Resume is there where a run goes on; whoever starts the workflow leaves
	// it nil.
	Resume *ResumeOutage `json:"resume,omitempty"`
}
