package app

import (
	"orak/internal/app/lakestore"
	"orak/operate/overview"
)

// overview makes what tells operators how the service does: of Kafka, the topics of the main
// cluster, and the groups of every one.
func (a *App) overview() *overview.Overview {
	main, lag := a.clusters[0].Cluster, a.cfg.Lag
	lag.Groups = groupsOn(lag.Groups, main)
	deps := overview.Deps{
		Temporal: a.temporal, Payloads: payloads(a.cfg.Temporal), Namespace: a.cfg.Temporal.Namespace, Links: a.cfg.Temporal,
		Kafka: a.cfg.Kafka, Topics: a.cfg.topicsOn(main), Closed: a.closedWorkflows, Lag: lag, Lake: lakestore.New(a.store), Log: a.log, Metrics: a.registry(),
	}
	for _, c := range a.clusters[1:] {
		deps.Elsewhere = append(deps.Elsewhere, overview.Elsewhere{
			Name: string(c.Name), Kafka: c.Config, Groups: groupsOn(a.cfg.Lag.Groups, c.Cluster), Away: func() bool { return a.unneeded(c) },
		})
	}
	if a.index != nil {
		deps.Index = a.index
	}
	return overview.New(deps)
}
