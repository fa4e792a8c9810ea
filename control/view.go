package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/internal/kafka"
	"orak/internal/startstop"
	"orak/internal/throttle"
)

// Config bounds what a View keeps.
type Config struct {
	MaxDocuments int           `help:"Most documents of the control plane (settings, tenants, keys, webhooks) that a process keeps; further ones are ignored, with an error in the log." default:"10000"`
	MaxBytes     int           `help:"Most bytes of such documents that a process keeps; further ones are ignored, with an error in the log." default:"33554432"`
	LoadWait     time.Duration `help:"How long a starting process waits for the control topic before it goes on with the snapshot in the store; also how long it waits for that snapshot." default:"3s"`
}

// Validate returns an error for the first setting that cannot work.
func (c Config) Validate() error {
	if c.MaxDocuments < 1 || c.MaxBytes < MaxDocument {
		return fmt.Errorf("max-documents: want at least 1; max-bytes: want at least %d", MaxDocument)
	}
	if c.LoadWait <= 0 {
		return fmt.Errorf("load-wait %v: want more than 0", c.LoadWait)
	}
	return nil
}

// Deps are what a View works with. Store and Metrics are optional.
type Deps struct {
	Kafka kafka.Config
	// Store has the snapshot; nil for none.
	Store   Store
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// View keeps every document of the topic in memory and follows their changes. It is
// started once, and safe for concurrent use.
type View struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	faults  *throttle.Log
	metrics *metrics
	task    startstop.Task

	// loaded is closed once the documents are known, from the topic or the snapshot.
	loaded   chan struct{}
	loadOnce sync.Once

	mu sync.Mutex
	// now are the documents in effect. Maps are replaced, never changed.
	now state
	// changed is closed with the next change.
	changed chan struct{}
	// failure is why the topic could not be followed, the last time.
	failure error
	// followed is the client that follows the topic; nil while none does.
	followed *kgo.Client

	sync sync.Mutex
	// synced is when the last Sync that succeeded began.
	synced time.Time
}

// state is what a View knows at a moment.
type state struct {
	entries
	// topic is the id of the topic that was read, next the offset behind what was
	// read of it.
	topic string
	next  int64
	// live says that the topic is followed; otherwise the entries are those of a
	// snapshot, or of before the topic became unavailable.
	live bool
	// at is when the snapshot was written, while nothing newer is known.
	at time.Time
}

// NewView makes a View; Start starts it.
func NewView(cfg Config, deps Deps) *View {
	deps.Kafka.ClientID += "-control"
	log := deps.Log.With("component", "control")
	v := &View{
		cfg: cfg, deps: deps, log: log, faults: throttle.NewLog(log), loaded: make(chan struct{}),
		now: state{entries: newEntries()}, changed: make(chan struct{}),
	}
	v.metrics = newMetrics(deps.Metrics, v)
	return v
}

// Start begins to follow the topic. Neither Kafka nor the store need be reachable.
func (v *View) Start(ctx context.Context) error {
	return v.task.Start(ctx, v.run)
}

// Stop ends the following. Lookups go on to answer with what is known.
func (v *View) Stop(ctx context.Context) error {
	return v.task.Stop(ctx)
}

// Loaded is closed once the documents are known: the topic was read to the end that
// it had first, or the snapshot is in effect, or both say that there is nothing.
func (v *View) Loaded() <-chan struct{} { return v.loaded }

// Ready returns an error until the View has loaded. It does not depend on Kafka
// afterwards: the documents that are known stay in effect.
func (v *View) Ready(context.Context) error {
	select {
	case <-v.loaded:
		return nil
	default:
		return errors.New("the control documents are not loaded yet")
	}
}

// loadPatience is longer than one question of where the topic ends.
const loadPatience = boundsWait + 5*time.Second

// lastFailure returns why the topic could not be followed; nil if it never failed.
func (v *View) lastFailure() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.failure
}

// AwaitLoaded returns once the View has loaded, or ctx ends. Its error is an
// *orak.Fault of class dependency that says what was not reachable last.
func (v *View) AwaitLoaded(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, loadPatience)
	defer cancel()
	select {
	case <-v.loaded:
		return nil
	case <-bounded.Done():
		return notReachable("The control documents cannot be read.", errors.Join(bounded.Err(), v.lastFailure()))
	}
}

// Watch calls do now, if the View has loaded, and after every change until ctx ends;
// changes in quick succession may share a call. It blocks.
func (v *View) Watch(ctx context.Context, do func()) {
	select {
	case <-v.loaded:
	case <-ctx.Done():
		return
	}
	for {
		changed := v.change()
		do()
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// change returns a channel that is closed with the next change.
func (v *View) change() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changed
}

// current returns what is known now.
func (v *View) current() state {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// set makes s what is known.
func (v *View) set(s state) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = s
	close(v.changed)
	v.changed = make(chan struct{})
}

func (v *View) load() { v.loadOnce.Do(func() { close(v.loaded) }) }

// await returns once the View has read the topic up to offset next.
func (v *View) await(ctx context.Context, next int64) (state, error) {
	for {
		changed, s := v.change(), v.current()
		if s.live && s.next >= next {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return s, fmt.Errorf("reading the control documents: %w", ctx.Err())
		}
	}
}

// Sync returns once the View has every change that was made before the call. Calls at the
// same time share a request to Kafka. An error is an *orak.Fault of class dependency.
func (v *View) Sync(ctx context.Context) error {
	called := time.Now()
	v.sync.Lock()
	defer v.sync.Unlock()
	if v.synced.After(called) {
		return nil
	}
	began := time.Now()
	v.mu.Lock()
	cl := v.followed
	v.mu.Unlock()
	if cl == nil {
		return notReachable("The control documents cannot be read.", v.lastFailure())
	}
	end, err := committedEnd(ctx, kadm.NewClient(cl))
	if err == nil {
		_, err = v.await(ctx, end)
	}
	if err != nil {
		return notReachable("The control documents cannot be read.", err)
	}
	v.synced = began
	return nil
}

// follows notes the client that follows the topic.
func (v *View) follows(cl *kgo.Client) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.followed = cl
}

// Document returns the document of key as it is in effect; ok is false if there is
// none, or it was removed.
func (v *View) Document(key string) (d Document, ok bool) {
	e, ok := v.current().byKey[key]
	return e.Document, ok && e.Value != nil
}

// Keys returns the keys of the documents that begin with prefix, sorted.
func (v *View) Keys(prefix string) []string {
	var keys []string
	for key, e := range v.current().byKey {
		if e.Value != nil && len(key) >= len(prefix) && key[:len(prefix)] == prefix {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// value returns what is set for t, or else everywhere; v may be nil.
func (v *View) value(name string, t orak.Tenant) (text string, ok bool) {
	if v == nil {
		return "", false
	}
	entries := v.current().byKey
	if t != "" {
		if set, ok := entries[TenantKey(t)].settings[name]; ok {
			return set.Value, true
		}
	}
	set, ok := entries[SettingKey(name)].settings[name]
	return set.Value, ok
}

// Status says where the documents come from.
type Status struct {
	// Live means that the topic is followed now. Otherwise the documents may be
	// out of date.
	Live bool `json:"live"`
	// SnapshotAt is when the snapshot was written that the documents are from;
	// zero if they are from the topic.
	SnapshotAt time.Time `json:"snapshot_at,omitzero"`
	// Refused are the keys whose last record is not in effect, and why.
	Refused map[string]string `json:"refused,omitempty"`
}

// Status returns where the documents come from.
func (v *View) Status() Status {
	s := v.current()
	status := Status{Live: s.live, SnapshotAt: s.at}
	for key, e := range s.byKey {
		if e.refused != nil {
			if status.Refused == nil {
				status.Refused = map[string]string{}
			}
			status.Refused[key] = e.refused.Error()
		}
	}
	return status
}

// Assignment is one value that is set.
type Assignment struct {
	Name string `json:"name"`
	// Tenant is empty where the value applies everywhere.
	Tenant orak.Tenant `json:"tenant,omitempty"`
	Value  string      `json:"value"`
	By     string      `json:"by"`
	At     time.Time   `json:"at"`
	// Version is that of the document that holds the value.
	Version int64 `json:"version"`
}

// Assignments returns the values that are set, everywhere first, then by tenant and
// name. Settings of other versions are among them.
func (v *View) Assignments() []Assignment {
	var all []Assignment
	for key, e := range v.current().byKey {
		if e.Value == nil {
			continue
		}
		for name, set := range e.settings {
			all = append(all, Assignment{Name: name, Tenant: tenantOf(key), Value: set.Value, By: set.By, At: set.At, Version: e.Version})
		}
	}
	slices.SortFunc(all, compareAssignments)
	return all
}
