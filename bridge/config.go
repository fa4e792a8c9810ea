package bridge

import (
	"errors"
	"time"
)

// Config says how the bridge consumes.
type Config struct {
	Inflight       int           `help:"Records handled at the same time at most, over all partitions; at least 1." default:"64"`
	CommitInterval time.Duration `help:"How often the offsets of handled records are committed; a crash repeats at most what was handled since, and repeats start nothing twice." default:"250ms"`
	StartTimeout   time.Duration `help:"How long one try to start a workflow, or to write one dead letter, may take." default:"10s"`
	MaxBackoff     time.Duration `help:"Longest wait between two tries while Temporal or Kafka cannot be reached; tries go on for as long as it lasts." default:"5s"`
	DrainTimeout   time.Duration `help:"How long the records being handled may take when their partition goes to another bridge; what is not done by then is done there." default:"5s"`
	SessionTimeout time.Duration `help:"How long a bridge may be silent before its partitions go to the others; Kafka takes 6s to 30m." default:"45s"`
	InstanceID     string        `help:"A name that this bridge keeps over restarts, so that a restart within the session timeout moves no partitions (static membership); empty means none." name:"instance-id"`
	Rack           string        `help:"The rack or zone that this bridge runs in, to read from the nearest replica; empty means from the leader."`
	EagerStart     bool          `help:"Let a worker in the same process take the first step of a workflow without asking Temporal; no effect without one." default:"true" negatable:""`
}

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	switch {
	case c.Inflight < 1:
		return errors.New("bridge inflight: want at least 1")
	case c.CommitInterval <= 0:
		return errors.New("bridge commit interval: want more than 0")
	case c.StartTimeout <= 0:
		return errors.New("bridge start timeout: want more than 0")
	case c.MaxBackoff < minBackoff:
		return errors.New("bridge max backoff: want at least 100ms")
	case c.DrainTimeout <= 0:
		return errors.New("bridge drain timeout: want more than 0")
	case c.SessionTimeout < 6*time.Second:
		return errors.New("bridge session timeout: want at least 6s")
	default:
		return nil
	}
}
