package consume

import (
	"errors"
	"regexp"
	"time"
)

// Config says how a consumer group is read.
type Config struct {
	Inflight       int           `help:"Records handled at the same time at most, over all partitions; at least 1. Records that wait for a dependency (Temporal, Kafka or the store) do not count; this is also the most that are tried with one at the same time." default:"64"`
	CommitInterval time.Duration `help:"How often the offsets of handled records are committed; a crash repeats at most what was handled since, and repeats change nothing." default:"250ms"`
	MaxBackoff     time.Duration `help:"Longest wait between two tries while a dependency cannot be reached; tries continue for as long as that lasts." default:"5s"`
	DrainTimeout   time.Duration `help:"How long the records being handled may take when their partition moves to another member; what is not done by then is done there." default:"5s"`
	SessionTimeout time.Duration `help:"How long a member may be silent before its partitions move to the others; Kafka accepts 6s to 30m." default:"45s"`
	StallAfter     time.Duration `help:"How long records may wait in a partition of this member without any progress before that counts as a stall: it is not ready then, raises an alert and logs what every goroutine does; longer than the commit interval. 0 disables this." default:"2m"`
	Rack           string        `help:"Rack or zone of this member, to read from the nearest replica; empty means from the leader."`
	Protocol       string        `help:"Group protocol: classic, or consumer, in which the broker assigns the partitions (KIP-848; Kafka 4.0 or newer, 4.3 recommended; older brokers get classic, with rebalances that stop the whole group). All members of a group should use the same." default:"classic" enum:"classic,consumer"`
	// InstanceID is a name that only this member has, and keeps over restarts, so
	// that a restart within the session timeout moves no partitions (static
	// membership); empty means none. It belongs to the process and is no setting
	// of the group.
	InstanceID string `kong:"-"`
}

// The group protocols: in classic, which empty means, too, the members assign
// the partitions; in consumer the broker does (KIP-848).
const (
	ProtocolClassic  = "classic"
	ProtocolConsumer = "consumer"
)

// instanceID is what Kafka accepts as a group.instance.id.
var instanceID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// minStallAfter keeps the questions to Kafka rare.
const minStallAfter = time.Second

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	switch {
	case c.Inflight < 1:
		return errors.New("inflight: want at least 1")
	case c.CommitInterval <= 0:
		return errors.New("commit interval: want more than 0")
	case c.MaxBackoff < minBackoff:
		return errors.New("max backoff: want at least 100ms")
	case c.DrainTimeout <= 0:
		return errors.New("drain timeout: want more than 0")
	case c.StallAfter != 0 && (c.StallAfter < minStallAfter || c.StallAfter <= c.CommitInterval):
		return errors.New("stall after: want at least 1s and more than the commit interval, or 0")
	case c.Protocol != "" && c.Protocol != ProtocolClassic && c.Protocol != ProtocolConsumer:
		return errors.New("protocol: want classic or consumer")
	case c.InstanceID != "" && !instanceID.MatchString(c.InstanceID):
		return errors.New("instance id: want at most 249 letters, digits, dots, dashes and underscores")
	case c.SessionTimeout < 6*time.Second:
		return errors.New("session timeout: want at least 6s")
	default:
		return nil
	}
}
