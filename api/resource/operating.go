package resource

import (
	"time"

	"orak"
)

// DeadLetterCounts counts the dead letters that a filter selects.
type DeadLetterCounts struct {
	// Total is the number of dead letters.
	Total int64 `json:"total"`
	// Exact is false if the counting ended at its bound, or failed on the way: there are then at least as many.
	Exact bool `json:"exact"`
	// Stages are the counts by stage, in the order of the stages; those without any are left out.
	Stages []StageCount `json:"stages"`
	// Classes are the counts by class; those without any are left out.
	Classes []ClassCount `json:"classes"`
	// Groups are the counts by stage and class, the largest first.
	Groups []DeadLetterGroup `json:"groups"`
	// Messages are the most frequent messages of failures among the Examined ones, at most 20, the most frequent first.
	Messages []DeadLetterMessage `json:"messages"`
	// Examined is how many dead letters were read for Messages, the latest ones; with a time or a text, all that were read.
	Examined int64 `json:"examined"`
	// CheckedAt is when it was counted.
	CheckedAt time.Time `json:"checked_at"`
}

// StageCount is a number of dead letters that failed in a stage.
type StageCount struct {
	Stage orak.Stage `json:"stage"`
	Count int64      `json:"count"`
}

// ClassCount is a number of dead letters with a class of failure.
type ClassCount struct {
	Class orak.Class `json:"class"`
	Count int64      `json:"count"`
}

// DeadLetterGroup is a number of dead letters with a stage and a class.
type DeadLetterGroup struct {
	Stage orak.Stage `json:"stage"`
	Class orak.Class `json:"class"`
	Count int64      `json:"count"`
	// Since is when the first of them failed last, of those that were examined; left out if none was.
	Since time.Time `json:"since,omitzero"`
}

// DeadLetterMessage is a number of dead letters with one message.
type DeadLetterMessage struct {
	Stage   orak.Stage `json:"stage"`
	Class   orak.Class `json:"class"`
	Message string     `json:"message"`
	Count   int64      `json:"count"`
}

// The kinds of AttentionItem. More may be added.
const (
	AttentionDeadLetters   = "dead_letters"
	AttentionOutage        = "outage"
	AttentionLag           = "lag"
	AttentionStuck         = "stuck"
	AttentionWebhookPaused = "webhook_paused"
	AttentionWorkflowTasks = "workflow_tasks"
)

// The severities of AttentionItem.
const (
	SeverityCritical = "critical"
	SeverityWarning  = "warning"
)

// Attention is what needs a person now.
type Attention struct {
	// Items are what needs a person, the most severe first; none means that there is nothing to do, as far as Unavailable is empty.
	Items []AttentionItem `json:"items"`
	// CheckedAt is when it was looked at.
	CheckedAt time.Time `json:"checked_at"`
	// Unavailable are the parts that could not be read, by what they are read from; their items are missing.
	Unavailable []Unavailable `json:"unavailable,omitempty"`
}

// AttentionItem is one thing that needs a person. The fields after Detail lead to it, and are left out where they do not apply.
type AttentionItem struct {
	// Kind is dead_letters, outage, lag, stuck, webhook_paused or workflow_tasks. More may be added.
	Kind string `json:"kind"`
	// Severity is critical or warning.
	Severity string `json:"severity"`
	// Subject is what it is about, such as analyze/model, kafka, orak-bridge or the id of a webhook.
	Subject string `json:"subject"`
	// Count is how many there are; 0 where that makes no sense.
	Count int64 `json:"count"`
	// AtLeast says that there may be more than Count: no more were looked at.
	AtLeast bool `json:"at_least,omitempty"`
	// Since is when it began; left out if that is not known.
	Since time.Time `json:"since,omitzero"`
	// Detail is a sentence for people.
	Detail string `json:"detail"`
	// Stage and Class are those of dead letters.
	Stage orak.Stage `json:"stage,omitempty"`
	Class orak.Class `json:"class,omitempty"`
	// Dependency is that of an outage.
	Dependency string `json:"dependency,omitempty"`
	// Group is a consumer group.
	Group string `json:"group,omitempty"`
	// Tenant is whose webhook or upload it is.
	Tenant orak.Tenant `json:"tenant,omitempty"`
	// Webhook is the id of a webhook.
	Webhook string `json:"webhook,omitempty"`
	// Uploads are some of the uploads, at most 10.
	Uploads []orak.UploadID `json:"uploads,omitempty"`
}

// Unavailable is a part of an answer that could not be read.
type Unavailable struct {
	// Part is what is missing, such as lag or dead_letters.
	Part string `json:"part"`
	// Dependency is what could not be asked: temporal, kafka, store, index or control. More may be added.
	Dependency string `json:"dependency"`
}

// UploadHistory is what happened to an upload.
type UploadHistory struct {
	ID     orak.UploadID `json:"id"`
	Tenant orak.Tenant   `json:"tenant"`
	Status orak.Status   `json:"status"`
	// WorkflowID is the workflow that processes the upload.
	WorkflowID string `json:"workflow_id"`
	// Options are how the upload is processed; left out if its workflow's history is not kept any more.
	Options *UploadOptions `json:"options,omitempty"`
	// Runs are the runs of the workflow that were read, the oldest first.
	Runs []UploadRun `json:"runs"`
	// Entries are what happened, in the order of their beginnings.
	Entries []HistoryEntry `json:"entries"`
	// Truncated is true if there is more than one answer holds: the oldest entries are missing.
	Truncated bool `json:"truncated,omitempty"`
}

// UploadOptions are how an upload is processed.
type UploadOptions struct {
	// Lane is realtime, standard, reprocessed or backfill: which uploads go first. Priority is the same as Temporal's number, 1 first to 5 last.
	Lane     string `json:"lane"`
	Priority int    `json:"priority"`
	// Kind is voice or song.
	Kind string `json:"kind"`
	// Restarts is how often reconciliation has restarted the workflow.
	Restarts int `json:"restarts"`
	// ParkForSeconds is how long the upload waits for a decision before it expires.
	ParkForSeconds int64 `json:"park_for_seconds,omitempty"`
	// ConvertTimeoutSeconds, AnalyzeTimeoutSeconds and PublishTimeoutSeconds bound one attempt.
	ConvertTimeoutSeconds int64 `json:"convert_timeout_seconds,omitempty"`
	AnalyzeTimeoutSeconds int64 `json:"analyze_timeout_seconds,omitempty"`
	PublishTimeoutSeconds int64 `json:"publish_timeout_seconds,omitempty"`
	// Event is the record that announced the upload; left out if no record did.
	Event *Event `json:"event,omitempty"`
}

// UploadRun is a run of an upload's workflow.
type UploadRun struct {
	RunID   string    `json:"run_id"`
	BeganAt time.Time `json:"began_at"`
	// EndedAt is zero while the run is open.
	EndedAt time.Time `json:"ended_at,omitzero"`
	// Status is running, completed, failed, canceled, terminated, timed_out or continued_as_new.
	Status string `json:"status"`
	// Events is how many events its history has.
	Events int64 `json:"events"`
	// WebUI is the run in the Temporal Web UI; left out where none is configured.
	WebUI string `json:"web_ui,omitempty"`
}

// The kinds of HistoryEntry. More may be added.
const (
	HistoryStarted   = "started"
	HistoryAttempt   = "attempt"
	HistoryEvent     = "event"
	HistorySignal    = "signal"
	HistoryDecision  = "decision"
	HistoryParked    = "parked"
	HistoryTaskError = "workflow_task_failed"
	HistoryCancel    = "cancel_requested"
	HistoryEnded     = "ended"
)

// HistoryEntry is one thing that happened to an upload.
type HistoryEntry struct {
	// Kind is started, attempt (of a stage), event (published to Kafka), signal, decision, parked, workflow_task_failed, cancel_requested or ended. More may be added.
	Kind string `json:"kind"`
	// At is when it began.
	At time.Time `json:"at"`
	// EndedAt is when an attempt ended; left out while it runs or waits.
	EndedAt time.Time `json:"ended_at,omitzero"`
	// Stage is that of an attempt.
	Stage orak.Stage `json:"stage,omitempty"`
	// Name is that of the activity, signal, decision or event.
	Name string `json:"name,omitempty"`
	// Outcome is that of an attempt: waiting, running, completed, failed, timed_out or canceled; and of an end the status of the run.
	Outcome string `json:"outcome,omitempty"`
	// Attempt is the number of an attempt within its stage, from 1. Temporal keeps the last attempt of an activity, and the number of those before.
	Attempt int `json:"attempt,omitempty"`
	// WaitSeconds is how long an attempt waited in its queue; left out if that is not known.
	WaitSeconds float64 `json:"wait_seconds,omitempty"`
	// Worker is the identity of the worker.
	Worker string `json:"worker,omitempty"`
	// Queue is the task queue.
	Queue string `json:"queue,omitempty"`
	// Class and Message are those of a failure.
	Class   orak.Class `json:"class,omitempty"`
	Message string     `json:"message,omitempty"`
	// By is who decided, and Reason why.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Options are those of a decision.
	Options map[string]string `json:"options,omitempty"`
	// RunID and EventID are where it stands in the history.
	RunID   string `json:"run_id"`
	EventID int64  `json:"event_id,omitempty"`
}

// Queues are the task queues and who works on them.
type Queues struct {
	Queues []Queue `json:"queues"`
	// Workers are the workers that have reported to Temporal, at most 200; they report once a minute.
	Workers []QueueWorker `json:"workers"`
	// Running are the uploads that are being processed by status and tenant, the largest first: those that wait in a queue are among them. Only tenants that the caller may see.
	Running []RunningUploads `json:"running"`
	// RunningExact is false if there are more than were counted.
	RunningExact bool      `json:"running_exact"`
	CheckedAt    time.Time `json:"checked_at"`
	// Unavailable are the parts that could not be read.
	Unavailable []Unavailable `json:"unavailable,omitempty"`
}

// Queue is a task queue.
type Queue struct {
	Name string `json:"name"`
	// Tasks are those of the queue: activity or workflow.
	Tasks string `json:"tasks"`
	// Backlog is how many tasks wait, approximately.
	Backlog int64 `json:"backlog"`
	// BacklogSeconds is how long the oldest one has waited.
	BacklogSeconds float64 `json:"backlog_seconds"`
	// AddedPerSecond and DispatchedPerSecond are rates of the last 30 s.
	AddedPerSecond      float64 `json:"added_per_second"`
	DispatchedPerSecond float64 `json:"dispatched_per_second"`
	// Lanes are the backlog by priority, the first first; those that have no tasks may be missing.
	Lanes []QueueLane `json:"lanes"`
	// Pollers are the workers that asked for tasks in the last minutes.
	Pollers []Poller `json:"pollers"`
	// Slots are those of the workers that have reported, all together; left out if none has.
	Slots *Slots `json:"slots,omitempty"`
	// Unavailable is true if the queue could not be described: the other fields are empty then.
	Unavailable bool `json:"unavailable,omitempty"`
}

// QueueLane is the backlog of a priority.
type QueueLane struct {
	// Lane is realtime, standard, reprocessed or backfill; empty for another priority.
	Lane     string `json:"lane,omitempty"`
	Priority int    `json:"priority"`
	Backlog  int64  `json:"backlog"`
	// BacklogSeconds is how long the oldest one has waited.
	BacklogSeconds float64 `json:"backlog_seconds"`
}

// Poller is a worker that asked for tasks.
type Poller struct {
	Identity string    `json:"identity"`
	SeenAt   time.Time `json:"seen_at"`
	// Version is the worker deployment version; left out for workers without one.
	Version string `json:"version,omitempty"`
}

// Slots are places for tasks.
type Slots struct {
	Used int64 `json:"used"`
	// Free is -1 where the worker does not say.
	Free int64 `json:"free"`
}

// QueueWorker is a worker of one queue, as it reported itself.
type QueueWorker struct {
	Identity string `json:"identity"`
	Queue    string `json:"queue"`
	Host     string `json:"host,omitempty"`
	// Status is running, shutting_down or shutdown.
	Status    string    `json:"status"`
	StartedAt time.Time `json:"started_at,omitzero"`
	SeenAt    time.Time `json:"seen_at"`
	// Activities are its slots for activities, and Workflows for workflow tasks.
	Activities *Slots `json:"activities,omitempty"`
	Workflows  *Slots `json:"workflows,omitempty"`
	// Processed and Failed count its activities since it started.
	Processed int64 `json:"processed"`
	Failed    int64 `json:"failed"`
	// CPU and Memory are the shares of its host that are used, 0 to 1.
	CPU    float64 `json:"cpu"`
	Memory float64 `json:"memory"`
}

// RunningUploads is a number of uploads of a tenant with a status.
type RunningUploads struct {
	Tenant orak.Tenant `json:"tenant"`
	Status orak.Status `json:"status"`
	Count  int64       `json:"count"`
}

// Lag is how far consumer groups are behind.
type Lag struct {
	// At is when the offsets were last read.
	At time.Time `json:"at"`
	// WindowSeconds is the time over which groups are judged. Reading begins with the first request, so that it takes this long until STOP, STALL and WARN are known.
	WindowSeconds float64    `json:"window_seconds"`
	Groups        []LagGroup `json:"groups"`
}

// LagGroup is a consumer group.
type LagGroup struct {
	Group string `json:"group"`
	// Status is OK, UNKNOWN, WARN or ERROR.
	Status string `json:"status"`
	// State is Kafka's word, such as Stable or Empty.
	State   string `json:"state"`
	Members int    `json:"members"`
	// Lag is how many records are not committed.
	Lag int64 `json:"lag"`
	// Seconds is the age of the oldest record that is not committed; null if it is not known.
	Seconds    *float64       `json:"seconds"`
	Partitions []LagPartition `json:"partitions"`
	// Error is why the group could not be read; the other fields are empty then.
	Error string `json:"error,omitempty"`
}

// LagPartition is a partition that a group reads.
type LagPartition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	// Status is OK, UNKNOWN, WARN, STALL, STOP or REWIND.
	Status string `json:"status"`
	// Complete is the share of the window that was observed, 0 to 1.
	Complete float64 `json:"complete"`
	Start    int64   `json:"start"`
	End      int64   `json:"end"`
	// Committed is null without a commit.
	Committed *int64 `json:"committed"`
	Lag       int64  `json:"lag"`
	// Seconds is the age of the oldest record that is not committed; null if it is not known.
	Seconds *float64 `json:"seconds"`
	// Lost is how many records were deleted before they were read.
	Lost int64 `json:"lost"`
	// In and Out are the records per second that were written and committed; null before the second look.
	In  *float64 `json:"in_per_second"`
	Out *float64 `json:"out_per_second"`
}

// Topics are the topics of orak.
type Topics struct {
	Topics []Topic `json:"topics"`
	// WindowSeconds is the time over which rates were measured, at most a minute; 0 before the second look.
	WindowSeconds float64   `json:"window_seconds"`
	CheckedAt     time.Time `json:"checked_at"`
}

// Topic is a topic.
type Topic struct {
	Name       string           `json:"name"`
	Partitions []TopicPartition `json:"partitions"`
	// PerSecond is how many records are written per second; null before the second look.
	PerSecond *float64 `json:"per_second"`
	// Imbalance is the largest of the rates of the partitions over their mean: 1 is even. Null without any rate.
	Imbalance *float64 `json:"imbalance"`
	// UnderReplicated is the number of partitions with a replica that is not in sync.
	UnderReplicated int `json:"under_replicated"`
	// Risks are properties that may lose records, or stop uploads.
	Risks []TopicRisk `json:"risks,omitempty"`
	// Missing is true if the topic does not exist.
	Missing bool `json:"missing,omitempty"`
	// Error is why the topic could not be read; the other fields are empty then.
	Error string `json:"error,omitempty"`
}

// TopicRisk is a property of a topic that should be another.
type TopicRisk struct {
	// Code is partitions, cleanup-policy, replicas, min-insync-replicas, unclean-leader-election or retention. More may be added.
	Code string `json:"code"`
	// Have and Want are values of the property.
	Have string `json:"have"`
	Want string `json:"want"`
	// Meaning says what may happen.
	Meaning string `json:"meaning"`
	// Mend is the command that changes it; empty where nothing can.
	Mend string `json:"mend,omitempty"`
}

// TopicPartition is a partition of a topic.
type TopicPartition struct {
	Partition int32 `json:"partition"`
	// Leader is the id of a broker; -1 without one.
	Leader   int32 `json:"leader"`
	Replicas int   `json:"replicas"`
	InSync   int   `json:"in_sync"`
	// Start is the offset of the first record that is kept, and End that of the next one.
	Start int64 `json:"start"`
	End   int64 `json:"end"`
	// PerSecond is how many records are written per second; null before the second look.
	PerSecond *float64 `json:"per_second"`
	// Error is why the partition could not be read.
	Error string `json:"error,omitempty"`
}

// Outages are the outages of dependencies.
type Outages struct {
	Open []Outage `json:"open"`
	// Recent are those that are over, the latest first, at most 20.
	Recent    []Outage  `json:"recent"`
	CheckedAt time.Time `json:"checked_at"`
}

// Outage is an outage of a dependency.
type Outage struct {
	// Dependency is store, kafka, temporal, model-server, alert-webhook, converter or workflows. More may be added.
	Dependency string `json:"dependency"`
	// BeganAt is when it was first reported, and EndedAt when it was found to be over; left out while it goes on.
	BeganAt time.Time `json:"began_at"`
	EndedAt time.Time `json:"ended_at,omitzero"`
	// LastAt is when an attempt last failed of it.
	LastAt time.Time `json:"last_at,omitzero"`
	// Count is how many attempts have failed of it.
	Count int64 `json:"count"`
	// Cause is the last error; left out if it is about an upload that the caller may not see.
	Cause string `json:"cause,omitempty"`
	// Posted is true if operators were sent a message: one that passes within seconds is not posted.
	Posted     bool   `json:"posted"`
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	// WebUI is the workflow in the Temporal Web UI; left out where none is configured.
	WebUI string `json:"web_ui,omitempty"`
}

// Reconciliations are the last runs of the reconciliation, the latest first.
type Reconciliations struct {
	Runs []Reconciliation `json:"runs"`
	// NextAt is when the next one begins by itself; left out if that is not known.
	NextAt time.Time `json:"next_at,omitzero"`
	// Paused is true if an operator paused the schedule.
	Paused bool `json:"paused,omitempty"`
}

// Reconciliation is one run of the reconciliation.
type Reconciliation struct {
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	// WebUI is the run in the Temporal Web UI; left out where none is configured.
	WebUI string `json:"web_ui,omitempty"`
	// Status is running, completed, failed, canceled, terminated or timed_out.
	Status  string    `json:"status"`
	BeganAt time.Time `json:"began_at"`
	EndedAt time.Time `json:"ended_at,omitzero"`
	// Steps are those that have begun, in their order.
	Steps []ReconcileStep `json:"steps"`
	// GaveUp are the steps that failed; the next run repeats them.
	GaveUp []string `json:"gave_up,omitempty"`
}

// ReconcileStep is what one step of a reconciliation did.
type ReconcileStep struct {
	// Step is outbox, missing, closed, letters or tasks. More may be added.
	Step string `json:"step"`
	// Examined is everything that was looked at.
	Examined int `json:"examined"`
	// Published and Dropped are markers of the outbox.
	Published int `json:"published"`
	Dropped   int `json:"dropped"`
	// Started are uploads that had no workflow, Restarted those whose workflow had closed, and Stuck those of them that were restarted too often and are parked.
	Started   int `json:"started"`
	Restarted int `json:"restarted"`
	Stuck     int `json:"stuck"`
	// Rewritten are dead letters that were missing, and Strays letters without a parked upload.
	Rewritten int `json:"rewritten"`
	Strays    int `json:"strays"`
	// Failing are open workflows whose workflow task fails.
	Failing int `json:"failing"`
	// Errors are what could not be examined or repaired; the next run tries it again.
	Errors int `json:"errors"`
}

// ReconcileRequested is the answer to a request to reconcile now.
type ReconcileRequested struct {
	// Status is requested: it begins at once, or after the one that runs.
	Status string `json:"status"`
	// RequestedAt is when it was requested: the run that began last after it is the one.
	RequestedAt time.Time `json:"requested_at"`
}

// Sinks are the consumers that write what happened elsewhere.
type Sinks struct {
	Sinks     []Sink    `json:"sinks"`
	CheckedAt time.Time `json:"checked_at"`
	// Unavailable are the parts that could not be read.
	Unavailable []Unavailable `json:"unavailable,omitempty"`
}

// Sink is a consumer group and what it has written.
type Sink struct {
	// Name is index, lake or webhooks. More may be added.
	Name string `json:"name"`
	// Group is its consumer group.
	Group string `json:"group"`
	// Lag is how far the group is behind; left out if Kafka could not be asked.
	Lag *LagGroup `json:"lag,omitempty"`
	// Written are the tables of the lake, and what was last written; none for others.
	Written []SinkTable `json:"written"`
	// Reachable is whether the database of the index answers; left out for others.
	Reachable *bool `json:"reachable,omitempty"`
}

// SinkTable is a table of the lake.
type SinkTable struct {
	// Table is lifecycle or analyses. More may be added.
	Table string `json:"table"`
	// Object is the key of the last file; left out if there is none of today or yesterday.
	Object string `json:"object,omitempty"`
	// Size is that of the file in bytes.
	Size int64 `json:"size,omitempty"`
	// At is when the file was written, and AgeSeconds how long ago.
	At         time.Time `json:"at,omitzero"`
	AgeSeconds float64   `json:"age_seconds,omitempty"`
	// Files is how many files there are of today, at most 1000.
	Files int `json:"files"`
}
