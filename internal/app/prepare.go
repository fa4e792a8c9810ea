package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"orak/internal/kafka"
	"orak/internal/secure"
	"orak/internal/temporal"
	"orak/worker"
)

// preparation creates what must exist before work begins: a bucket, topics,
// search attributes. It is idempotent.
type preparation struct {
	name string
	run  func(context.Context) error
	// failed gets the error of each attempt; it may be nil.
	failed func(error)
	// wrongEnds is whether a *secure.WrongSetting ends it, so that a rollout with wrong
	// settings stops. Otherwise it is tried again, as after any other error.
	wrongEnds bool
}

// attemptTimeout bounds one attempt of a preparation.
const attemptTimeout = 30 * time.Second

// retentionWithin bounds the question how long Temporal keeps what is over.
const retentionWithin = 5 * time.Second

// prepare runs p, with backoff after any error, until it succeeds or ctx ends.
// So the order in which servers start does not matter.
func prepare(ctx context.Context, log *slog.Logger, p preparation) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, 5*time.Second
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		bounded, cancel := context.WithTimeout(ctx, attemptTimeout)
		defer cancel()
		err := p.run(bounded)
		if p.wrongEnds && secure.IsWrongSetting(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, next time.Duration) {
		if p.failed != nil {
			p.failed(err)
		}
		log.WarnContext(ctx, "waiting for dependency", "for", p.name, "next_try", next.String(), "error", err)
	}))
	if err != nil {
		return fmt.Errorf("preparing %s: %w", p.name, err)
	}
	return nil
}

// prepareAll runs ps concurrently and returns once all have ended.
func prepareAll(ctx context.Context, log *slog.Logger, ps []preparation) error {
	results := make(chan error, len(ps))
	for _, p := range ps {
		go func() { results <- prepare(ctx, log, p) }()
	}
	var errs []error
	for range ps {
		errs = append(errs, <-results)
	}
	return errors.Join(errs...)
}

// preparations returns those that the roles need.
func (a *App) preparations(roles Roles) []preparation {
	// A process that serves only the API takes uploads meanwhile.
	wrongEnds := roles != Roles{API: true}
	ps := []preparation{{name: "topics", wrongEnds: wrongEnds, run: func(ctx context.Context) error {
		if err := kafka.Check(ctx, a.cfg.Kafka); err != nil {
			return err
		}
		if err := kafka.EnsureTopics(ctx, a.clusters[0].client(), a.cfg.topicsOn(a.clusters[0].Cluster), a.cfg.Kafka.ReplicationFactor); err != nil {
			return err
		}
		a.tellTopicRisks(ctx, a.clusters[0])
		return nil
	}}}
	if roles.API || roles.Worker || roles.Lake {
		ps = append(ps, preparation{name: "bucket", run: a.ensureBucket, failed: a.outages.Report})
	}
	if roles.Bridge || roles.Worker || roles.Webhooks {
		// The bridge starts workflows with search attributes, and Temporal
		// refuses those that it does not know.
		ps = append(ps, preparation{name: "namespace and search attributes", wrongEnds: wrongEnds, run: func(ctx context.Context) error {
			if err := temporal.EnsureNamespace(ctx, a.cfg.Temporal, a.log); err != nil {
				return err
			}
			return worker.RegisterSearchAttributes(ctx, a.temporal, a.cfg.Temporal.Namespace)
		}})
	}
	return ps
}

// ensureBucket creates the bucket, and announces once that it exists.
func (a *App) ensureBucket(ctx context.Context) error {
	if err := a.store.EnsureBucket(ctx); err != nil {
		return err
	}
	close(a.bucket)
	return nil
}
