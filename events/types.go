package events

import (
	"strconv"
	"time"

	"orak"
)

// Type is a CloudEvents type.
type Type string

// The types of events: Upload… on TopicUploads, the others on TopicLifecycle.
// Canceled and Erased are on both: as a request on TopicUploads, as a fact on
// TopicLifecycle.
const (
	UploadReceived Type = "orak.upload.received"

	Converted    Type = "orak.upload.converted"
	Analyzed     Type = "orak.upload.analyzed"
	Completed    Type = "orak.upload.completed"
	DeadLettered Type = "orak.upload.dead_lettered"
	Reprocessed  Type = "orak.upload.reprocessed"
	Discarded    Type = "orak.upload.discarded"
	Canceled     Type = "orak.upload.canceled"
	Expired      Type = "orak.upload.expired"
	Erased       Type = "orak.upload.erased"
)

// Received is the data of UploadReceived.
type Received struct {
	orak.Upload
}

// Lifecycle is the data of every event on TopicLifecycle. Consumers must ignore
// fields that they do not know.
type Lifecycle struct {
	// Upload is an orak.BareUpload if it was erased, and may be one if it failed
	// at orak.StageReceive.
	Upload orak.Upload `json:"upload"`
	Status orak.Status `json:"status"`
	Cycle  int         `json:"cycle"`
	// Stage and Failure are present if a step failed or is run again.
	Stage   orak.Stage    `json:"stage,omitempty"`
	Failure *orak.Failure `json:"failure,omitempty"`
	// By and Reason are present if a person acted.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
	// AudioKey, AnalysisKey and PitchKey are present if the object exists.
	AudioKey    string `json:"audio_key,omitempty"`
	AnalysisKey string `json:"analysis_key,omitempty"`
	PitchKey    string `json:"pitch_key,omitempty"`
	// Analysis is present if the upload is completed, so that consumers need not
	// fetch it. It has no curve. A bare event lacks it; see Event.Bare.
	Analysis *orak.Analysis `json:"analysis,omitempty"`
}

// Event is a CloudEvent: its context attributes and its JSON data.
type Event struct {
	// ID is unique within Source. A repeated event has the same ID.
	ID      string
	Type    Type
	Source  string
	Subject orak.UploadID
	Time    time.Time
	// Traceparent and Tracestate are the W3C Trace Context; empty without a
	// trace.
	Traceparent string
	Tracestate  string
	// Data is the JSON payload.
	Data []byte
}

// Source is the CloudEvents source of every event that orak emits.
const Source = "/orak"

// LifecycleID returns the id of an event that a workflow emits, except of the end
// of an upload; see EndID. It is the same for every attempt of an emission, so
// that consumers can drop repeats.
func LifecycleID(workflowID, runID string, t Type, cycle int) string {
	return workflowID + "/" + runID + "/" + string(t) + "/" + strconv.Itoa(cycle)
}

// ReceivedID returns the id of the event that announces an upload. Every
// announcement of the same upload has the same id.
func ReceivedID(id orak.UploadID) string { return string(id) + "/" + string(UploadReceived) }
