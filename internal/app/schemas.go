package app

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"orak/internal/schemaregistry"
)

// registerSchemas registers the schemas of the events, beside everything else: events
// do not depend on the registry, so neither its absence nor its refusal delays an
// upload.
func (a *App) registerSchemas(ctx context.Context) {
	if a.cfg.SchemaRegistry.URL == "" {
		return
	}
	registered := promauto.With(a.registry()).NewGauge(prometheus.GaugeOpts{
		Name: "orak_schemas_registered", Help: "Whether this process has registered the schemas of the events with the schema registry: 1 or 0.",
	})
	a.beside(ctx, "schema registry", func(ctx context.Context) {
		var refused error
		err := prepare(ctx, a.log, preparation{name: "the schema registry", run: func(ctx context.Context) error {
			err := schemaregistry.Register(ctx, a.cfg.SchemaRegistry, a.log)
			if errors.Is(err, schemaregistry.ErrRefused) {
				refused = err // for good
				return nil
			}
			return err
		}})
		switch {
		case err != nil: // the process ends
		case refused != nil:
			a.log.ErrorContext(ctx, "schemas of the events were not registered; events are published nevertheless", "error", refused)
		default:
			registered.Set(1)
		}
	})
}

// beside runs task beside the roles until the process stops.
func (a *App) beside(ctx context.Context, name string, task func(context.Context)) {
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		task(background)
	}()
	a.stops.add(name, func(context.Context) error { cancel(); <-done; return nil })
}
