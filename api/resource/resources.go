package resource

import (
	"time"

	"orak"
)

// Links are paths on the same host.
type Links struct {
	Self string `json:"self"`
	// Analysis answers 404 until the upload is completed.
	Analysis string `json:"analysis"`
	// Events is a stream of server-sent events: an Upload as the event "upload"
	// whenever it changes, and once it is final or dead-lettered again as the
	// event "end". Who comes back with the id of that one is answered 204.
	Events string `json:"events"`
}

// Accepted is the answer to an upload: stored, and bound to be processed. The
// repeat of an earlier upload has the status that it has come to since.
type Accepted struct {
	ID     orak.UploadID `json:"id"`
	Status orak.Status   `json:"status"`
	// Size is in bytes.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Links  Links  `json:"links"`
}

// Upload is where an upload stands.
type Upload struct {
	ID     orak.UploadID `json:"id"`
	Status orak.Status   `json:"status"`
	// Stage is the step that runs or failed; empty while queued and once
	// completed.
	Stage orak.Stage `json:"stage,omitempty"`
	// Attempt is the running step's attempt, from 1; 0 while none runs.
	Attempt int `json:"attempt"`
	// StageProgress is the share of the running step that is done, 0 to 1,
	// where the step reports it.
	StageProgress *float64  `json:"stage_progress,omitempty"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
	Failure       *Failure  `json:"failure,omitempty"`
	// Halted is true where processing ended before its end, by an operator's
	// hand or a fault of ours, and will not go on by itself. Failure says why.
	Halted bool  `json:"halted,omitempty"`
	Links  Links `json:"links"`
}

// Erasing is the answer to an erasure: it is on record, and will be done.
type Erasing struct {
	ID orak.UploadID `json:"id"`
	// Status is "erasing".
	Status string `json:"status"`
	// Links.Self answers 410 from then on, with erased_at once it is done.
	Links Links `json:"links"`
}

// Failure is why an upload was dead-lettered.
type Failure struct {
	Stage   orak.Stage `json:"stage"`
	Class   orak.Class `json:"class"`
	Message string     `json:"message"`
}

// DeadLetter is a parked upload: it waits for reprocess or discard.
type DeadLetter struct {
	ID       orak.UploadID `json:"id"`
	Tenant   orak.Tenant   `json:"tenant"`
	Filename string        `json:"filename,omitempty"`
	Failure  Failure       `json:"failure"`
	Attempts int           `json:"attempts"`
	Cycle    int           `json:"cycle"`
	FirstAt  time.Time     `json:"first_at"`
	LastAt   time.Time     `json:"last_at"`
	// WorkflowID and RunID find it in the Temporal Web UI and for the
	// temporal and tctl commands.
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	// WebUI links to the workflow; empty where no Web UI is configured.
	WebUI string `json:"web_ui,omitempty"`
}

// DeadLetterPage is one page of the parked uploads, newest first.
type DeadLetterPage struct {
	DeadLetters []DeadLetter `json:"dead_letters"`
	// Next is the page_token of the next page; empty on the last. A page may
	// be short, or empty, and still have a next one: the work for one request
	// is bounded.
	Next string `json:"next,omitempty"`
}

// DeadLetterDetail is everything about one parked upload.
type DeadLetterDetail struct {
	DeadLetter
	// First is the failure of the first cycle, where there was more than one.
	First *orak.Failure `json:"first,omitempty"`
	// Restarts counts how often the reconciliation has started it again.
	Restarts int `json:"restarts"`
	// Timeline is what went wrong and what was done about it, oldest first.
	Timeline []orak.Mark `json:"timeline"`
	// ExpiresAt is when the upload ends as expired, if nobody decides; it and
	// Event are left out where the workflow's history cannot be read.
	ExpiresAt time.Time       `json:"expires_at,omitzero"`
	Event     *Event          `json:"event,omitempty"`
	Links     DeadLetterLinks `json:"links"`
	Commands  Commands        `json:"commands"`
}

// DeadLetterLinks are paths on the same host; the first two are read, the
// others take a POST.
type DeadLetterLinks struct {
	Self      string `json:"self"`
	Upload    string `json:"upload"`
	Reprocess string `json:"reprocess"`
	Discard   string `json:"discard"`
}

// Event is the record that announced an upload, as far as it can be shown.
// What is named like a secret is withheld.
type Event struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	// Key is empty where it is no text.
	Key     string        `json:"key"`
	Headers []EventHeader `json:"headers"`
	// Value is the record's value, where that is JSON and not too long.
	Value string `json:"value,omitempty"`
	// Size is the length of the record's value in bytes.
	Size int `json:"size"`
}

// EventHeader is one header of a record.
type EventHeader struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	// Withheld is true where the value is named like a secret, or is no text.
	Withheld bool `json:"withheld,omitempty"`
}

// Commands are what an operator can paste, each in three tools.
type Commands struct {
	Inspect   Command `json:"inspect"`
	Reprocess Command `json:"reprocess"`
	Discard   Command `json:"discard"`
}

// Command is one command line in three tools.
type Command struct {
	Orak     string `json:"orak"`
	Temporal string `json:"temporal"`
	Tctl     string `json:"tctl"`
}

// ReprocessRequest is the body of POST /v1/dead-letters/{id}/reprocess.
type ReprocessRequest struct {
	// From is the stage to begin with; empty means the one that failed.
	From   orak.Stage `json:"from,omitempty"`
	Reason string     `json:"reason"`
	By     string     `json:"by"`
	// Options are for the steps that are run again: timeout, max_duration,
	// engine.
	Options map[string]string `json:"options,omitempty"`
}

// DiscardRequest is the body of POST /v1/dead-letters/{id}/discard.
type DiscardRequest struct {
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// Types of problems. Each is ProblemType and a code.
const (
	// ProblemType begins the type of every problem.
	ProblemType = "urn:orak:problem:"
	// ProblemErased is the type of every answer about an erased upload.
	ProblemErased = ProblemType + "erased"
)

// Problem is an error as RFC 9457 has it, sent as application/problem+json.
type Problem struct {
	// Type is stable: ProblemType and a code.
	Type  string `json:"type"`
	Title string `json:"title"`
	// Status is the HTTP status.
	Status int `json:"status"`
	// Detail says what was wrong this time and what to do.
	Detail string `json:"detail"`
	// Instance is the request's id, for the operator to find it in the log.
	Instance string `json:"instance,omitempty"`
	// Accepted lists the media types that are taken, on a 415.
	Accepted []string `json:"accepted,omitempty"`
	// ErasedAt is when the upload was erased, on a 410 of that type; it is left
	// out while the upload is being erased.
	ErasedAt time.Time `json:"erased_at,omitzero"`
}
