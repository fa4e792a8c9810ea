package lag

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Config are the settings of the Monitor.
type Config struct {
	Interval time.Duration `help:"Interval at which the offsets of consumer groups are read; at least 100ms." default:"15s"`
	Window   time.Duration `help:"Time over which a group is judged: whether it stopped, went back, or falls behind; at least two intervals." default:"5m"`
	Allowed  int64         `help:"Lag in records up to which a partition counts as caught up; 0 allows none." default:"0"`
	Batched  []string      `help:"Consumer groups that write in batches, each with the age up to which records may wait for theirs, as GROUP=AGE: a partition whose oldest record is younger counts as caught up. For the lake, more than lake-file-age." default:"orak-lake=5m"`
	Groups   []string      `help:"Consumer groups that are monitored, of any program; they need not exist yet." default:"orak-bridge,orak-lake,orak-index,orak-webhooks"`
}

// minInterval bounds the load that sampling puts on the brokers.
const minInterval = 100 * time.Millisecond

// Validate returns an error for the first setting that is invalid.
func (c Config) Validate() error {
	switch {
	case c.Interval < minInterval:
		return errors.New("lag interval: want at least 100ms")
	case c.Window < 2*c.Interval:
		return errors.New("lag window: want at least two intervals")
	case c.Allowed < 0:
		return errors.New("lag allowed: want 0 or more")
	case slices.Contains(c.Groups, ""):
		return errors.New("lag groups: want names that are not empty")
	}
	for _, text := range c.Batched {
		if _, _, err := parseBatched(text); err != nil {
			return err
		}
	}
	return nil
}

// Rules returns the settings by which samples are judged. The Config must be valid.
func (c Config) Rules() Rules {
	r := Rules{Window: c.Window, Allowed: c.Allowed, Batched: make(map[string]time.Duration, len(c.Batched))}
	for _, text := range c.Batched {
		if group, age, err := parseBatched(text); err == nil {
			r.Batched[group] = age
		}
	}
	return r
}

// parseBatched parses GROUP=AGE.
func parseBatched(text string) (group string, age time.Duration, err error) {
	group, given, _ := strings.Cut(text, "=")
	age, err = time.ParseDuration(given)
	if group == "" || err != nil || age <= 0 {
		return "", 0, fmt.Errorf("lag batched: %q: want GROUP=AGE, such as orak-lake=5m", text)
	}
	return group, age, nil
}
