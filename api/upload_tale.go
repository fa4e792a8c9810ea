package api

import (
	"slices"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orak"
	"orak/activities"
	"orak/api/resource"
	"orak/events"
	"orak/workflows"
)

// The outcomes of attempts.
const (
	outcomeWaiting   = "waiting"
	outcomeRunning   = "running"
	outcomeCompleted = "completed"
	outcomeFailed    = "failed"
	outcomeTimedOut  = "timed_out"
	outcomeCanceled  = "canceled"
)

// stagesOf are the stages that activities belong to.
var stagesOf = map[string]orak.Stage{
	activities.TypeConvert: orak.StageConvert, activities.TypeAnalyze: orak.StageAnalyze,
	activities.TypePublish: orak.StagePublish, activities.TypeStoreAnalysis: orak.StagePublish, activities.TypeConclude: orak.StagePublish,
}

// stageEvents are the events that stages publish of their own end.
var stageEvents = map[string]events.Type{activities.TypeConvert: events.Converted, activities.TypeAnalyze: events.Analyzed}

// tale is what the history of one run says.
type tale struct {
	payloads workflows.Payloads
	runID    string
	options  *resource.UploadOptions
	entries  []resource.HistoryEntry
	// byEvent and byActivity are the indices of the entries of activities, by the event
	// that scheduled them, and by the activity's id.
	byEvent    map[int64]int
	byActivity map[string]int
	settled    bool
}

func newTale(p workflows.Payloads, runID string) *tale {
	return &tale{payloads: p, runID: runID, byEvent: map[int64]int{}, byActivity: map[string]int{}}
}

// add adds an entry of an event.
func (t *tale) add(e *history.HistoryEvent, entry resource.HistoryEntry) {
	entry.At, entry.RunID, entry.EventID = at(e.GetEventTime()), t.runID, e.GetEventId()
	t.entries = append(t.entries, entry)
}

func at(ts *timestamppb.Timestamp) time.Time {
	if ts == nil {
		return time.Time{}
	}
	return ts.AsTime()
}

// read adds what an event says.
func (t *tale) read(e *history.HistoryEvent) {
	switch a := e.GetAttributes().(type) {
	case *history.HistoryEvent_WorkflowExecutionStartedEventAttributes:
		t.started(e, a.WorkflowExecutionStartedEventAttributes)
	case *history.HistoryEvent_MarkerRecordedEventAttributes:
		t.marker(e, a.MarkerRecordedEventAttributes)
	case *history.HistoryEvent_WorkflowExecutionSignaledEventAttributes:
		t.command(e, a.WorkflowExecutionSignaledEventAttributes.GetSignalName(), a.WorkflowExecutionSignaledEventAttributes.GetInput())
	case *history.HistoryEvent_WorkflowExecutionUpdateAcceptedEventAttributes:
		input := a.WorkflowExecutionUpdateAcceptedEventAttributes.GetAcceptedRequest().GetInput()
		t.command(e, input.GetName(), input.GetArgs())
	case *history.HistoryEvent_WorkflowExecutionCancelRequestedEventAttributes:
		t.add(e, resource.HistoryEntry{Kind: resource.HistoryCancel, Message: clipped(a.WorkflowExecutionCancelRequestedEventAttributes.GetCause())})
	case *history.HistoryEvent_WorkflowTaskFailedEventAttributes:
		failed := a.WorkflowTaskFailedEventAttributes
		t.add(e, resource.HistoryEntry{Kind: resource.HistoryTaskError, Name: failed.GetCause().String(), Worker: failed.GetIdentity(), Message: clipped(failed.GetFailure().GetMessage())})
	default:
		if !t.activity(e) {
			t.end(e)
		}
	}
}

func (t *tale) started(e *history.HistoryEvent, a *history.WorkflowExecutionStartedEventAttributes) {
	priority := int(a.GetPriority().GetPriorityKey())
	var in workflows.ProcessUploadInput
	_ = t.payloads.Decode(a.GetInput(), &in) // without it the options are those of an unknown upload
	switch {
	case in.Upload.Kind == orak.KindSong:
		priority = workflows.LowestPriority
	case priority == 0:
		priority = workflows.PriorityStandard
	}
	t.options = &resource.UploadOptions{
		Lane: workflows.Lane(priority), Priority: priority, Kind: in.Upload.Kind.String(), Restarts: in.Restarts, Event: eventOf(in.Origin),
	}
	t.add(e, resource.HistoryEntry{Kind: resource.HistoryStarted})
}

// marker reads the settings, the value of the first side effect, and local activities.
func (t *tale) marker(e *history.HistoryEvent, a *history.MarkerRecordedEventAttributes) {
	switch a.GetMarkerName() {
	case "SideEffect":
		var settings workflows.Settings
		if t.settled || t.options == nil || t.payloads.Decode(a.GetDetails()["data"], &settings) != nil {
			return
		}
		t.settled = true
		t.options.ParkForSeconds = int64(settings.ParkFor.Seconds())
		t.options.ConvertTimeoutSeconds = int64(settings.ConvertTimeout.Seconds())
		t.options.AnalyzeTimeoutSeconds = int64(settings.AnalyzeTimeout.Seconds())
		t.options.PublishTimeoutSeconds = int64(settings.PublishTimeout.Seconds())
	case "LocalActivity":
		var local struct {
			ActivityType string
			Attempt      int
		}
		if t.payloads.Decode(a.GetDetails()["data"], &local) != nil {
			return
		}
		entry := resource.HistoryEntry{
			Kind: resource.HistoryAttempt, Name: local.ActivityType, Stage: stagesOf[local.ActivityType], Attempt: max(local.Attempt, 1),
			Outcome: outcomeCompleted, EndedAt: at(e.GetEventTime()),
		}
		if f := a.GetFailure(); f != nil {
			entry.Outcome = outcomeFailed
			entry.Class, entry.Message = failureOf(f)
		}
		t.add(e, entry)
	}
}

// command reads a signal or an update. Both have the same names and contents.
func (t *tale) command(e *history.HistoryEvent, name string, input *commonpb.Payloads) {
	entry := resource.HistoryEntry{Kind: resource.HistorySignal, Name: name}
	if name == workflows.SignalReprocess || name == workflows.SignalDiscard {
		entry.Kind = resource.HistoryDecision
		var d workflows.Reprocess
		if t.payloads.Decode(input, &d) == nil {
			entry.By, entry.Reason, entry.Stage, entry.Options = clipped(d.By), clipped(d.Reason), d.From, d.Options
		}
	}
	t.add(e, entry)
}

// activity reads an event of an activity, and reports whether e is one.
func (t *tale) activity(e *history.HistoryEvent) bool {
	switch a := e.GetAttributes().(type) {
	case *history.HistoryEvent_ActivityTaskScheduledEventAttributes:
		t.scheduled(e, a.ActivityTaskScheduledEventAttributes)
	case *history.HistoryEvent_ActivityTaskStartedEventAttributes:
		started := a.ActivityTaskStartedEventAttributes
		t.change(started.GetScheduledEventId(), func(entry *resource.HistoryEntry) {
			begin(entry, at(e.GetEventTime()), int(started.GetAttempt()), started.GetIdentity())
		})
	case *history.HistoryEvent_ActivityTaskCompletedEventAttributes:
		done := a.ActivityTaskCompletedEventAttributes
		t.ended(done.GetScheduledEventId(), e, outcomeCompleted, nil)
		t.announced(done.GetScheduledEventId(), e, done.GetResult())
	case *history.HistoryEvent_ActivityTaskFailedEventAttributes:
		t.ended(a.ActivityTaskFailedEventAttributes.GetScheduledEventId(), e, outcomeFailed, a.ActivityTaskFailedEventAttributes.GetFailure())
	case *history.HistoryEvent_ActivityTaskTimedOutEventAttributes:
		t.ended(a.ActivityTaskTimedOutEventAttributes.GetScheduledEventId(), e, outcomeTimedOut, a.ActivityTaskTimedOutEventAttributes.GetFailure())
	case *history.HistoryEvent_ActivityTaskCanceledEventAttributes:
		t.ended(a.ActivityTaskCanceledEventAttributes.GetScheduledEventId(), e, outcomeCanceled, nil)
	default:
		return false
	}
	return true
}

func (t *tale) scheduled(e *history.HistoryEvent, a *history.ActivityTaskScheduledEventAttributes) {
	name := a.GetActivityType().GetName()
	entry := resource.HistoryEntry{
		Kind: resource.HistoryAttempt, Name: name, Stage: stagesOf[name], Outcome: outcomeWaiting, Attempt: 1, Queue: a.GetTaskQueue().GetName(),
	}
	if name == activities.TypeAnnounce {
		var in activities.AnnounceInput
		if t.payloads.Decode(a.GetInput(), &in) == nil {
			entry.Kind, entry.Name = resource.HistoryEvent, string(in.Type)
		}
	}
	t.add(e, entry)
	t.byEvent[e.GetEventId()], t.byActivity[a.GetActivityId()] = len(t.entries)-1, len(t.entries)-1
}

func (t *tale) change(scheduled int64, do func(*resource.HistoryEntry)) {
	if i, ok := t.byEvent[scheduled]; ok {
		do(&t.entries[i])
	}
}

// begin notes the beginning of an attempt. The wait of a later one is not known: it has
// the delay after the one before.
func begin(entry *resource.HistoryEntry, started time.Time, attempt int, worker string) {
	entry.Outcome, entry.Attempt, entry.Worker = outcomeRunning, max(attempt, 1), worker
	if attempt <= 1 && !started.IsZero() {
		entry.WaitSeconds = max(0, started.Sub(entry.At).Seconds())
	}
}

func (t *tale) ended(scheduled int64, e *history.HistoryEvent, outcome string, f *failurepb.Failure) {
	t.change(scheduled, func(entry *resource.HistoryEntry) {
		entry.Outcome, entry.EndedAt = outcome, at(e.GetEventTime())
		if f != nil {
			entry.Class, entry.Message = failureOf(f)
		}
	})
}

// announced adds the event that a stage has published of its own end.
func (t *tale) announced(scheduled int64, e *history.HistoryEvent, result *commonpb.Payloads) {
	i, ok := t.byEvent[scheduled]
	if !ok || stageEvents[t.entries[i].Name] == "" {
		return
	}
	var done struct {
		Announced bool `json:"announced"`
	}
	if t.payloads.Decode(result, &done) == nil && done.Announced {
		t.add(e, resource.HistoryEntry{
			Kind: resource.HistoryEvent, Name: string(stageEvents[t.entries[i].Name]), Stage: t.entries[i].Stage, Outcome: outcomeCompleted,
			EndedAt: at(e.GetEventTime()), Worker: t.entries[i].Worker,
		})
	}
}

// pending notes the activities that are not over, of which the history has only the
// beginning, and adds those whose beginning was not read.
func (t *tale) pending(list []*workflow.PendingActivityInfo) {
	for _, a := range list {
		i, ok := t.byActivity[a.GetActivityId()]
		if !ok {
			i = t.addPending(a)
		}
		entry := &t.entries[i]
		entry.Attempt, entry.Worker = max(int(a.GetAttempt()), 1), a.GetLastWorkerIdentity()
		if f := a.GetLastFailure(); f != nil {
			entry.Class, entry.Message = failureOf(f)
		}
		if a.GetState() == enumspb.PENDING_ACTIVITY_STATE_STARTED || a.GetState() == enumspb.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED {
			begin(entry, at(a.GetLastStartedTime()), entry.Attempt, entry.Worker)
		}
	}
}

// addPending adds an activity that is not over, and returns the index of its entry.
func (t *tale) addPending(a *workflow.PendingActivityInfo) int {
	name := a.GetActivityType().GetName()
	began := a.GetScheduledTime()
	if a.GetLastStartedTime() != nil { // then the other one is that of the next attempt
		began = a.GetLastStartedTime()
	}
	t.entries = append(t.entries, resource.HistoryEntry{
		Kind: resource.HistoryAttempt, At: at(began), Name: name, Stage: stagesOf[name], Outcome: outcomeWaiting, RunID: t.runID,
	})
	return len(t.entries) - 1
}

// ends are the events that end a run.
var ends = map[enumspb.EventType]enumspb.WorkflowExecutionStatus{
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:        enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED,
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:           enumspb.WORKFLOW_EXECUTION_STATUS_FAILED,
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:         enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED,
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:       enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED,
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:        enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT,
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW,
}

func (t *tale) end(e *history.HistoryEvent) {
	status, ok := ends[e.GetEventType()]
	if !ok {
		return
	}
	entry := resource.HistoryEntry{Kind: resource.HistoryEnded, Outcome: runStatus(status)}
	entry.Message = clipped(e.GetWorkflowExecutionTerminatedEventAttributes().GetReason())
	if f := e.GetWorkflowExecutionFailedEventAttributes().GetFailure(); f != nil {
		entry.Class, entry.Message = failureOf(f)
	}
	t.add(e, entry)
}

// failureOf returns the class and the message of a failure. A step's error has its class
// as the type, and a message that is safe to show.
func failureOf(f *failurepb.Failure) (orak.Class, string) {
	class, ok := orak.ParseClass(f.GetApplicationFailureInfo().GetType())
	if !ok {
		class = ""
	}
	return class, clipped(f.GetMessage())
}

// clipped returns text without control characters, and as long as a failure's message
// may be.
func clipped(text string) string {
	runes := []rune(text)
	runes = runes[:min(len(runes), orak.MaxMessage)]
	return string(slices.DeleteFunc(runes, func(r rune) bool { return r < ' ' && r != '\n' }))
}
