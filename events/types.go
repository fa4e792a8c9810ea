package events

import (
	"strconv"
	"time"

	"orak"
)

// Type is a CloudEvents type.
type Type string

// The types of events: Upload… on TopicUploads, the others on TopicLifecycle.
// Canceled and Erased are on both: on TopicUploads they ask, on TopicLifecycle
// they tell.
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

// Lifecycle is the data of every event on TopicLifecycle. Consumers may meet
// fields that they do not know, and ignore them.
type Lifecycle struct {
	// Upload is an orak.BareUpload once it is erased, and may be one where it
	// failed at orak.StageReceive.
	Upload orak.Upload `json:"upload"`
	Status orak.Status `json:"status"`
	Cycle  int         `json:"cycle"`
	// Stage and Failure are there where a step failed or is run again.
	Stage   orak.Stage    `json:"stage,omitempty"`
	Failure *orak.Failure `json:"failure,omitempty"`
	// By and Reason are there where a person acted.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
	// AudioKey, AnalysisKey and PitchKey are there once the object is.
	AudioKey    string `json:"audio_key,omitempty"`
	AnalysisKey string `json:"analysis_key,omitempty"`
	PitchKey    string `json:"pitch_key,omitempty"`
	// Analysis is there once the upload is completed, so that consumers need
	// not fetch it. It holds no curve. A bare event lacks it; see Event.Bare.
	Analysis *orak.Analysis `json:"analysis,omitempty"`
}

// Event is one CloudEvent: its context attributes and its JSON data.
type Event struct {
	// ID is unique within Source; a repeat of an event has the same one.
	ID      string
	Type    Type
	Source  string
	Subject orak.UploadID
	Time    time.Time
	// Traceparent and Tracestate are W3C Trace Context; empty where there
	// is no trace.
	Traceparent string
	Tracestate  string
	// Data is the JSON payload.
	Data []byte
}

// Source is the CloudEvents source of everything that orak emits.
const Source = "/orak"

// LifecycleID is the id of an event that a workflow emits, but for its end; see
// EndID. It follows from
// where the workflow stands, so that an emission which is tried again has the
// same id and consumers can drop the repeat.
func LifecycleID(workflowID, runID string, t Type, cycle int) string {
	return workflowID + "/" + runID + "/" + string(t) + "/" + strconv.Itoa(cycle)
}

// ReceivedID is the id of the event that announces an upload: one per upload,
// however often it is announced.
func ReceivedID(id orak.UploadID) string { return string(id) + "/" + string(UploadReceived) }
