package app

import (
	"log/slog"

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
	var topic events.Topic
	for _, t := range (Config{Kafka: cfg.Kafka}).topics() {
		if t.Name == events.TopicUploads {
			topic = t
		}
	}
	return do(clusters.New(clusters.Deps{Kafka: cfg.Kafka, Topic: topic, Store: switchStore{store}, Log: log}))
}
