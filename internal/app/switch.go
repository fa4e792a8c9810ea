package app

import (
	"context"
	"log/slog"
	"time"

	"orak/events"
	"orak/internal/kafka"
	"orak/internal/objectstore"
	"orak/operate/clusters"
)

// KafkaConfig are the settings of the commands that show and switch clusters.
type KafkaConfig struct {
	Kafka kafka.Config       `embed:"" prefix:"kafka-"`
	Store objectstore.Config `embed:"" prefix:"s3-"`
}

// By says who switches, for the record; see SettingsConfig.By.
func (c KafkaConfig) By(name string) string { return SettingsConfig{Kafka: c.Kafka}.By(name) }

// KafkaClusters calls do with the places of the topic of uploads.
func KafkaClusters(cfg KafkaConfig, log *slog.Logger, do func(*clusters.Clusters) error) error {
	store, err := objectstore.New(cfg.Store, objectstore.WithLogger(log))
	if err != nil {
		return err
	}
	defer store.Close()
	return do(clustersOf(cfg.Kafka, store, log))
}

func clustersOf(cfg kafka.Config, store *objectstore.Store, log *slog.Logger) *clusters.Clusters {
	var topic events.Topic
	for _, t := range (Config{Kafka: cfg}).topics() {
		if t.Name == events.TopicUploads {
			topic = t
		}
	}
	return clusters.New(clusters.Deps{Kafka: cfg, Topic: topic, Store: switchStore{store}, Log: log})
}

// lookAtFormer is how often a bridge looks for announcements on a main cluster that is no
// place of uploads: processes with former settings may still send some.
const lookAtFormer = 5 * time.Minute

// watchFormer logs an error while the main cluster is no place of uploads and has
// announcements that no bridge has read: no other log or metric shows them.
func (a *App) watchFormer(ctx context.Context) {
	if a.clusters[0].Uploads {
		return
	}
	places := clustersOf(a.cfg.Kafka, a.store, a.log)
	a.beside(ctx, "former place of uploads", func(ctx context.Context) {
		tick := time.NewTicker(lookAtFormer)
		defer tick.Stop()
		for {
			a.tellFormer(ctx, places)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

func (a *App) tellFormer(ctx context.Context, places *clusters.Clusters) {
	former := places.Former(ctx)
	switch {
	case ctx.Err() != nil || former == nil:
	case former.Lag != nil:
		a.log.ErrorContext(ctx, "announcements of uploads are left on the main cluster, which is no place of them any more, and no bridge reads them", "records", *former.Lag, "mend", clusters.FormerStep)
	default:
		a.log.WarnContext(ctx, "could not look for announcements of uploads on the main cluster, which is no place of them", "error", former.Error)
	}
}
