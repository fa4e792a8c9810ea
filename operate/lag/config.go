package lag

import (
	"errors"
	"slices"
	"time"
)

// Config says how lag is sampled and judged.
type Config struct {
	Interval time.Duration `help:"How often the offsets of consumer groups are looked at; at least 100ms." default:"15s"`
	Window   time.Duration `help:"Time over which a group's movement is judged: whether it stands still, goes back, or falls behind; at least two intervals." default:"5m"`
	Allowed  int64         `help:"Records that a partition may be behind and count as caught up; 0 allows none." default:"0"`
	Groups   []string      `help:"Consumer groups that are looked at, of any program; one that does not exist yet is waited for." default:"orak-bridge"`
}

// minInterval keeps samples from being a load.
const minInterval = 100 * time.Millisecond

// Validate reports the first setting that cannot work.
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
	default:
		return nil
	}
}

// Rules are the settings by which samples are judged.
func (c Config) Rules() Rules { return Rules{Window: c.Window, Allowed: c.Allowed} }
