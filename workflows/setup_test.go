package workflows_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orak"
	"orak/activities"
	"orak/activities/messages"
	"orak/events"
	"orak/internal/config"
	"orak/workflows"
)

// stageEvent stands for the event that a stage publishes, where activity types are
// counted.
const stageEvent = "event of a stage"

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// world is a workflow environment that skips time, with fake activities that record
// their inputs.
type world struct {
	*testsuite.TestWorkflowEnvironment
	t *testing.T

	mu       sync.Mutex
	runs     map[string]int // attempts, by activity type
	events   []activities.AnnounceInput
	letters  []activities.DeadLetterInput
	alerts   []messages.Alert
	outcomes []orak.Progress
	posts    []messages.AlertGroup
	unparked []string // the digests that were signaled, by workflow id
	converts []activities.ConvertInput
	analyzes []activities.AnalyzeInput

	// parked returns the number of uploads that visibility shows as parked.
	parked func() int

	// fail returns the error of the n-th attempt (from 1) of an activity; nil is a
	// success.
	fail func(activityType string, n int) error
	// earlierWorkers run the stages: they neither publish their events nor store the
	// analysis.
	earlierWorkers bool
	// deaf is the error of signals to digests.
	deaf error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOf(t, config.MustDefaults[workflows.Settings]())
}

func newWorldOf(t *testing.T, settings workflows.Settings) *world {
	t.Helper()
	return newWorldWith(t, workflows.New(settings))
}

func newWorldWith(t *testing.T, flows *workflows.Flows) *world {
	t.Helper()
	var s testsuite.WorkflowTestSuite
	quiet := slog.New(slog.DiscardHandler)
	s.SetLogger(sdklog.NewStructuredLogger(quiet))
	w := &world{TestWorkflowEnvironment: s.NewTestWorkflowEnvironment(), t: t, runs: map[string]int{},
		fail: func(string, int) error { return nil }, parked: func() int { return 0 }}
	w.SetStartTime(noon)
	w.SetTestTimeout(30 * time.Second)
	retries := activities.NewRetryInterceptor(config.MustDefaults[activities.Budget](), 0, quiet, nil)
	w.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{retries}})
	w.flows(flows)

	w.activity(activities.TypeConvert, func(ctx context.Context, in activities.ConvertInput) (activities.Converted, error) {
		w.note(func() { w.converts = append(w.converts, in) })
		if err := w.attempt(activities.TypeConvert); err != nil {
			return activities.Converted{}, err
		}
		return activities.Converted{Audio: orak.Audio{DurationS: 3, Codec: "opus"}, Announced: w.announced(ctx, orak.StageConvert, in.Upload, in.Announce)}, nil
	})
	w.activity(activities.TypeAnalyze, func(ctx context.Context, in activities.AnalyzeInput) (activities.Analyzed, error) {
		w.note(func() { w.analyzes = append(w.analyzes, in) })
		if err := w.attempt(activities.TypeAnalyze); err != nil {
			return activities.Analyzed{}, err
		}
		if in.Announce == nil || w.earlierWorkers {
			return activities.Analyzed{Analysis: &orak.Analysis{Audio: in.Audio}}, nil
		}
		return activities.Analyzed{Announced: w.announced(ctx, orak.StageAnalyze, in.Upload, in.Announce)}, nil
	})
	w.activity(activities.TypePublish, func(_ context.Context, in activities.PublishInput) error {
		err := w.attempt(activities.TypePublish)
		if err == nil {
			w.note(func() { w.outcomes = append(w.outcomes, in.Progress); w.events = append(w.events, in.Completed) })
		}
		return err
	})
	w.activity(activities.TypeStoreAnalysis, func(context.Context, activities.StoreAnalysisInput) error {
		return w.attempt(activities.TypeStoreAnalysis)
	})
	w.activity(activities.TypeConclude, func(_ context.Context, in activities.ConcludeInput) (activities.Concluded, error) {
		p := in.Progress
		if err := w.attempt(activities.TypeConclude); err != nil {
			return activities.Concluded{}, err
		}
		id, typ, l, err := events.End(p)
		w.note(func() {
			w.outcomes = append(w.outcomes, p)
			w.events = append(w.events, activities.AnnounceInput{ID: id, Type: typ, At: p.UpdatedAt, Lifecycle: l})
		})
		if in.Brief {
			return activities.Concluded{}, err
		}
		return activities.Concluded{Progress: &p}, err
	})
	sideActivity(w, activities.TypeAnnounce, &w.events)
	sideActivity(w, activities.TypeDeadLetter, &w.letters)
	sideActivity(w, activities.TypeRaiseAlert, &w.alerts)
	sideActivity(w, activities.TypeSaveOutcome, &w.outcomes)
	sideActivity(w, activities.TypePostAlert, &w.posts)
	w.activity(activities.TypeCountParked, func(context.Context, activities.CountParkedInput) (messages.ParkedUploads, error) {
		return messages.ParkedUploads{Count: w.parked()}, w.attempt(activities.TypeCountParked)
	})
	return w
}

// announced publishes the event of a stage, as its activity does. It reports whether it
// has.
func (w *world) announced(ctx context.Context, s orak.Stage, u orak.Upload, e *activities.StageEvent) bool {
	if e == nil || w.earlierWorkers || w.attempt(stageEvent) != nil {
		return false
	}
	run := activity.GetInfo(ctx).WorkflowExecution
	w.note(func() {
		w.events = append(w.events, activities.NewStageEvent(run.ID, run.RunID, s, u, e.Cycle, w.Now()))
	})
	return true
}

// ExecuteWorkflow runs a workflow, and records its signals to digests. (The
// environment cannot register a workflow after that.)
func (w *world) ExecuteWorkflow(workflowType any, args ...any) {
	w.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, workflows.SignalUnparked, nil).Return(
		func(_, id, _, _ string, _ any) error {
			w.note(func() { w.unparked = append(w.unparked, id) })
			return w.deaf
		})
	w.TestWorkflowEnvironment.ExecuteWorkflow(workflowType, args...)
}

func (w *world) flows(f *workflows.Flows) {
	w.RegisterWorkflowWithOptions(f.ProcessUpload, workflow.RegisterOptions{Name: workflows.TypeProcessUpload})
	w.RegisterWorkflowWithOptions(f.AlertDigest, workflow.RegisterOptions{Name: workflows.TypeAlertDigest})
}

func (w *world) activity(name string, f any) {
	w.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
}

// sideActivity records its input in seen.
func sideActivity[In any](w *world, name string, seen *[]In) {
	w.activity(name, func(_ context.Context, in In) error {
		if err := w.attempt(name); err != nil {
			return err
		}
		w.note(func() { *seen = append(*seen, in) })
		return nil
	})
}

func (w *world) note(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) attempt(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runs[name]++
	return w.fail(name, w.runs[name])
}

// eventTypes returns the types of the published events, in order.
func (w *world) eventTypes() []string {
	var types []string
	for _, e := range w.events {
		types = append(types, strings.TrimPrefix(string(e.Type), "orak.upload."))
	}
	return types
}

func (w *world) process() (orak.Progress, error) {
	w.ExecuteWorkflow(workflows.TypeProcessUpload, input())
	require.True(w.t, w.IsWorkflowCompleted())
	if err := w.GetWorkflowError(); err != nil {
		return w.status(), err
	}
	var p orak.Progress
	require.NoError(w.t, w.GetWorkflowResult(&p))
	return p, nil
}

// status runs the query status.
func (w *world) status() orak.Progress {
	v, err := w.QueryWorkflow(workflows.QueryStatus)
	require.NoError(w.t, err)
	var p orak.Progress
	require.NoError(w.t, v.Get(&p))
	return p
}

// after calls f after d, by the clock of the workflow.
func (w *world) after(d time.Duration, f func()) { w.RegisterDelayedCallback(f, d) }

// update sends an Update; refused is the expected refusal, empty if it must be
// accepted. The answer comes after update has returned.
func (w *world) update(name string, arg any, refused string) {
	w.t.Helper()
	answered := false
	w.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
		OnAccept: func() {
			answered = true
			require.Empty(w.t, refused, "accepted: %+v", arg)
		},
		OnReject: func(err error) {
			answered = true
			require.NotEmpty(w.t, refused, "refused: %v", err)
			require.ErrorContains(w.t, err, refused)
		},
		OnComplete: func(_ any, err error) { require.NoError(w.t, err) },
	}, arg)
	w.t.Cleanup(func() { require.True(w.t, answered, "no answer to %+v", arg) })
}

func input() workflows.ProcessUploadInput {
	const id orak.UploadID = "0190aaaa-0000-7000-8000-000000000001"
	return workflows.ProcessUploadInput{
		Upload: orak.Upload{ID: id, Tenant: "choir", Key: orak.OriginalKey("choir", id), ContentType: "audio/ogg",
			Filename: "song.ogg", Size: 10, SHA256: strings.Repeat("a", 64), ReceivedAt: noon},
		Origin: events.Origin{Topic: events.TopicUploads, Partition: 3, Offset: 7, Key: []byte(id), Value: []byte("{}")},
	}
}

// failing makes an activity fail in its first n attempts.
func failing(name string, n int, class orak.Class) func(string, int) error {
	return func(activityType string, attempt int) error {
		if activityType == name && attempt <= n {
			return &orak.Fault{Class: class, Message: "It did not work."}
		}
		return nil
	}
}
