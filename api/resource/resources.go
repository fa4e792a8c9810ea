package resource

import (
	"time"

	"orak"
)

// Headers of requests.
const (
	// HeaderTenant names the tenant of a request. The gateway in front of the
	// API authenticates the caller and sets it.
	HeaderTenant = "X-Orak-Tenant"
	// HeaderIdempotencyKey makes a repeat of an upload the same upload.
	HeaderIdempotencyKey = "Idempotency-Key"
	// HeaderContentDigest and HeaderReprDigest are RFC 9530's: "sha-256=:<base64>:".
	// Without a Content-Encoding they say the same of a request.
	HeaderContentDigest = "Content-Digest"
	HeaderReprDigest    = "Repr-Digest"
)

// EveryTenant is the value of HeaderTenant with which an operator means all
// tenants at once. It is no tenant's name. It is taken only for dead letters,
// and only by a server that is started with --api-all-tenants. It is a header
// and not a parameter because the gateway in front sets or removes the header.
const EveryTenant orak.Tenant = "*"

// Links are paths on the same host.
type Links struct {
	Self string `json:"self"`
	// Analysis and Pitch answer 409 until the upload is completed, Audio and Waveform
	// until the recording is converted.
	Analysis string `json:"analysis"`
	Pitch    string `json:"pitch"`
	Audio    string `json:"audio"`
	Waveform string `json:"waveform"`
	Original string `json:"original"`
	// Similar and Songs answer 409 until the index has the analysis.
	Similar string `json:"similar"`
	Songs   string `json:"songs"`
	// Events is a stream of server-sent events: an Upload as the event "upload"
	// after every change, and once it is final or dead-lettered as the event
	// "end". A client that reconnects with the id of that one gets a 204.
	Events string `json:"events"`
	// Cancel takes a POST.
	Cancel string `json:"cancel"`
}

// LinksOf returns the paths of an upload.
func LinksOf(id orak.UploadID) Links {
	self := "/v1/uploads/" + string(id)
	return Links{
		Self: self, Analysis: self + "/analysis", Pitch: self + "/pitch", Audio: self + "/audio", Waveform: self + "/waveform", Original: self + "/original",
		Similar: self + "/similar", Songs: self + "/songs", Events: self + "/events", Cancel: self + "/cancel",
	}
}

// Accepted is the answer to an upload: it is stored and will be processed. The
// answer to a repeat has the current status of the first upload.
type Accepted = Upload

// Upload is the status of an upload.
type Upload struct {
	ID     orak.UploadID `json:"id"`
	Status orak.Status   `json:"status"`
	// Size is the length of the recording in bytes, and SHA256 its digest in
	// lower-case hex; left out while they are not known.
	Size   int64  `json:"size,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// ContentType is the media type of the recording by its first bytes.
	ContentType string `json:"content_type,omitempty"`
	// Stage is the step that runs or failed; empty while the upload is queued
	// and once it is completed.
	Stage orak.Stage `json:"stage,omitempty"`
	// Attempt is the attempt of the running step, from 1; 0 while none runs.
	Attempt int `json:"attempt"`
	// StageProgress is the share of the running step that is done, 0 to 1; nil
	// unless the step reports it.
	StageProgress *float64  `json:"stage_progress,omitempty"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
	// Filename, Owner and Metadata are as the caller gave them; left out if it
	// did not.
	Filename string `json:"filename,omitempty"`
	Owner    string `json:"owner,omitempty"`
	// Kind is "voice" or "song".
	Kind     string        `json:"kind"`
	Metadata orak.Metadata `json:"metadata,omitempty"`
	Failure  *Failure      `json:"failure,omitempty"`
	// Halted is true if the workflow was ended early, by an operator or by a
	// defect of orak, and will not go on by itself. Failure says why.
	Halted bool  `json:"halted,omitempty"`
	Links  Links `json:"links"`
}

// Waveform is the lowest and the highest sample of every stretch of the converted
// recording, in the JSON of BBC's audiowaveform, version 2, which players read.
type Waveform struct {
	Version  int `json:"version"`
	Channels int `json:"channels"`
	// SampleRate is in Hz.
	SampleRate int `json:"sample_rate"`
	// SamplesPerPixel is the length of a stretch; the last may be shorter.
	SamplesPerPixel int `json:"samples_per_pixel"`
	// Bits is that of the numbers in Data.
	Bits int `json:"bits"`
	// Length is the number of stretches.
	Length int `json:"length"`
	// Data is the lowest and the highest sample of each, -128 to 127, in turn.
	Data []int8 `json:"data"`
}

// Erasing is the answer to an erasure: it is recorded and will be carried out.
type Erasing struct {
	ID orak.UploadID `json:"id"`
	// Status is "erasing".
	Status string `json:"status"`
	// Links.Self answers 410 from now on, with erased_at once it is done.
	Links Links `json:"links"`
}

// Failure is the reason why an upload was dead-lettered.
type Failure struct {
	Stage   orak.Stage `json:"stage"`
	Class   orak.Class `json:"class"`
	Message string     `json:"message"`
}

// DeadLetter is a parked upload: it waits to be reprocessed or discarded.
type DeadLetter struct {
	ID       orak.UploadID `json:"id"`
	Tenant   orak.Tenant   `json:"tenant"`
	Filename string        `json:"filename,omitempty"`
	Failure  Failure       `json:"failure"`
	Attempts int           `json:"attempts"`
	Cycle    int           `json:"cycle"`
	FirstAt  time.Time     `json:"first_at"`
	LastAt   time.Time     `json:"last_at"`
	// WorkflowID and RunID name the workflow in the Temporal Web UI and in the
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
	// be short or empty and still have a next one, since the work for one
	// request is bounded.
	Next string `json:"next,omitempty"`
}

// DeadLetterDetail is everything about one parked upload.
type DeadLetterDetail struct {
	DeadLetter
	// First is the failure of the first cycle; nil if there was only one.
	First *orak.Failure `json:"first,omitempty"`
	// Restarts counts how often reconciliation has restarted the workflow.
	Restarts int `json:"restarts"`
	// Timeline lists failures and decisions, oldest first.
	Timeline []orak.Mark `json:"timeline"`
	// ExpiresAt is when the upload expires unless an operator decides. It and
	// Event are left out if the workflow's history cannot be read.
	ExpiresAt time.Time       `json:"expires_at,omitzero"`
	Event     *Event          `json:"event,omitempty"`
	Links     DeadLetterLinks `json:"links"`
	Commands  Commands        `json:"commands"`
}

// DeadLetterLinks are paths on the same host: GET the first two, POST to the
// others.
type DeadLetterLinks struct {
	Self      string `json:"self"`
	Upload    string `json:"upload"`
	Reprocess string `json:"reprocess"`
	Discard   string `json:"discard"`
}

// Event is the record that announced an upload. Values named like a secret are
// withheld.
type Event struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	// Key is empty unless it is text.
	Key     string        `json:"key"`
	Headers []EventHeader `json:"headers"`
	// Value is the record's value; empty unless it is JSON and short enough.
	Value string `json:"value,omitempty"`
	// Size is the length of the record's value in bytes.
	Size int `json:"size"`
}

// EventHeader is one header of a record.
type EventHeader struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	// Withheld is true if the header is named like a secret or is not text.
	Withheld bool `json:"withheld,omitempty"`
}

// Commands are command lines that an operator can paste.
type Commands struct {
	Inspect   Command `json:"inspect"`
	Reprocess Command `json:"reprocess"`
	Discard   Command `json:"discard"`
}

// Command is one command line in each of three tools.
type Command struct {
	Orak     string `json:"orak"`
	Temporal string `json:"temporal"`
	Tctl     string `json:"tctl"`
}

// ReprocessRequest is the body of POST /v1/dead-letters/{id}/reprocess.
type ReprocessRequest struct {
	// From is the first stage to run; empty means the one that failed.
	From   orak.Stage `json:"from,omitempty"`
	Reason string     `json:"reason"`
	By     string     `json:"by"`
	// Options change the steps that run again: timeout, max_duration, engine.
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
	// ProblemNotIndexed is the type of answers about an upload whose analysis is not
	// in the index yet. Retry-After says when to ask again.
	ProblemNotIndexed = ProblemType + "not-indexed"
)

// Problem is an error as in RFC 9457, sent as application/problem+json.
type Problem struct {
	// Type is stable: ProblemType and a code.
	Type  string `json:"type"`
	Title string `json:"title"`
	// Status is the HTTP status.
	Status int `json:"status"`
	// Detail says what went wrong and what to do.
	Detail string `json:"detail"`
	// Instance is the id of the request, as in the server's log.
	Instance string `json:"instance,omitempty"`
	// Accepted lists the accepted media types; on a 415 only.
	Accepted []string `json:"accepted,omitempty"`
	// Lines are the bad lines of an import, the first 100 of them, and MoreLines the
	// number of those beyond; on a refused import only.
	Lines     []ImportLine `json:"lines,omitempty"`
	MoreLines int          `json:"more_lines,omitempty"`
	// ErasedAt is when the upload was erased; on a ProblemErased only, and left
	// out while the erasure is under way.
	ErasedAt time.Time `json:"erased_at,omitzero"`
}
