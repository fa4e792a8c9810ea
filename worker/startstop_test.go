package worker_test

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"orak"
	"orak/test/lifecycle"
	"orak/worker"
)

func TestWorkerStartsOnceAndStops(t *testing.T) {
	lifecycle.Starts(t, func(t *testing.T) lifecycle.Part {
		r := newRig(t)
		w := worker.New(r.cfg, r.client, r.deps)
		return lifecycle.Part{Start: w.Start, Stop: w.Stop, Serves: func(context.Context) error { return r.closed(r.upload([]byte("sound"))) }}
	})
}

func TestReporterStops(t *testing.T) {
	lifecycle.Stops(t, func(t *testing.T) lifecycle.Part {
		r := newRig(t)
		reporter := worker.NewReporter(r.client, r.cfg.Outage, r.log, prometheus.NewRegistry())
		reporter.Report(&orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyStore, Message: "It does not answer."})
		return lifecycle.Closing(reporter.Stop)
	})
}
