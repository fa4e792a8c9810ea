package kafka

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// Place names a cluster on which the topic of uploads lies.
type Place string

// The places of the topic of uploads. Each cluster has one name: that of its place, or
// Main.
const (
	Primary Place = "primary"
	Standby Place = "standby"
	// Main is the cluster of every other topic, where it is no place of uploads.
	Main Place = "main"
)

// The bounds of Config.SwitchInterval.
const (
	minSwitchInterval     = 500 * time.Millisecond
	maxSwitchInterval     = time.Minute
	DefaultSwitchInterval = 2 * time.Second
)

// Cluster is a cluster and how it is reached.
type Cluster struct {
	Name Place
	// Main says that it has every topic other than that of uploads.
	Main bool
	// Uploads says that it is a place of the topic of uploads.
	Uploads bool
	Config  Config
}

// Places returns the places of the topic of uploads: primary, and standby if there is one.
func (c Config) Places() []Place {
	if len(c.StandbyBrokers) == 0 {
		return []Place{Primary}
	}
	return []Place{Primary, Standby}
}

// At returns c for the cluster of a place of uploads, as if there were no other.
func (c Config) At(p Place) Config {
	switch {
	case p == Standby && len(c.StandbyBrokers) > 0:
		c.Brokers = c.StandbyBrokers
	case p == Primary && len(c.UploadsBrokers) > 0:
		c.Brokers = c.UploadsBrokers
	}
	c.UploadsBrokers, c.StandbyBrokers = nil, nil
	return c
}

// IsMain reports whether a place of uploads is on the main cluster.
func (c Config) IsMain(p Place) bool { return sameBrokers(c.At(p).Brokers, c.Brokers) }

// Clusters returns every cluster once, the main one first.
func (c Config) Clusters() []Cluster {
	all := []Cluster{{Name: Main, Main: true, Config: c}}
	for _, p := range c.Places() {
		if c.IsMain(p) {
			all[0].Name, all[0].Uploads = p, true
			continue
		}
		all = append(all, Cluster{Name: p, Uploads: true, Config: c.At(p)})
	}
	return all
}

// Divided reports whether there is more than one cluster.
func (c Config) Divided() bool { return len(c.Clusters()) > 1 }

// sameBrokers reports whether a and b name one cluster: one address of the same is
// enough.
func sameBrokers(a, b []string) bool {
	return slices.ContainsFunc(a, func(address string) bool { return slices.Contains(b, address) })
}

func (c Config) validateClusters() error {
	if len(c.Brokers) == 0 {
		return errors.New("kafka brokers: want at least one host:port")
	}
	for _, list := range []struct {
		name    string
		brokers []string
	}{{"brokers", c.Brokers}, {"uploads brokers", c.UploadsBrokers}, {"standby brokers", c.StandbyBrokers}} {
		for _, b := range list.brokers {
			if _, _, err := net.SplitHostPort(b); err != nil {
				return fmt.Errorf("kafka %s: %w", list.name, err)
			}
		}
	}
	if sameBrokers(c.At(Primary).Brokers, c.StandbyBrokers) {
		return errors.New("kafka standby brokers: want another cluster than the one that has orak.uploads")
	}
	if c.SwitchInterval != 0 && (c.SwitchInterval < minSwitchInterval || c.SwitchInterval > maxSwitchInterval) {
		return errors.New("kafka switch interval: want 500ms to 1m")
	}
	return nil
}
