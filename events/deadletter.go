package events

import (
	"time"

	"orak"
)

// Headers that a record on TopicDeadLetters has in addition to the key, value and
// headers of the event that failed, in plain text.
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

	// The failure of the first cycle. They are present only if the upload had
	// been dead-lettered before.
	HeaderDLQFirstStage   = "orak-dlq-first-stage"
	HeaderDLQFirstClass   = "orak-dlq-first-class"
	HeaderDLQFirstMessage = "orak-dlq-first-message"

	// HeaderDLQOmitted is the length in bytes of the origin's value. It is
	// present only if that and the origin's headers were left out, because the
	// dead-letter topic refuses records of that size. HeaderDLQTopic,
	// HeaderDLQPartition and HeaderDLQOffset say where the origin is.
	HeaderDLQOmitted = "orak-dlq-omitted-bytes"
)

// Header is a header of a record. A key may occur more than once.
type Header struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// Origin is a copy of the record that announced an upload, for its dead letter.
type Origin struct {
	Topic     string   `json:"topic"`
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
	// Omitted is the length of the value in bytes where the value was left out,
	// because it is too large for a workflow's input; otherwise it is 0.
	Omitted int `json:"omitted,omitempty"`
}

// Bare returns o without its value and headers, and without a key of more than
// 1 KiB. It still says where the record is.
func (o Origin) Bare() Origin {
	o.Omitted = max(1, o.Omitted, len(o.Value))
	o.Value, o.Headers = nil, nil
	if len(o.Key) > maxBareKey {
		o.Key = nil
	}
	return o
}

// DeadLetter is a record on TopicDeadLetters.
type DeadLetter struct {
	Origin  Origin
	Failure orak.Failure
	// First is the failure of the first cycle; a record keeps its Stage, Class and
	// Message. It is nil in the first cycle.
	First *orak.Failure
	// WorkflowID and RunID are empty if no workflow was started.
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

// Bare returns d with a bare origin. It is the last resort for a topic that
// accepts smaller records than orak's: one record must not block the others, and
// the origin remains on its own topic.
func (d DeadLetter) Bare() DeadLetter {
	d.Origin = d.Origin.Bare()
	return d
}
