package app

import (
	"context"
	"log/slog"
	"slices"

	"orak/bridge"
	"orak/events"
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

// startLag starts to measure the lag of the bridges' group and of the other groups in the
// settings, on every cluster: those that read only the topic of uploads are on its places.
// It exports the partitions of this process's own bridges one by one.
func (a *App) startLag(ctx context.Context, bridges map[*cluster]*bridge.Bridge) error {
	for _, c := range a.clusters {
		cfg, from := a.cfg.Lag, c.Config
		if !c.Main {
			cfg.Groups = slices.DeleteFunc(slices.Clone(cfg.Groups), func(group string) bool { return !slices.Contains(readersOfUploads, group) })
			from.ClientID += "-" + string(c.Name)
		}
		b := bridges[c]
		owned := func(group string, p lag.Partition) bool {
			return b != nil && group == events.GroupBridge && b.Owns(p.Topic, p.ID)
		}
		m := lag.NewMonitor(cfg, from, owned, a.placeLog(c), a.ofCluster(c))
		if err := m.Start(ctx); err != nil {
			return err
		}
		a.stops.add("lag", m.Stop)
	}
	return nil
}

// readersOfUploads are the groups that read every place of the topic of uploads.
var readersOfUploads = []string{events.GroupBridge, events.GroupIndex}
