package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/events"
	"orak/internal/kafka"
)

// TransactionalID is that of all Writers: each fences the others off. Where Kafka has
// access control, writers need the right to write with it.
const TransactionalID = "orak-control"

const (
	// transactionTimeout ends the transaction of a Writer that died. Until then, or
	// until the next Writer begins, readers do not get past it.
	transactionTimeout = 10 * time.Second
	// writeWait bounds one change, with all attempts.
	writeWait = 30 * time.Second
	// fencedWait is the mean wait after a Writer was fenced off. It doubles up to
	// maxFencedWait: a Writer that begins too early fences off one that is underway,
	// and where many are fast at it, none gets to its end.
	fencedWait    = 100 * time.Millisecond
	maxFencedWait = 2 * time.Second
)

// Conflict means that a document is not at the version that the caller has seen.
type Conflict struct {
	Key string
	// Now is the stamp of its last change. By may be empty.
	Now Stamp
}

// Error implements error.
func (e *Conflict) Error() string {
	by := ""
	if e.Now.By != "" {
		by = " by " + e.Now.By
	}
	if e.Now.Version == 0 {
		return e.Key + " does not exist: nothing was changed"
	}
	return fmt.Sprintf("%s was changed%s at %s and is at version %d now: nothing was changed", e.Key, by, e.Now.At.UTC().Format(time.RFC3339), e.Now.Version)
}

// Writer changes documents; see the package comment. It is safe for concurrent use.
type Writer struct {
	kafka kafka.Config
	view  *View
	log   *slog.Logger
}

// NewWriter returns a Writer whose reads go through v, which must be started.
func NewWriter(cfg kafka.Config, v *View, log *slog.Logger) *Writer {
	cfg.ClientID += "-control-writer"
	return &Writer{kafka: cfg, view: v, log: log.With("component", "control")}
}

// Change is a change of one setting.
type Change struct {
	// Setting is the name, and Tenant for whom it applies; empty means everywhere.
	Setting string
	Tenant  orak.Tenant
	// Value is the new value; Unset removes it instead.
	Value string
	Unset bool
	// By is who changes it, 1 to events.MaxBy bytes.
	By string
	// Seen is the version of the document that the caller knows; see View.Version.
	Seen int64
}

// key is that of the document that c changes.
func (c Change) key() string {
	if c.Tenant != "" {
		return TenantKey(c.Tenant)
	}
	return SettingKey(c.Setting)
}

// Check returns an error for a change that no version of a document allows.
func (c Change) Check() error {
	s, ok := Find(c.Setting)
	if !ok {
		return fmt.Errorf("there is no setting called %q", c.Setting)
	}
	if c.Tenant != "" && !s.PerTenant {
		return fmt.Errorf("%s applies everywhere, not to one tenant", c.Setting)
	}
	if _, err := orak.ParseTenant(string(c.Tenant)); c.Tenant != "" && err != nil {
		return err
	}
	if !c.Unset {
		if err := s.Check(c.Value); err != nil {
			return err
		}
	}
	return Stamp{Schema: "x", Version: 1, By: c.By, At: time.Now()}.check()
}

// Version returns the version of the document that holds a setting; 0 if there is none.
// It is what Change.Seen takes.
func (v *View) Version(setting string, t orak.Tenant) int64 {
	return v.current().byKey[Change{Setting: setting, Tenant: t}.key()].latest.Version
}

// Apply makes one change and returns once the Writer's View has it in effect, with the
// version of the document. An error is a *Conflict, a *BadValue, an *orak.Fault of class
// dependency where Kafka did not take the change or did not answer (it may have taken
// it), or says what is wrong with c.
func (w *Writer) Apply(ctx context.Context, c Change) (version int64, err error) {
	if err := c.Check(); err != nil {
		return 0, err
	}
	stamp, err := w.write(ctx, c.key(), c.Seen, func(now entry, s Stamp) ([]byte, error) {
		s.By = c.By
		if c.Tenant != "" {
			return c.tenantValue(now, s)
		}
		return c.settingValue(s)
	}, c.act)
	return stamp.Version, err
}

// act returns what is recorded of c.
func (c Change) act(entry) events.Act {
	a := events.Act{Act: ActSet, By: c.By, Tenant: cmp.Or(c.Tenant, EveryTenant), Subject: c.Setting, Detail: c.Value}
	if c.Unset {
		a.Act, a.Detail = ActUnset, ""
	}
	return a
}

// settingValue returns the value of a setting's document; none removes it.
func (c Change) settingValue(s Stamp) ([]byte, error) {
	if c.Unset {
		return nil, nil
	}
	s.Schema = SchemaSetting
	return json.Marshal(settingDocument{s, c.Value})
}

// tenantValue returns the tenant's document with the change, and with all fields that
// this version does not know. It is removed with its last field.
func (c Change) tenantValue(now entry, s Stamp) ([]byte, error) {
	fields := map[string]json.RawMessage{}
	if now.Value != nil {
		if err := json.Unmarshal(now.Value, &fields); err != nil {
			return nil, fmt.Errorf("decoding the tenant's document: %w", err)
		}
	}
	settings := map[string]json.RawMessage{}
	if old, ok := fields["settings"]; ok {
		if err := json.Unmarshal(old, &settings); err != nil {
			return nil, fmt.Errorf("decoding the tenant's settings: %w", err)
		}
	}
	if c.Unset {
		delete(settings, c.Setting)
	} else {
		set, err := json.Marshal(tenantSetting{c.Value, c.By, s.At})
		if err != nil {
			return nil, err
		}
		settings[c.Setting] = set
	}
	for _, own := range []string{"schema", "version", "by", "at", "settings"} {
		delete(fields, own)
	}
	if len(settings) == 0 && len(fields) == 0 {
		return nil, nil
	}
	s.Schema = SchemaTenant
	for name, value := range map[string]any{"schema": s.Schema, "version": s.Version, "by": s.By, "at": s.At, "settings": settings} {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		fields[name] = text
	}
	return json.Marshal(fields)
}

// recorded returns what is recorded of a change, without its id and time, from what the
// document is before it.
type recorded func(now entry) events.Act

// write replaces the document of key by the value that make returns, if it is at
// version seen. What act returns is recorded in the same transaction.
func (w *Writer) write(ctx context.Context, key string, seen int64, make func(entry, Stamp) ([]byte, error), act recorded) (Stamp, error) {
	if err := checkKey(key); err != nil {
		return Stamp{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	wait := &backoff.ExponentialBackOff{InitialInterval: fencedWait, Multiplier: 2, RandomizationFactor: 1, MaxInterval: maxFencedWait}
	wait.Reset()
	var tried Stamp // of a commit whose answer says nothing
	for {
		stamp, err := w.attempt(ctx, key, seen, make, act)
		var conflict *Conflict
		if errors.As(err, &conflict) && tried.Version != 0 && conflict.Now.is(tried) {
			return tried, nil // it was committed
		}
		if !isRepeatable(err) {
			return stamp, err
		}
		if errors.Is(err, kerr.UnknownServerError) {
			tried = stamp
		}
		w.log.DebugContext(ctx, "a change was not written; starting over", "error", err)
		if !sleep(ctx, wait.NextBackOff()) {
			return Stamp{}, unreachable(ctx.Err())
		}
	}
}

// attempt fences the other Writers off, reads to the end, compares and commits.
func (w *Writer) attempt(ctx context.Context, key string, seen int64, make func(entry, Stamp) ([]byte, error), act recorded) (Stamp, error) {
	t, err := w.begin(ctx)
	if err != nil {
		return Stamp{}, err
	}
	defer t.cl.Close()
	now := t.state.byKey[key]
	if now.latest.Version != seen {
		return Stamp{}, &Conflict{Key: key, Now: now.latest}
	}
	done := act(now)
	stamp := Stamp{Version: t.version(), By: done.By, At: time.Now().UTC().Truncate(time.Millisecond)}
	value, err := make(now, stamp)
	if err != nil {
		return Stamp{}, err
	}
	r := &kgo.Record{Topic: events.TopicControl, Key: []byte(key), Value: value}
	if value == nil {
		r.Headers = removalHeaders(stamp)
	} else if err := t.acceptable(w.view.cfg, key, value); err != nil {
		return Stamp{}, err
	}
	// With the time, since versions begin again where the topic is made anew, and acts stay.
	done.ID, done.At = key+"/"+strconv.FormatInt(stamp.Version, 10)+"/"+strconv.FormatInt(stamp.At.UnixMilli(), 10), stamp.At
	done.By = cmp.Or(done.By, "anonymous")
	record, err := done.Record()
	if err != nil {
		return Stamp{}, err
	}
	return stamp, t.commit(ctx, w.view, func(s state) bool {
		now, known := s.byKey[key]
		// A removed document may be forgotten already.
		return known && now.latest.Version >= stamp.Version || !known && value == nil
	}, record, r)
}

// acceptable returns an error for a document that readers would refuse.
func (t *turn) acceptable(cfg Config, key string, value []byte) error {
	d, err := decode(key, value)
	if err != nil {
		return err
	}
	kept := t.state.clone()
	return kept.put(cfg, key, entry{Document: d})
}

// turn is a Writer's turn: the others are fenced off, and state is what the topic says.
type turn struct {
	cl    *kgo.Client
	state state
	end   int64
}

func (w *Writer) begin(ctx context.Context) (*turn, error) {
	cl, err := kafka.NewClient(w.kafka, w.log,
		kgo.TransactionalID(TransactionalID), kgo.TransactionTimeout(transactionTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return nil, err
	}
	t := &turn{cl: cl}
	if _, _, err = cl.ProducerID(ctx); err == nil {
		t.end, err = committedEnd(ctx, kadm.NewClient(cl))
	}
	if err == nil {
		t.state, err = w.view.await(ctx, t.end)
	}
	if err != nil {
		cl.Close()
		return nil, unreachable(err)
	}
	return t, nil
}

// version returns one that is higher than that of every document before. The offset
// counts as well, since a removed document is forgotten one day.
func (t *turn) version() int64 { return max(t.end, t.state.highest()) + 1 }

// errUncommitted means that a transaction was aborted although its commit was answered.
// kgo 1.22.3 aborts one instead, and reports success, if the commit is asked for before
// it has stored the partitions of a topic to which it produces for the first time.
var errUncommitted = errors.New("the transaction was not committed")

// commit writes records in one transaction, the last one to events.TopicControl, and
// returns once v has read that one. written reports whether the state up to its offset has
// them.
func (t *turn) commit(ctx context.Context, v *View, written func(state) bool, records ...*kgo.Record) error {
	if err := t.cl.BeginTransaction(); err != nil {
		return unreachable(err)
	}
	results := t.cl.ProduceSync(ctx, records...)
	end := kgo.TryCommit
	if results.FirstErr() != nil {
		end = kgo.TryAbort
	}
	if err := errors.Join(results.FirstErr(), t.cl.EndTransaction(ctx, end)); err != nil {
		return unreachable(err)
	}
	s, err := v.await(ctx, records[len(records)-1].Offset+1)
	switch {
	case err != nil:
		return unreachable(err)
	case !written(s):
		return errUncommitted
	default:
		return nil
	}
}

// is reports whether s and other are of the same change.
func (s Stamp) is(other Stamp) bool {
	return s.Version == other.Version && s.By == other.By && s.At.Equal(other.At)
}

// isRepeatable reports whether err means that another Writer has begun meanwhile, or that
// the transaction was aborted: the change is tried again. Apache Kafka 4.1 answers
// UNKNOWN_SERVER_ERROR to a commit that meets the fencing of its producer; whether it was
// committed shows when the topic is read again.
func isRepeatable(err error) bool {
	for _, cause := range []error{
		kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.ConcurrentTransactions, kerr.InvalidTxnState, kerr.InvalidProducerIDMapping,
		kerr.UnknownServerError, errUncommitted,
	} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

func unreachable(err error) error {
	return notReachable("The control topic, or the topic of the acts, cannot be written.", fmt.Errorf("writing %s and %s: %w", events.TopicControl, events.TopicAudit, err))
}

func notReachable(message string, err error) error {
	return &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyKafka, Message: message, Err: err}
}
