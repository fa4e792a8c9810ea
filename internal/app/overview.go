package app

import (
	"orak/internal/app/lakestore"
	"orak/operate/overview"
)

// overview makes what tells operators how the service does.
func (a *App) overview() *overview.Overview {
	deps := overview.Deps{
		Temporal: a.temporal, Payloads: payloads(a.cfg.Temporal), Namespace: a.cfg.Temporal.Namespace, Links: a.cfg.Temporal,
		Kafka: a.cfg.Kafka, Topics: a.cfg.topics(), Closed: a.closedWorkflows, Lag: a.cfg.Lag, Lake: lakestore.New(a.store), Log: a.log, Metrics: a.registry(),
	}
	if a.index != nil {
		deps.Index = a.index
	}
	return overview.New(deps)
}
