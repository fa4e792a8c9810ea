package events

import (
	"time"

	"orak"
)

// Headers of a record on TopicDeadLetters, in plain text. The record keeps
// the key, value and headers of the event that failed; these are added.
const (
	HeaderDLQStage      = "orak-dlq-stage"
	HeaderDLQClass      = "orak-dlq-class"
	HeaderDLQMessage    = "orak-dlq-message"
	HeaderDLQAttempts   = "orak-dlq-attempts"
	HeaderDLQFirstAt    = "orak-dlq-first-failure-time"
	HeaderDLQLastAt     = "orak-dlq-last-failure-time"
	HeaderDLQWorkflowID = "orak-dlq-workflow-id"
	HeaderDLQRunID      = "orak-dlq-run-id"
	HeaderDLQTopic      = "orak-dlq-origin-topic"
	HeaderDLQPartition  = "orak-dlq-origin-partition"
	HeaderDLQOffset     = "orak-dlq-origin-offset"
	HeaderDLQWebUI      = "orak-dlq-web-ui"
	HeaderDLQCycle      = "orak-dlq-cycle"

	// The failure of the first cycle; they are there only where the upload had
	// been dead-lettered before.
	HeaderDLQFirstStage   = "orak-dlq-first-stage"
	HeaderDLQFirstClass   = "orak-dlq-first-class"
	HeaderDLQFirstMessage = "orak-dlq-first-message"

	// HeaderDLQOmitted is there only where the dead-letter topic takes no
	// record of the origin's size, so that its value and headers had to be
	// left out; it has the value's length in bytes. The headers of the
	// origin say where the record itself is.
	HeaderDLQOmitted = "orak-dlq-omitted-bytes"
)

// Header is one header of a record; a key may occur more than once.
type Header struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// Origin is the record that announced an upload, kept whole so that a dead
// letter can repeat it.
type Origin struct {
	Topic     string   `json:"topic"`
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
	// Omitted is the length of the value in bytes where that had to be left
	// out, as it is too large for a workflow's input; otherwise it is 0.
	Omitted int `json:"omitted,omitempty"`
}

// Bare is o without its value and headers, and without a key that is long: it
// says where the record is.
func (o Origin) Bare() Origin {
	o.Omitted = max(1, o.Omitted, len(o.Value))
	o.Value, o.Headers = nil, nil
	if len(o.Key) > maxBareKey {
		o.Key = nil
	}
	return o
}

// DeadLetter is one record of TopicDeadLetters.
type DeadLetter struct {
	Origin  Origin
	Failure orak.Failure
	// First is the failure of the first cycle, of which a record keeps Stage,
	// Class and Message; nil where this is the first cycle.
	First *orak.Failure
	// WorkflowID and RunID are empty where no workflow was started.
	WorkflowID string
	RunID      string
	// WebUI links to the workflow; it may be empty.
	WebUI string
	Cycle int
	// FailedAt is when the letter was written.
	FailedAt time.Time
}

// maxBareKey is the longest key that a bare origin keeps, in bytes.
const maxBareKey = 1 << 10

// Bare is d with a bare origin. It is the last resort for a topic that takes less
// than ours does: nothing must stand still for one record, and the record itself
// remains in its own topic.
func (d DeadLetter) Bare() DeadLetter {
	d.Origin = d.Origin.Bare()
	return d
}
