package app

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
	enumspb "go.temporal.io/api/enums/v1"

	"orak/api"
	"orak/control"
	"orak/internal/kafka"
	"orak/internal/mattermost"
	"orak/internal/temporal"
	"orak/sinks/webhook"
	"orak/worker"
	"orak/workflows"
)

// startWebhooks starts the deliveries to webhooks.
func (a *App) startWebhooks(ctx context.Context) error {
	cfg := a.cfg.Webhooks
	cfg.InstanceID = a.cfg.InstanceID
	version, err := a.cfg.Worker.Version.Options()
	if err != nil {
		return err
	}
	notifier := mattermost.New(a.cfg.Alert, a.log)
	w, err := webhook.New(cfg, webhook.Deps{
		Kafka:     a.cfg.Kafka,
		KafkaOpts: []kgo.Opt{kafka.Metrics(a.registry())},
		Temporal:  a.temporal,
		Namespace: a.cfg.Temporal.Namespace,
		Version:   version,
		Documents: a.control,
		Writer:    control.NewWriter(a.cfg.Kafka, a.control, a.log),
		Publisher: a.producer,
		Alerter: bridgeAlerter{
			Alerter:  worker.NewAlerter(a.temporal, a.cfg.Worker),
			notifier: notifier,
			consumer: "webhooks",
			console:  a.cfg.Console,
		},
		Notifier: notifier,
		Log:      a.log,
		Metrics:  a.registry(),
	})
	if err != nil {
		return err
	}
	// Temporal may have become unavailable since it was prepared.
	if err := prepare(ctx, a.log, preparation{name: "the queue of webhooks", wrongEnds: true, run: w.Start}); err != nil {
		return err
	}
	a.stops.add("webhooks", w.Stop)
	shares := temporal.NewVersionShares(a.registry())
	queues := map[string]enumspb.TaskQueueType{workflows.QueueWebhooks: enumspb.TASK_QUEUE_TYPE_WORKFLOW}
	if err := shares.Follow(ctx, a.temporal, a.cfg.Temporal.Namespace, version, queues, a.log); err != nil {
		return err
	}
	a.stops.add("webhooks' version", shares.Stop)
	a.health.Add("webhooks", w.Ready)
	return nil
}

// apiWebhooks returns what the API changes webhooks with.
func (a *App) apiWebhooks() api.Webhooks {
	return struct {
		*control.View
		*control.Writer
	}{a.control, control.NewWriter(a.cfg.Kafka, a.control, a.log)}
}
