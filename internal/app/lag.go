package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

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

// On returns c for one cluster, with the groups that read there; "" is the main one.
func (c LagConfig) On(name string) (LagConfig, error) {
	k, err := clusterOf(c.Kafka, name)
	if err != nil {
		return c, err
	}
	c.Kafka, c.Lag.Groups = k.Config, groupsOn(c.Lag.Groups, k)
	return c, nil
}

// Clusters returns the names of the clusters that On takes, the main one first.
func (c LagConfig) Clusters() []string {
	var names []string
	for _, k := range c.Kafka.Clusters() {
		names = append(names, string(k.Name))
	}
	return names
}

// clusterOf returns the cluster of a name; "" is the main one.
func clusterOf(cfg kafka.Config, name string) (kafka.Cluster, error) {
	var names []string
	for _, k := range cfg.Clusters() {
		if string(k.Name) == name || k.Main && (name == "" || name == string(kafka.Main)) {
			return k, nil
		}
		names = append(names, string(k.Name))
	}
	return kafka.Cluster{}, fmt.Errorf("--cluster: there is no cluster %s, only %s", name, strings.Join(names, ", "))
}

// groupsOn returns those of groups that read a cluster: on one that has only the topic of
// uploads, its readers.
func groupsOn(groups []string, k kafka.Cluster) []string {
	return slices.DeleteFunc(slices.Clone(groups), func(group string) bool {
		return !k.Main && !slices.Contains(readersOfUploads, group) || !k.Uploads && group == events.GroupBridge
	})
}

// startLag starts to measure the lag of the bridges' group and of the other groups in the
// settings, on every cluster: those that read only the topic of uploads are on its places.
// It exports the partitions of this process's own bridges one by one.
func (a *App) startLag(ctx context.Context, bridges map[*cluster]*bridge.Bridge) error {
	for _, c := range a.clusters {
		cfg, from := a.cfg.Lag, c.Config
		cfg.Groups = groupsOn(cfg.Groups, c.Cluster)
		if !c.Main {
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
