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
	TypeCompactLake   = "CompactLake"
)

// ScheduleReconcile is the id of the schedule that runs Reconcile.
const ScheduleReconcile = "orak-reconcile"

// ScheduleCompactLake is the id of the schedule that runs CompactLake.
const ScheduleCompactLake = "orak-compact-lake"

// UploadWorkflowID is the id of the workflow that processes an upload.
func UploadWorkflowID(id orak.UploadID) string { return "upload-" + string(id) }

// AlertWorkflowID is the id of the workflow that groups the alerts of a stage and
// class.
func AlertWorkflowID(s orak.Stage, c orak.Class) string {
	return "alerts-" + string(s) + "-" + string(c)
}

// OutageWorkflowID is the id of the workflow that posts the outage of a dependency,
// and its end.
func OutageWorkflowID(d orak.Dependency) string { return "outage-" + string(d) }

// TurnWorkflowID is the id of the workflow that runs while a worker has a dependency
// alone for a recording.
func TurnWorkflowID(d orak.Dependency) string { return "turn-" + string(d) }

// EraseWorkflowID is the id of the workflow that erases an upload.
func EraseWorkflowID(id orak.UploadID) string { return "erase-" + string(id) }

// Task queues. A worker of QueuePipeline also serves the two queues that never wait
// for Kafka, in slots of their own: QueueControl for alerts, outage messages and
// probes, and QueueErase for erasures, which may wait for the end of the processing.
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
	// SignalAnnounced comes from the bridge: an upload with a refused announcement
	// was announced again. It carries an Announced.
	SignalAnnounced = "announced"
	// SignalAlert and SignalUnparked go to AlertDigest: an upload has parked, and
	// one is parked no longer. SignalUnparked carries nothing: the digest counts
	// the parked uploads and keeps no list.
	SignalAlert    = "alert"
	SignalUnparked = "settled"
	// SignalDown goes to OutageDigest. It carries a DownSignal.
	SignalDown = "down"
	// SignalTurn goes to Turn. It carries a bool.
	SignalTurn = "turn"
)

// ErrorNotParked is the type of the error with which an Update refuses a command
// because the upload is not parked: it runs, or has ended. Any other refusal is
// about the command itself.
const ErrorNotParked = "not_parked"

// MemoProgress is the memo field with the orak.Progress of an upload, MemoReconciled
// that with the ReconcileReport of a Reconcile.
const (
	MemoProgress   = "progress"
	MemoReconciled = "reconciled"
)

// Search attributes, all of type Keyword. They repeat parts of Progress, for
// filters.
var (
	AttrStatus  = temporal.NewSearchAttributeKeyKeyword("OrakStatus")
	AttrStage   = temporal.NewSearchAttributeKeyKeyword("OrakStage")
	AttrFailure = temporal.NewSearchAttributeKeyKeyword("OrakFailure")
	AttrTenant  = temporal.NewSearchAttributeKeyKeyword("OrakTenant")
)

// ProcessUploadInput is the input of ProcessUpload.
type ProcessUploadInput struct {
	Upload orak.Upload `json:"upload"`
	// Origin is the record that announced the upload.
	Origin events.Origin `json:"origin"`
	// Refused is why the announcement was refused, with the stage
	// orak.StageReceive; nil for a valid one. The run then begins dead-lettered
	// with it, and Upload may be an orak.BareUpload.
	Refused *orak.Failure `json:"refused,omitempty"`
	// Restarts is how often the reconciliation has restarted the upload, including
	// this time. Past MaxRestarts the run begins dead-lettered, as stuck.
	Restarts int `json:"restarts,omitempty"`
	// Cycle is the first cycle of the run; see orak.Progress.
	Cycle int `json:"cycle,omitempty"`
	// End is set if an earlier run was interrupted while it ended the upload: the
	// run only finishes that end.
	End *orak.Progress `json:"end,omitempty"`
	// Resume is set only by Continue-As-New of a parked upload.
	Resume *Resume `json:"resume,omitempty"`
}

// Resume is the state that a parked upload passes to its next run
// (Continue-As-New).
type Resume struct {
	Progress orak.Progress `json:"progress"`
	Audio    *orak.Audio   `json:"audio,omitempty"`
	// Analyzed means that there is an analysis: Analysis, or if that is nil the
	// stored one.
	Analyzed bool           `json:"analyzed,omitempty"`
	Analysis *orak.Analysis `json:"analysis,omitempty"`
	ParkedAt time.Time      `json:"parked_at"`
	// Warned means that an alert has warned of the expiry.
	Warned bool `json:"warned,omitempty"`
}

// Announced is an announcement that replaces a refused one.
type Announced struct {
	Upload orak.Upload   `json:"upload"`
	Origin events.Origin `json:"origin"`
}

// Reprocess is the command to run a parked upload again.
type Reprocess struct {
	// From is the stage to begin with; empty means the one that failed, or convert
	// if the announcement was refused.
	From orak.Stage `json:"from,omitempty"`
	// Reason and By are for the record: why, and by whom.
	Reason string `json:"reason"`
	By     string `json:"by"`
	// Options are for the stages of this cycle only; see OptionTimeout and the
	// others.
	Options map[string]string `json:"options,omitempty"`
}

// MaxRestarts is how often the reconciliation restarts an upload.
const MaxRestarts = 3

// The options of Reprocess.
const (
	// OptionTimeout is the maximum duration of one attempt to convert or analyze,
	// as a Go duration from 1s to 24h.
	OptionTimeout = "timeout"
	// OptionMaxDuration is the maximum duration of the recording, as a Go duration
	// from 1s to 24h. It overrides the limit of the converter.
	OptionMaxDuration = "max_duration"
	// OptionEngine is the engine of the analysis: one of orak.Engines.
	OptionEngine = "engine"
)

// Discard is the command to give up a parked upload.
type Discard struct {
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// MaxBy and MaxReason bound Reprocess and Discard, in bytes.
const (
	MaxBy     = 100
	MaxReason = 500
)

// AlertDigestInput is the input of AlertDigest.
type AlertDigestInput struct {
	Stage orak.Stage `json:"stage"`
	Class orak.Class `json:"class"`
	AlertIntervals
	// Resume is set only by Continue-As-New.
	Resume *ResumeDigest `json:"resume,omitempty"`
}

// ReconcileInput is the input of Reconcile. The schedule sets it.
type ReconcileInput struct {
	// Page is the maximum number of items that one activity examines.
	Page int `json:"page"`
	// Resume is set only by Continue-As-New.
	Resume *ResumeReconcile `json:"resume,omitempty"`
}

// ReconcileReport reports what a Reconcile did. It is the result of the workflow
// and, while that runs, in its memo.
type ReconcileReport struct {
	BeganAt time.Time `json:"began_at"`
	// EndedAt is zero while the workflow runs.
	EndedAt time.Time `json:"ended_at,omitzero"`
	// Steps are those that have begun.
	Steps map[activities.ReconcileStep]activities.ReconcileCounts `json:"steps"`
	// GaveUp are the steps that failed; the next Reconcile repeats them from where
	// this one began.
	GaveUp []activities.ReconcileStep `json:"gave_up,omitempty"`
	// Marks are where the next Reconcile begins, by step.
	Marks map[activities.ReconcileStep]string `json:"marks,omitempty"`
}

// Total returns the sum of the counts of all steps.
func (r ReconcileReport) Total() activities.ReconcileCounts {
	var sum activities.ReconcileCounts
	for _, step := range activities.ReconcileSteps() {
		sum = sum.Plus(r.Steps[step])
	}
	return sum
}

// OutageDigestInput is the input of OutageDigest.
type OutageDigestInput struct {
	Dependency orak.Dependency `json:"dependency"`
	OutageIntervals
	// Resume is set only by Continue-As-New.
	Resume *ResumeOutage `json:"resume,omitempty"`
}
