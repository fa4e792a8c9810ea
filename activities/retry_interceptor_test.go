package activities

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/proto"

	"orak"
	"orak/internal/config"
)

// kept is an activity environment under a RetryInterceptor.
type kept struct {
	env *testsuite.TestActivityEnvironment
	log *bytes.Buffer

	mu    sync.Mutex
	beats []Heartbeat
}

// keep registers step as the activity type name.
func keep(t *testing.T, name string, drain time.Duration, step func(context.Context) (any, error)) *kept {
	t.Helper()
	k := &kept{log: &bytes.Buffer{}}
	retries := NewRetryInterceptor(config.MustDefaults[Budget](), drain, slog.New(slog.NewTextHandler(k.log, nil)), nil)
	var s testsuite.WorkflowTestSuite
	s.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	k.env = s.NewTestActivityEnvironment()
	k.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{retries}})
	k.env.RegisterActivityWithOptions(step, activity.RegisterOptions{Name: name})
	k.env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var h Heartbeat
		require.NoError(t, details.Get(&h))
		k.mu.Lock()
		defer k.mu.Unlock()
		k.beats = append(k.beats, h)
	})
	return k
}

func (k *kept) run(name string) error {
	_, err := k.env.ExecuteActivity(name)
	return err
}

func (k *kept) heartbeats() []Heartbeat {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]Heartbeat(nil), k.beats...)
}

// asFailure decodes the error of a stage as the workflow does.
func asFailure(t *testing.T, err error) (*temporal.ApplicationError, orak.Failure) {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	var f orak.Failure
	require.NoError(t, app.Details(&f))
	return app, f
}

func failing(err error) func(context.Context) (any, error) {
	return func(context.Context) (any, error) { return nil, err }
}

func TestAttemptIsChargedBeforeItBegins(t *testing.T) {
	t.Parallel()
	var k *kept
	k = keep(t, TypeConvert, 0, func(context.Context) (any, error) {
		require.Eventually(t, func() bool { return len(k.heartbeats()) == 1 }, 5*time.Second, time.Millisecond)
		require.Equal(t, 1, k.heartbeats()[0].Attempts)
		return "done", nil
	})
	require.NoError(t, k.run(TypeConvert))
}

func TestStageErrorCarriesItsFailure(t *testing.T) {
	t.Parallel()
	k := keep(t, TypeAnalyze, 0, failing(&orak.Fault{Class: orak.ClassModel, Message: "No.", Err: errors.New("secret detail")}))
	app, f := asFailure(t, k.run(TypeAnalyze))
	require.Equal(t, string(orak.ClassModel), app.Type())
	require.False(t, app.NonRetryable())
	require.Equal(t, time.Second, app.NextRetryDelay())
	require.Equal(t, orak.StageAnalyze, f.Stage)
	require.Equal(t, orak.ClassModel, f.Class)
	require.Equal(t, "No.", f.Message)
	require.Equal(t, 1, f.Attempts)
	require.False(t, f.FirstAt.IsZero())
}

func TestLastCountedAttemptIsNotRetried(t *testing.T) {
	t.Parallel()
	k := keep(t, TypeConvert, 0, failing(errors.New("boom")))
	k.env.SetHeartbeatDetails(Heartbeat{Attempts: 2, FirstAt: noon, BegunAt: noon})
	app, f := asFailure(t, k.run(TypeConvert))
	require.True(t, app.NonRetryable())
	require.Equal(t, orak.ClassTransient, f.Class)
	require.Equal(t, 3, f.Attempts)
	require.True(t, noon.Equal(f.FirstAt))
}

func TestAttemptFailsWithoutRunningWhenCrashesSpentTheBudget(t *testing.T) {
	t.Parallel()
	k := keep(t, TypeConvert, 0, func(context.Context) (any, error) {
		t.Error("the step ran")
		return nil, nil
	})
	k.env.SetHeartbeatDetails(Heartbeat{Attempts: 3, BegunAt: noon})
	app, f := asFailure(t, k.run(TypeConvert))
	require.True(t, app.NonRetryable())
	require.Equal(t, 3, f.Attempts)
	require.True(t, noon.Equal(f.FirstAt))
}

func TestLastFailureCarriesTheAttemptsBeforeIt(t *testing.T) {
	t.Parallel()
	before := Heartbeat{Attempts: 1, BegunAt: noon, Open: true} // it crashed
	k := keep(t, TypeConvert, 0, failing(errors.New("boom")))
	k.env.SetHeartbeatDetails(before)
	app, _ := asFailure(t, k.run(TypeConvert))
	require.False(t, app.NonRetryable())
	var f orak.Failure
	var marks []orak.Mark
	require.NoError(t, app.Details(&f, &marks))
	require.Empty(t, marks, "a retried failure carries none")
	beats := k.heartbeats()

	k = keep(t, TypeConvert, 0, failing(&orak.Fault{Class: orak.ClassInput, Message: "Not audio."}))
	k.env.SetHeartbeatDetails(beats[len(beats)-1])
	app, _ = asFailure(t, k.run(TypeConvert))
	require.True(t, app.NonRetryable())
	require.NoError(t, app.Details(&f, &marks))
	require.Len(t, marks, 3)
	for i, want := range []orak.Mark{
		{Class: orak.ClassTransient, Message: messageCrashed, Attempt: 1},
		{Class: orak.ClassTransient, Message: "This step failed unexpectedly.", Attempt: 2},
		{Class: orak.ClassInput, Message: "Not audio.", Attempt: 3},
	} {
		require.False(t, marks[i].At.IsZero())
		want.At, want.Kind, want.Stage = marks[i].At, orak.MarkAttemptFailed, orak.StageConvert
		require.Equal(t, want, marks[i])
	}
}

func TestUncountedFailureRefundsTheCharge(t *testing.T) {
	t.Parallel()
	k := keep(t, TypeConvert, 0, failing(&orak.Fault{Class: orak.ClassDependency, Message: "Away."}))
	k.env.SetHeartbeatDetails(Heartbeat{Attempts: 2, FirstAt: noon, BegunAt: noon})
	app, f := asFailure(t, k.run(TypeConvert))
	require.False(t, app.NonRetryable())
	require.Equal(t, 2, f.Attempts)
	beats := k.heartbeats()
	require.Equal(t, 3, beats[0].Attempts)
	require.Equal(t, 2, beats[len(beats)-1].Attempts)
}

func TestPanicIsAnInternalFailureWithItsStackLogged(t *testing.T) {
	t.Parallel()
	k := keep(t, TypeAnalyze, 0, func(context.Context) (any, error) { panic("no such index") })
	app, f := asFailure(t, k.run(TypeAnalyze))
	require.True(t, app.NonRetryable())
	require.Equal(t, orak.ClassInternal, f.Class)
	require.NotContains(t, f.Message, "no such index")
	require.Contains(t, k.log.String(), "retry_interceptor_test.go")
}

func TestInvalidResultIsAnInternalFailure(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]any{
		"not a number": orak.Tempo{BPM: math.NaN()},
		"too large":    strings.Repeat("x", maxResult),
	} {
		k := keep(t, TypeAnalyze, 0, func(context.Context) (any, error) { return result, nil })
		app, f := asFailure(t, k.run(TypeAnalyze))
		require.True(t, app.NonRetryable(), name)
		require.Equal(t, orak.ClassInternal, f.Class, name)
	}
}

func TestStoppingWorkerReturnsTheStageUncounted(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	k := keep(t, TypeConvert, time.Millisecond, func(ctx context.Context) (any, error) {
		close(stop)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	k.env.SetWorkerStopChannel(stop)
	var app *temporal.ApplicationError
	require.ErrorAs(t, k.run(TypeConvert), &app)
	require.False(t, app.NonRetryable())
	require.Equal(t, time.Millisecond, app.NextRetryDelay())
	beats := k.heartbeats()
	require.Zero(t, beats[len(beats)-1].Attempts)
}

func TestProgressKeepsTheCharge(t *testing.T) {
	t.Parallel()
	k := keep(t, TypeConvert, 0, func(ctx context.Context) (any, error) {
		report := progress(ctx)
		report(-1)
		report(math.NaN())
		report(0.5)
		report(0.5001)
		return nil, &orak.Fault{Class: orak.ClassInput}
	})
	require.Error(t, k.run(TypeConvert))
	for _, h := range k.heartbeats() {
		require.Equal(t, 1, h.Attempts)
	}
}

func TestSideActivitiesUseTheServersRetryPolicy(t *testing.T) {
	t.Parallel()
	k := keep(t, TypeAnnounce, 0, failing(&orak.Fault{Class: orak.ClassInternal, Message: "No."}))
	var app *temporal.ApplicationError
	require.ErrorAs(t, k.run(TypeAnnounce), &app)
	require.False(t, app.NonRetryable())
	require.Empty(t, k.heartbeats())
}

func TestFailureTextIsTruncatedToTheServersLimit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 10_000)
	k := keep(t, TypeConvert, 0, failing(&orak.Fault{Class: orak.ClassInput, Message: long, Err: errors.New(long)}))
	app, f := asFailure(t, k.run(TypeConvert))
	require.LessOrEqual(t, len(f.Message), orak.MaxMessage)
	require.Less(t, proto.Size(temporal.GetDefaultFailureConverter().ErrorToFailure(app)), 4<<10)
}

// The server has the first heartbeat of an attempt, but not its end, and timed it
// out. The process in which the attempt ended knows how, and charges the next
// attempt there for that: an outage costs no attempt.
func TestAttemptIsChargedAsItEndedWhenTheServerMissedIt(t *testing.T) {
	t.Parallel()
	for class, counted := range map[orak.Class]int{orak.ClassDependency: 0, orak.ClassTransient: 1} {
		retries := NewRetryInterceptor(config.MustDefaults[Budget](), time.Minute, slog.New(slog.DiscardHandler), nil)
		a := &attempt{RetryInterceptor: retries, stage: orak.StageConvert, step: step{"run", "5"}, started: noon, log: retries.log}
		ctx, cancel := context.WithDeadline(t.Context(), noon)
		t.Cleanup(cancel)
		begun := Heartbeat{}.begin(noon)
		require.Error(t, a.fail(ctx, t.Context(), begun, &orak.Fault{Class: class, Message: "No."}))
		next := retries.earlier.latest(a.step, begun)
		require.False(t, next.Open)
		require.Equal(t, counted, next.Attempts, class)
	}
}
