package workflows

import (
	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/events"
)

// Workflow types and ids. Operators type the ids.
const (
	TypeProcessUpload = "ProcessUpload"
	TypeAlertDigest   = "AlertDigest"
)

// UploadWorkflowID is the id of the workflow that processes an upload.
func UploadWorkflowID(id orak.UploadID) string { return "upload-" + string(id) }

// AlertWorkflowID is the id of the workflow that gathers the alerts of one
// kind of failure.
func AlertWorkflowID(s orak.Stage, c orak.Class) string {
	return "alerts-" + string(s) + "-" + string(c)
}

// Task queues.
const (
	QueuePipeline = "orak-pipeline"
	QueueConvert  = "orak-convert"
	QueueGPU      = "orak-gpu"
)

// Signals, Updates (of the same names) and the query of ProcessUpload.
const (
	SignalReprocess = "reprocess"
	SignalDiscard   = "discard"
	QueryStatus     = "status"
	// SignalAlert is AlertDigest's.
	SignalAlert = "alert"
)

// MemoProgress is the memo field that holds the orak.Progress.
const MemoProgress = "progress"

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
}

// Reprocess asks for a parked upload to be run again.
type Reprocess struct {
	// From is the stage to begin with; empty means the one that failed.
	From orak.Stage `json:"from,omitempty"`
	// Reason and By are for the record: why, and who asked.
	Reason string `json:"reason"`
	By     string `json:"by"`
	// Options are for the step that is run again; none are defined yet.
	Options map[string]string `json:"options,omitempty"`
}

// Discard asks for a parked upload to be given up.
type Discard struct {
	Reason string `json:"reason"`
	By     string `json:"by"`
}
