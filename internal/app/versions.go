package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"orak"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/temporal"
	"orak/operate/versions"
)

// VersionsConfig are the settings of the commands for the versions of workers. Kafka is
// where changes are recorded.
type VersionsConfig struct {
	Temporal temporal.Config        `embed:"" prefix:"temporal-"`
	Kafka    kafka.Config           `embed:"" prefix:"kafka-"`
	Version  temporal.WorkerVersion `embed:""`
}

// By says who changes something, for the record; see SettingsConfig.By.
func (c VersionsConfig) By(name string) string { return SettingsConfig{Kafka: c.Kafka}.By(name) }

// recordWithin bounds the wait for the record of a change.
const recordWithin = 15 * time.Second

// Versions calls do with the Versions of the deployment, and disconnects afterwards.
// Changes are recorded unless unrecorded.
func Versions(ctx context.Context, cfg VersionsConfig, unrecorded bool, log *slog.Logger, do func(*versions.Versions) error) error {
	if !cfg.Version.Versioned() {
		return errors.New("which deployment? Set --worker-deployment or ORAK_WORKER_DEPLOYMENT as the workers have it")
	}
	c, err := temporal.Open(ctx, cfg.Temporal, log, temporal.Telemetry{})
	if err != nil {
		return err
	}
	defer c.Close()
	record := func(ctx context.Context, change versions.Change) error {
		if unrecorded {
			return nil
		}
		return recordVersion(ctx, cfg.Kafka, log, change)
	}
	return do(versions.New(c, cfg.Temporal.Namespace, cfg.Version.Deployment, record))
}

func recordVersion(ctx context.Context, cfg kafka.Config, log *slog.Logger, change versions.Change) error {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	if err := kafka.Check(ctx, cfg); err != nil {
		return err
	}
	cl, err := kafka.NewClient(cfg, log)
	if err != nil {
		return err
	}
	defer cl.Close()
	act, subject, detail := change.Act()
	err = kafka.NewProducer(cl).PublishAct(ctx, events.Act{
		ID: uuid.NewString(), At: time.Now().UTC(), Act: act, By: change.By, Tenant: events.EveryTenant, Subject: subject, Detail: detail,
	})
	if err != nil {
		return &orak.Fault{
			Class: orak.ClassDependency, Dependency: orak.DependencyKafka, Err: err,
			Message: "Who changes the version cannot be recorded on " + events.TopicAudit + ", so nothing was changed (--unrecorded changes it nevertheless).",
		}
	}
	return nil
}
