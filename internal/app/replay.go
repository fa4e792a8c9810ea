package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel"

	"orak/internal/kafka"
	"orak/internal/objectstore"
	"orak/internal/observe"
	"orak/internal/temporal"
	"orak/operate/replay"
)

// ReplayConfig are the settings of a replay.
type ReplayConfig struct {
	Kafka    kafka.Config    `embed:"" prefix:"kafka-"`
	Temporal temporal.Config `embed:"" prefix:"temporal-"`
	// Store has the tombstones of erased uploads, and the recordings that only
	// a bucket's notification announces.
	Store objectstore.Config `embed:"" prefix:"s3-"`
	// MaxRecords bounds the records of a plan; see replay.Deps.
	MaxRecords int64 `kong:"-"`
}

// At returns c for one place of the topic of uploads.
func (c ReplayConfig) At(place string) ReplayConfig {
	c.Kafka = c.Kafka.At(kafka.Place(place))
	return c
}

// Places returns the names of the places of the topic of uploads.
func Places(c kafka.Config) []string {
	var names []string
	for _, p := range c.Places() {
		names = append(names, string(p))
	}
	return names
}

// OffsetsConfig are the settings for showing and moving offsets.
type OffsetsConfig struct {
	Kafka kafka.Config `embed:"" prefix:"kafka-"`
}

// On returns c for one cluster; "" is the main one.
func (c OffsetsConfig) On(name string) (OffsetsConfig, error) {
	k, err := clusterOf(c.Kafka, name)
	c.Kafka = k.Config
	return c, err
}

// Offsets returns the Offsets of a group on a topic, or a *secure.WrongSetting.
func (c OffsetsConfig) Offsets(ctx context.Context, group, topic string, log *slog.Logger) (*replay.Offsets, error) {
	if err := kafka.Check(ctx, c.Kafka); err != nil {
		return nil, err
	}
	return replay.NewOffsets(c.Kafka, log, group, topic), nil
}

// Replay calls do with a Replayer, and closes its connections afterwards.
func Replay(ctx context.Context, cfg ReplayConfig, log *slog.Logger, do func(*replay.Replayer) error) (err error) {
	stopTracing, err := observe.StartTracing(ctx, observe.TracingConfig{Service: "orak-replay"})
	if err != nil {
		return err
	}
	defer func() {
		flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, stopTracing(flushing))
	}()
	if err := kafka.Check(ctx, cfg.Kafka); err != nil {
		return err
	}
	store, err := objectstore.New(cfg.Store, objectstore.WithLogger(log))
	if err != nil {
		return err
	}
	defer store.Close()
	c, err := temporal.Open(ctx, cfg.Temporal, log, temporal.Telemetry{Tracer: otel.GetTracerProvider().Tracer("temporal-sdk")})
	if err != nil {
		return err
	}
	defer c.Close()
	from := recordings{store: store, bucket: cfg.Store.Bucket}
	return do(replay.New(replay.Deps{
		Kafka: cfg.Kafka, Temporal: c, Payloads: payloads(cfg.Temporal), Namespace: cfg.Temporal.Namespace, Tombstones: tombstones{store}, Outcomes: records{tombstones{store}},
		Recordings: from, Stored: stored{from}, Active: stored{from}.active, MaxRecords: cfg.MaxRecords, Log: log,
	}))
}
