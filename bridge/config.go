package bridge

import (
	"errors"
	"regexp"
	"time"
)

// Config says how the bridge consumes.
type Config struct {
	Inflight       int           `help:"Records handled at the same time at most, over all partitions; at least 1. Those that wait for a dependency (Temporal, Kafka or the store) do not count; this is also how many of them are tried with it at once." default:"64"`
	CommitInterval time.Duration `help:"How often the offsets of handled records are committed; a crash repeats at most what was handled since, and repeats start nothing twice." default:"250ms"`
	StartTimeout   time.Duration `help:"How long one try to start a workflow, or to write one dead letter, may take." default:"10s"`
	MaxBackoff     time.Duration `help:"Longest wait between two tries while Temporal or Kafka cannot be reached; tries go on for as long as it lasts." default:"5s"`
	DrainTimeout   time.Duration `help:"How long the records being handled may take when their partition goes to another bridge; what is not done by then is done there." default:"5s"`
	SessionTimeout time.Duration `help:"How long a bridge may be silent before its partitions go to the others; Kafka takes 6s to 30m." default:"45s"`
	SlowStart      time.Duration `help:"A start of a workflow that takes longer says that Temporal has too much to do: fewer are asked for at the same time then, and slowly more again, between 1 and the in-flight budget. 0 takes none for slow." default:"500ms"`
	StallAfter     time.Duration `help:"How long records may wait in a partition of this bridge without any progress before it counts as standing still: it is not ready then, raises an alert and logs what every goroutine does; longer than the commit interval. 0 means that nobody looks." default:"2m"`
	Rack           string        `help:"The rack or zone that this bridge runs in, to read from the nearest replica; empty means from the leader."`
	Protocol       string        `help:"Group protocol: classic, or consumer, in which the broker assigns the partitions (KIP-848; Kafka 4.0 or newer, 4.3 recommended; older brokers get classic, with rebalances that stop the whole group). All bridges of a group should use the same." default:"classic" enum:"classic,consumer"`
	EagerStart     bool          `help:"Let a worker in the same process take the first step of a workflow without asking Temporal; no effect without one." default:"true" negatable:""`
	// InstanceID is a name that this bridge alone has and keeps over restarts,
	// so that a restart within the session timeout moves no partitions (static
	// membership); empty means none. It is the process's, not a setting of the
	// bridge.
	InstanceID string `kong:"-"`
}

// The group protocols: in classic, which is meant where there is none, the
// members assign the partitions, and in consumer the broker does (KIP-848).
const (
	ProtocolClassic  = "classic"
	ProtocolConsumer = "consumer"
)

// instanceID is what Kafka takes for a group.instance.id.
var instanceID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// minStallAfter keeps the looks at Kafka rare.
const minStallAfter = time.Second

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
	case c.SlowStart < 0:
		return errors.New("bridge slow start: want 0 or more")
	case c.StallAfter != 0 && (c.StallAfter < minStallAfter || c.StallAfter <= c.CommitInterval):
		return errors.New("bridge stall after: want at least 1s and more than the commit interval, or 0")
	case c.Protocol != "" && c.Protocol != ProtocolClassic && c.Protocol != ProtocolConsumer:
		return errors.New("bridge protocol: want classic or consumer")
	case c.InstanceID != "" && !instanceID.MatchString(c.InstanceID):
		return errors.New("instance id: want at most 249 letters, digits, dots, dashes and underscores")
	case c.SessionTimeout < 6*time.Second:
		return errors.New("bridge session timeout: want at least 6s")
	default:
		return nil
	}
}
