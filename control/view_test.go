package control_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/control"
	"orak/events"
	"orak/internal/kafka"
	"orak/test/lifecycle"
)

func TestViewStartsOnceAndStops(t *testing.T) {
	b := setup(t)
	lifecycle.Starts(t, func(*testing.T) lifecycle.Part {
		v := control.NewView(defaults, control.Deps{Kafka: b.kafka, Log: quiet()})
		return lifecycle.Part{Start: v.Start, Stop: v.Stop, Serves: func(ctx context.Context) error {
			select {
			case <-v.Loaded():
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
	})
}

func TestViewFollowsChanges(t *testing.T) {
	b := setup(t)
	mine, others := b.loaded(), b.loaded()
	require.Equal(t, 2, control.GPUSlots.Of(others, "", 2), "the flag")
	b.set(mine, control.Change{Setting: "gpu-slots", Value: "4"})
	written := time.Now()
	require.Equal(t, 4, control.GPUSlots.Of(mine, "", 2), "a writer reads its own write")
	b.until(others, func() bool { return control.GPUSlots.Of(others, "", 2) == 4 })
	t.Logf("another process has the change %v after its writer", time.Since(written))
	b.set(mine, control.Change{Setting: "gpu-slots", Unset: true})
	b.until(others, func() bool { return control.GPUSlots.Of(others, "", 2) == 2 })
}

func TestTenantSettingGoesBeforeThatOfAll(t *testing.T) {
	b := setup(t)
	v := b.loaded()
	b.set(v, control.Change{Setting: "intake", Value: control.IntakePaused})
	b.set(v, control.Change{Setting: "intake", Tenant: "choir", Value: control.IntakeOpen})
	b.set(v, control.Change{Setting: "tier", Tenant: "choir", Value: control.TierBackfill, By: "bob"})
	require.Equal(t, control.IntakeOpen, control.Intake.Of(v, "choir"))
	require.Equal(t, control.IntakePaused, control.Intake.Of(v, "solo"))
	require.Equal(t, control.TierBackfill, control.Tier.Of(v, "choir"))
	require.Equal(t, control.TierStandard, control.Tier.Of(v, "solo"))

	all := v.Assignments()
	require.Len(t, all, 3)
	require.Equal(t, []string{"ann", "ann", "bob"}, []string{all[0].By, all[1].By, all[2].By}, "each setting has its own author")
	b.set(v, control.Change{Setting: "intake", Tenant: "choir", Unset: true})
	require.Equal(t, control.IntakePaused, control.Intake.Of(v, "choir"))
	b.set(v, control.Change{Setting: "tier", Tenant: "choir", Unset: true})
	_, ok := v.Document(control.TenantKey("choir"))
	require.False(t, ok, "a tenant's document is removed with its last setting")
}

func TestFieldsOfOtherVersionsArePreserved(t *testing.T) {
	b := setup(t)
	b.produce("tenant/choir", `{"schema":"tenant/1","version":1,"by":"ann","at":"2026-11-28T12:00:00Z","keys":["k"],"settings":{"later":{"value":"x","by":"ann","at":"2026-11-28T12:00:00Z","why":"y"}}}`)
	v := b.loaded()
	b.set(v, control.Change{Setting: "tier", Tenant: "choir", Value: control.TierRealtime})
	d, ok := v.Document("tenant/choir")
	require.True(t, ok)
	require.Contains(t, string(d.Value), `"keys":["k"]`)
	require.Contains(t, string(d.Value), `"why":"y"`)
	require.Equal(t, control.TierRealtime, control.Tier.Of(v, "choir"))
}

func TestOpaqueDocumentsAreKept(t *testing.T) {
	b := setup(t)
	b.produce("plan/7", `{"schema":"plan/1","version":3,"by":"ann","at":"2026-11-28T12:00:00Z","sha256":"00"}`)
	v := b.loaded()
	d, ok := v.Document("plan/7")
	require.True(t, ok)
	require.EqualValues(t, 3, d.Version)
	require.Equal(t, []string{"plan/7"}, v.Keys("plan/"))
	b.produce("plan/7", "")
	b.until(v, func() bool { _, ok := v.Document("plan/7"); return !ok })
}

func TestBadDocumentKeepsTheLastGoodOne(t *testing.T) {
	good := `{"schema":"setting/1","version":1,"by":"ann","at":"2026-11-28T12:00:00Z","value":"4"}`
	for name, bad := range map[string]string{
		"out of bounds":  strings.Replace(good, `"4"`, `"100000"`, 1),
		"not JSON":       "x",
		"another schema": strings.Replace(good, "setting/1", "setting/2", 1),
		"no version":     strings.Replace(good, `"version":1,`, "", 1),
		"no author":      strings.Replace(good, `"by":"ann",`, "", 1),
		"too large":      good + strings.Repeat(" ", control.MaxDocument),
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			var log buffer
			v := b.viewWith(defaults, control.Deps{Kafka: b.kafka, Log: slog.New(slog.NewTextHandler(&log, nil))})
			b.produce("setting/gpu-slots", good)
			b.until(v, func() bool { return control.GPUSlots.Of(v, "", 2) == 4 })
			b.produce("setting/gpu-slots", bad)
			b.until(v, func() bool { return len(v.Status().Refused) == 1 })
			require.Equal(t, 4, control.GPUSlots.Of(v, "", 2))
			require.Equal(t, 1, strings.Count(log.String(), "control document refused"), log.String())

			fresh := b.loaded()
			require.Equal(t, 4, control.GPUSlots.Of(fresh, "", 2), "both records are in the topic")
			b.set(v, control.Change{Setting: "gpu-slots", Value: "3"})
			require.Empty(t, v.Status().Refused)
			require.Equal(t, 3, control.GPUSlots.Of(v, "", 2))
		})
	}
}

func TestDocumentsAreBounded(t *testing.T) {
	b := setup(t)
	cfg := defaults
	cfg.MaxDocuments = 2
	v := b.viewWith(cfg, control.Deps{Kafka: b.kafka})
	b.await(v.Loaded())
	b.set(v, control.Change{Setting: "gpu-slots", Value: "4"})
	b.set(v, control.Change{Setting: "gpu-slots", Unset: true})
	b.set(v, control.Change{Setting: "convert-slots", Value: "4"})
	b.set(v, control.Change{Setting: "bridge-inflight", Value: "4"})
	_, err := b.writer(v).Apply(b.ctx, control.Change{Setting: "park-for", Value: "1h", By: "ann"})
	require.ErrorContains(t, err, "2 documents already")
	b.produce("setting/park-for", `{"schema":"setting/1","version":1,"by":"ann","at":"2026-11-28T12:00:00Z","value":"1h"}`)
	b.set(v, control.Change{Setting: "convert-slots", Value: "5"})
	require.Equal(t, time.Minute, control.ParkFor.Of(v, time.Minute))
}

func TestRecordsAreReadOnceCommitted(t *testing.T) {
	b := setup(t)
	v := b.loaded()
	cl, err := kafka.NewClient(b.kafka, quiet(), transactional()...)
	require.NoError(t, err)
	defer cl.Close()
	require.NoError(t, cl.BeginTransaction())
	require.NoError(t, cl.ProduceSync(b.ctx, settingRecord("gpu-slots", "9", 1)).FirstErr())
	// The Writer fences the other one off, whose transaction is aborted by that.
	b.set(v, control.Change{Setting: "convert-slots", Value: "3"})
	require.Equal(t, 2, control.GPUSlots.Of(v, "", 2))
	require.Error(t, cl.EndTransaction(b.ctx, true))
}

func TestSnapshotStartsAProcessWithoutKafka(t *testing.T) {
	b := setup(t)
	store := newMemory()
	v := b.view(store)
	w := b.writer(v)
	k := control.NewKeeper(w, store, quiet())
	require.NoError(t, k.Start(b.ctx))
	b.set(v, control.Change{Setting: "gpu-slots", Value: "4"})
	b.awaitSnapshot(store, `"value":"4"`)
	require.NoError(t, k.Stop(b.ctx))

	away := b.kafka
	away.Brokers = []string{"127.0.0.1:1"}
	var log buffer
	stale := b.viewWith(defaults, control.Deps{Kafka: away, Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.Error(t, stale.Ready(b.ctx))
	b.await(stale.Loaded())
	require.NoError(t, stale.Ready(b.ctx))
	require.Equal(t, 4, control.GPUSlots.Of(stale, "", 2))
	require.False(t, stale.Status().Live)
	require.False(t, stale.Status().SnapshotAt.IsZero())
	require.Contains(t, log.String(), "going on with the snapshot")
	ctx, cancel := context.WithTimeout(b.ctx, 100*time.Millisecond)
	defer cancel()
	_, err := control.NewWriter(away, stale, quiet()).Apply(ctx, control.Change{Setting: "gpu-slots", Value: "5", By: "ann"})
	var fault *orak.Fault
	require.ErrorAs(t, err, &fault)
	require.Equal(t, orak.DependencyKafka, fault.Dependency)
}

func TestStartWithoutKafkaAndSnapshotLeavesTheFlags(t *testing.T) {
	b := setup(t)
	away := b.kafka
	away.Brokers = []string{"127.0.0.1:1"}
	v := b.viewWith(defaults, control.Deps{Kafka: away, Store: newMemory()})
	b.await(v.Loaded())
	require.Equal(t, 2, control.GPUSlots.Of(v, "", 2))
}

func TestViewWithoutStoreAndKafkaIsNotLoaded(t *testing.T) {
	b := setup(t)
	away := b.kafka
	away.Brokers = []string{"127.0.0.1:1"}
	store := newMemory()
	store.down = errors.New("away")
	v := b.viewWith(defaults, control.Deps{Kafka: away, Store: store})
	select {
	case <-v.Loaded():
		require.Fail(t, "nothing was read")
	case <-time.After(3 * defaults.LoadWait):
	}
	store.mu.Lock()
	store.down = nil
	store.mu.Unlock()
	b.await(v.Loaded())
}

func TestTopicThatAppearsLaterIsRead(t *testing.T) {
	b := setup(t)
	_, err := b.admin.DeleteTopics(b.ctx, events.TopicControl)
	require.NoError(t, err)
	v := b.view(newMemory())
	b.await(v.Loaded())
	require.False(t, v.Status().Live)
	b.makeTopic()
	b.until(v, func() bool { return v.Status().Live })
}

func TestRecreatedTopicIsRestored(t *testing.T) {
	b := setup(t)
	store := newMemory()
	v := b.view(store)
	b.await(v.Loaded())
	k := control.NewKeeper(b.writer(v), store, quiet())
	require.NoError(t, k.Start(b.ctx))
	t.Cleanup(func() { require.NoError(t, k.Stop(context.Background())) })
	b.set(v, control.Change{Setting: "gpu-slots", Value: "4"})
	version := b.set(v, control.Change{Setting: "tier", Tenant: "choir", Value: control.TierBackfill})
	b.awaitSnapshot(store, "backfill")

	_, err := b.admin.DeleteTopics(b.ctx, events.TopicControl)
	require.NoError(t, err)
	b.makeTopic()
	b.until(v, func() bool {
		fresh, err := b.admin.ListCommittedOffsets(b.ctx, events.TopicControl)
		require.NoError(t, err)
		o, _ := fresh.Lookup(events.TopicControl, 0)
		return v.Status().Live && o.Offset > 0
	})
	fresh := b.loaded()
	require.Equal(t, 4, control.GPUSlots.Of(fresh, "", 2))
	require.Equal(t, control.TierBackfill, control.Tier.Of(fresh, "choir"))
	require.Equal(t, version, fresh.Version("tier", "choir"))
	require.Greater(t, b.set(fresh, control.Change{Setting: "tier", Tenant: "choir", Value: control.TierRealtime}), version)
}

// The store may answer only once the new topic, which has nothing, is in effect. The
// snapshot is then all that is left of the documents.
func TestSnapshotOfALostTopicIsRestoredWhenTheStoreAnswersLate(t *testing.T) {
	b := setup(t)
	store := newMemory()
	store.objects[control.SnapshotKey] = []byte(`{"schema":"snapshot/1","written_at":"2026-11-28T12:00:00Z","topic":"another","next":9,"documents":{
		"setting/gpu-slots":{"schema":"setting/1","version":7,"by":"ann","at":"2026-11-28T12:00:00Z","value":"4"},
		"setting/convert-slots":{"schema":"setting/1","version":8,"by":"ann","at":"2026-11-28T12:00:00Z","value":"4"}}}`)
	store.setUnreadable(errors.New("503"))
	v := b.view(store)
	b.await(v.Loaded())
	b.set(v, control.Change{Setting: "convert-slots", Value: "5"})
	k := control.NewKeeper(b.writer(v), store, quiet())
	require.NoError(t, k.Start(b.ctx))
	t.Cleanup(func() { require.NoError(t, k.Stop(context.Background())) })
	store.setUnreadable(nil)
	b.until(v, func() bool { return control.GPUSlots.Of(v, "", 2) == 4 })
	b.awaitSnapshot(store, `"value":"5"`)
	fresh := b.loaded()
	require.Equal(t, 4, control.GPUSlots.Of(fresh, "", 2), "it is in the topic again")
	require.Equal(t, 5, control.ConvertSlots.Of(fresh, "", 2), "what was set since goes before it")
}

// A read of the snapshot that fails says nothing about its content.
func TestSnapshotThatCannotBeReadNowIsNotOverwritten(t *testing.T) {
	b := setup(t)
	store := newMemory()
	text := `{"schema":"snapshot/1","written_at":"2026-11-28T12:00:00Z","topic":"another","next":9,"documents":{
		"setting/gpu-slots":{"schema":"setting/1","version":7,"by":"ann","at":"2026-11-28T12:00:00Z","value":"4"}}}`
	store.objects[control.SnapshotKey] = []byte(text)
	store.setUnreadable(errors.New("503"))
	v := b.view(store)
	b.await(v.Loaded())
	k := control.NewKeeper(b.writer(v), store, quiet())
	require.NoError(t, k.Start(b.ctx))
	b.await(store.asked) // by the View
	b.await(store.asked) // by the Keeper
	require.NoError(t, k.Stop(context.Background()))
	require.Equal(t, text, string(store.objects[control.SnapshotKey]))
}

// awaitSnapshot waits until the store has a snapshot that contains text.
func (b *bundle) awaitSnapshot(m *memory, text string) {
	b.t.Helper()
	for {
		b.await(receive(b.ctx, m.put))
		value, err := m.Get(b.ctx, control.SnapshotKey, 0)
		require.NoError(b.t, err)
		if strings.Contains(string(value), text) {
			return
		}
	}
}

func receive(ctx context.Context, c <-chan struct{}) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		select {
		case <-c:
			close(done)
		case <-ctx.Done():
		}
	}()
	return done
}

func TestCompactionLosesNothing(t *testing.T) {
	b := embedded(t) // Apache Kafka cannot be asked to compact now
	v := b.loaded()
	for n := range 5 {
		b.set(v, control.Change{Setting: "gpu-slots", Value: fmt.Sprint(n + 1)})
		b.set(v, control.Change{Setting: "tier", Tenant: "choir", Value: control.TierRealtime})
	}
	b.set(v, control.Change{Setting: "convert-slots", Value: "1"})
	before := v.Version("gpu-slots", "")
	b.cluster.Compact()
	fresh := b.loaded()
	require.Equal(t, v.Assignments(), fresh.Assignments())
	require.Greater(t, b.set(fresh, control.Change{Setting: "gpu-slots", Value: "9"}), before)
	b.until(v, func() bool { return control.GPUSlots.Of(v, "", 2) == 9 })
}

// buffer is a log that can be read while it is written.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestAlertRoutesNameWebhooksByClass(t *testing.T) {
	b := setup(t)
	v := b.loaded()
	require.Empty(t, control.AlertRoutes.Of(v, "input"))
	b.set(v, control.Change{Setting: "alert-routes", Value: "input=quality,internal=on-call"})
	require.Equal(t, "quality", control.AlertRoutes.Of(v, "input"))
	require.Equal(t, "on-call", control.AlertRoutes.Of(v, "internal"))
	require.Empty(t, control.AlertRoutes.Of(v, "model"))
	for _, bad := range []string{"", "input", "input=", "inputs=a", "input=https://chat.example.org/hooks/x", "input=a,input=b", "input=a,"} {
		_, err := b.writer(v).Apply(b.ctx, control.Change{Setting: "alert-routes", Value: bad, By: "ann", Seen: v.Version("alert-routes", "")})
		var refused *control.BadValue
		require.ErrorAs(t, err, &refused, bad)
	}
}
