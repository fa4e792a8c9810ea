package app

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak/internal/app/lakestore"
	"orak/internal/kafka"
	"orak/internal/mattermost"
	"orak/sinks/lake"
	"orak/worker"
)

// startLake starts the writer of the lake.
func (a *App) startLake(ctx context.Context) error {
	cfg := a.cfg.Lake
	cfg.InstanceID = a.cfg.InstanceID
	l := lake.New(cfg, lake.Deps{
		Kafka:     a.cfg.Kafka,
		KafkaOpts: []kgo.Opt{kafka.Metrics(a.registry())},
		Store:     lakestore.New(a.store),
		Publisher: a.producer,
		Alerter: bridgeAlerter{
			Alerter:  worker.NewAlerter(a.temporal, a.cfg.Worker),
			notifier: mattermost.New(a.cfg.Alert, a.log),
			consumer: "lake",
			console:  a.cfg.Console,
		},
		Log:     a.log,
		Metrics: a.registry(),
	})
	if err := l.Start(ctx); err != nil {
		return err
	}
	a.stops.add("lake", l.Stop)
	a.health.Add("lake", l.Ready)
	return nil
}
