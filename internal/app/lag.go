package app

import (
	"context"
	"log/slog"

	"orak/internal/kafka"
	"orak/operate/lag"
)

// LagConfig are the settings for measuring the lag of consumer groups.
type LagConfig struct {
	Kafka kafka.Config `embed:"" prefix:"kafka-"`
	Lag   lag.Config   `embed:"" prefix:"lag-"`
}

// Sampler returns a Sampler for any group, or a *secure.WrongSetting. The caller closes it.
func (c LagConfig) Sampler(ctx context.Context, log *slog.Logger) (*lag.Sampler, error) {
	if err := kafka.Check(ctx, c.Kafka); err != nil {
		return nil, err
	}
	return lag.NewSampler(c.Kafka, log)
}

// startLag starts to measure the lag of the bridges' group and of the other groups
// in the settings.
func (a *App) startLag(ctx context.Context) error {
	m := lag.NewMonitor(a.cfg.Lag, a.cfg.Kafka, a.log, a.registry())
	if err := m.Start(ctx); err != nil {
		return err
	}
	a.stops.add("lag", m.Stop)
	return nil
}
