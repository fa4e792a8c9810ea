package app

import (
	"context"
	"log/slog"

	"orak/internal/kafka"
	"orak/operate/lag"
)

// LagConfig is what is needed to look at consumer groups.
type LagConfig struct {
	Kafka kafka.Config `embed:"" prefix:"kafka-"`
	Lag   lag.Config   `embed:"" prefix:"lag-"`
}

// Sampler looks at any group. The caller closes it.
func (c LagConfig) Sampler(log *slog.Logger) (*lag.Sampler, error) {
	return lag.NewSampler(c.Kafka, log)
}

// startLag measures how far the bridges are behind, all of them together, and
// whatever other groups are named.
func (a *App) startLag(ctx context.Context) error {
	m := lag.NewMonitor(a.cfg.Lag, a.cfg.Kafka, a.log, a.registry())
	if err := m.Start(ctx); err != nil {
		return err
	}
	a.stops.add("lag", m.Stop)
	return nil
}
