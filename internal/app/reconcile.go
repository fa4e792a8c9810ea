package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"orak"
	"orak/activities"
	"orak/internal/kafka"
	"orak/internal/objectstore"
	"orak/internal/outbox"
	"orak/internal/temporal"
	"orak/operate/reconcile"
	"orak/operate/replay"
)

// reconciler makes the Reconciler, which compares Kafka, Temporal and the store.
func (a *App) reconciler() *reconcile.Reconciler {
	store := records{tombstones{a.store}}
	from := func(k kafka.Config) *replay.Replayer {
		return replay.New(replay.Deps{
			Kafka: k, Temporal: a.temporal, Payloads: payloads(a.cfg.Temporal), Namespace: a.cfg.Temporal.Namespace, Tombstones: store,
			Recordings: recordings{store: a.store, bucket: a.cfg.Store.Bucket}, Log: a.log,
		})
	}
	return reconcile.New(a.cfg.Worker.ReconcileMinAge, reconcile.Deps{
		Replayer: from(a.cfg.Kafka), Places: a.places(from),
		Temporal: a.temporal, Payloads: payloads(a.cfg.Temporal), Namespace: a.cfg.Temporal.Namespace,
		Store: store, Letters: a.producer, Links: a.cfg.Temporal, Outages: a.outages,
		LettersEvery: a.cfg.Worker.ReconcileLettersEvery, Log: a.log,
	})
}

// places returns what reads the topic of uploads on each of its places, the primary first.
func (a *App) places(from func(kafka.Config) *replay.Replayer) []reconcile.Place {
	var all []reconcile.Place
	for _, p := range a.cfg.Kafka.Places() {
		for _, c := range a.clusters {
			if c.Name == p {
				all = append(all, reconcile.Place{
					Name: string(p), Replayer: from(c.Config),
					Away: func() bool { return a.unneeded(c) }, Idle: func() bool { return a.producer.Active() != c.Name },
				})
			}
		}
	}
	return all
}

// menders returns the steps of the reconciliation.
func (a *App) menders(r *reconcile.Reconciler) map[activities.ReconcileStep]activities.Mender {
	all := r.Menders()
	all[activities.StepOutbox] = sweeper{
		box:    outbox.New(a.store, a.producer, a.cfg.API.OutboxGrace, a.log),
		minAge: max(a.cfg.Worker.ReconcileMinAge, a.cfg.API.OutboxMinAge),
	}
	return all
}

// records adapts the store to reconcile.
type records struct{ tombstones }

var _ reconcile.Store = records{}

// Outcome implements reconcile.Store.
func (r records) Outcome(ctx context.Context, t orak.Tenant, id orak.UploadID) (*orak.Progress, error) {
	p, _, err := objectstore.GetJSON[orak.Progress](ctx, r.store, orak.OutcomeKey(t, id))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the outcome of %s: %w", id, err)
	}
	return &p, nil
}

// sweeper adapts the outbox to activities.
type sweeper struct {
	box    *outbox.Outbox
	minAge time.Duration
}

var _ activities.Mender = sweeper{}

// Mend implements activities.Mender. The cursor is the key of a marker.
func (s sweeper) Mend(ctx context.Context, p activities.ReconcilePage) (activities.Reconciled, error) {
	page, err := s.box.Sweep(ctx, p.Cursor, p.Size, s.minAge)
	done := activities.Reconciled{Counts: activities.ReconcileCounts{
		Examined: page.Examined, Published: page.Published, Dropped: page.Dropped, Errors: page.Failed,
	}}
	if !page.Done {
		done.Cursor = page.Last
	}
	return done, err
}

// ReconcileConfig configures the access to reconciliations.
type ReconcileConfig struct {
	Temporal temporal.Config `embed:"" prefix:"temporal-"`
}

// Reconciliations calls do with the runs of the reconciliation, and disconnects
// afterwards.
func Reconciliations(ctx context.Context, cfg ReconcileConfig, log *slog.Logger, do func(*reconcile.Runs) error) error {
	c, err := temporal.Open(ctx, cfg.Temporal, log, temporal.Telemetry{})
	if err != nil {
		return err
	}
	defer c.Close()
	return do(reconcile.NewRuns(c, cfg.Temporal.Namespace, payloads(cfg.Temporal)))
}

// VerifyConfig configures the comparison of dead letters with workflows.
type VerifyConfig struct {
	Kafka    kafka.Config    `embed:"" prefix:"kafka-"`
	Temporal temporal.Config `embed:"" prefix:"temporal-"`
}

// verifyMinAge is the longest time that a dead letter may be in transit.
const verifyMinAge = time.Minute

// VerifyDeadLetters compares every retained dead letter with the workflows, and calls
// visit with each disagreement.
func VerifyDeadLetters(ctx context.Context, cfg VerifyConfig, log *slog.Logger, visit func(reconcile.Disagreement) error) (reconcile.Compared, error) {
	if err := kafka.Check(ctx, cfg.Kafka); err != nil {
		return reconcile.Compared{}, err
	}
	c, err := temporal.Open(ctx, cfg.Temporal, log, temporal.Telemetry{})
	if err != nil {
		return reconcile.Compared{}, err
	}
	defer c.Close()
	r := reconcile.New(verifyMinAge, reconcile.Deps{
		Replayer: replay.New(replay.Deps{Kafka: cfg.Kafka, Temporal: c, Payloads: payloads(cfg.Temporal), Namespace: cfg.Temporal.Namespace, Log: log}),
		Temporal: c, Payloads: payloads(cfg.Temporal), Namespace: cfg.Temporal.Namespace, Log: log,
	})
	return r.Verify(ctx, time.Time{}, visit)
}
