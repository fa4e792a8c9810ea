package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"orak/internal/kafka"
)

// NoOffset is the offset of a partition without a commit.
const NoOffset int64 = -1

// Offsets shows and moves the offsets of a consumer group on a topic.
type Offsets struct {
	cfg   kafka.Config
	log   *slog.Logger
	group string
	topic string
}

// NewOffsets returns the Offsets of a group on a topic. It connects on first
// use.
func NewOffsets(cfg kafka.Config, log *slog.Logger, group, topic string) *Offsets {
	cfg.ClientID += "-offsets"
	return &Offsets{cfg: cfg, log: log, group: group, topic: topic}
}

// Group is the position of a consumer group on a topic.
type Group struct {
	Name  string `json:"group"`
	Topic string `json:"topic"`
	// State is Kafka's word, such as Stable, Empty, or Dead: no such group.
	State string `json:"state"`
	// Members has the client id and host of each member.
	Members    []string    `json:"members"`
	Partitions []Partition `json:"partitions"`
}

// The states of a group without members.
const (
	stateEmpty = "Empty"
	stateDead  = "Dead"
)

// Active reports whether the group has members. Their commits would overwrite a
// reset.
func (g Group) Active() bool {
	return len(g.Members) > 0 || g.State != stateEmpty && g.State != stateDead
}

// Lag returns the sum of the partitions' lags.
func (g Group) Lag() int64 {
	var sum int64
	for _, p := range g.Partitions {
		sum += p.Lag
	}
	return sum
}

// Partition is the position of a group in a partition.
type Partition struct {
	ID int32 `json:"partition"`
	// Committed is the committed offset, or NoOffset.
	Committed int64 `json:"committed"`
	// Start is the first retained offset, End the offset of the next record.
	Start int64 `json:"start"`
	End   int64 `json:"end"`
	// Lag is End minus Committed; without a commit, End minus Start.
	Lag int64 `json:"lag"`
}

// ErrActive means that the offsets of a group with members are not reset: the
// members would overwrite them.
var ErrActive = errors.New("the group has active members")

// Target is where offsets are moved to. Exactly one field is set.
type Target struct {
	Earliest bool
	Latest   bool
	Time     time.Time
	// Offsets has the offset by partition; other partitions are left alone.
	Offsets map[int32]int64
}

// Change is the move of a group in a partition.
type Change struct {
	Partition int32 `json:"partition"`
	// From is the committed offset, or NoOffset.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Wanted is the requested offset; To is the retained offset nearest to it.
	Wanted int64 `json:"wanted"`
	// Again is how many records are read again, Skip how many are never read.
	Again int64 `json:"again"`
	Skip  int64 `json:"skip"`
}

// Show returns the position of the group.
func (o *Offsets) Show(ctx context.Context) (Group, error) {
	adm, closeClient, err := o.admin()
	if err != nil {
		return Group{}, err
	}
	defer closeClient()
	return o.show(ctx, adm)
}

// Preview returns what Reset would change, which may be nothing. The group may
// have members.
func (o *Offsets) Preview(ctx context.Context, to Target) (Group, []Change, error) {
	adm, closeClient, err := o.admin()
	if err != nil {
		return Group{}, nil, err
	}
	defer closeClient()
	group, err := o.show(ctx, adm)
	if err != nil {
		return Group{}, nil, err
	}
	wanted, err := o.wanted(ctx, adm, group, to)
	if err != nil {
		return Group{}, nil, err
	}
	return group, changes(group, wanted), nil
}

// Reset makes the changes that Preview returned. It fails with ErrActive while
// the group has members; where a member joins between that check and the commit,
// the broker refuses the commit.
func (o *Offsets) Reset(ctx context.Context, changes []Change) error {
	adm, closeClient, err := o.admin()
	if err != nil {
		return err
	}
	defer closeClient()
	group, err := o.show(ctx, adm)
	if err != nil {
		return err
	}
	if group.Active() {
		return fmt.Errorf("resetting offsets of %s: %w", o.group, ErrActive)
	}
	offsets := make(kadm.Offsets)
	for _, c := range changes {
		offsets.AddOffset(o.topic, c.Partition, c.To, -1)
	}
	bounded, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	err = adm.CommitAllOffsets(bounded, o.group, offsets)
	if errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.StaleMemberEpoch) {
		return fmt.Errorf("resetting offsets of %s: %w: %w", o.group, ErrActive, err)
	}
	if err != nil {
		return errUnreachable("Kafka refuses the offsets.", fmt.Errorf("resetting offsets of %s: %w", o.group, err))
	}
	return nil
}

func (o *Offsets) admin() (*kadm.Client, func(), error) {
	cl, err := kafka.NewClient(o.cfg, o.log)
	if err != nil {
		return nil, nil, err
	}
	return kadm.NewClient(cl), cl.Close, nil
}

func (o *Offsets) show(ctx context.Context, adm *kadm.Client) (Group, error) {
	starts, ends, err := logBounds(ctx, adm, o.topic)
	if err != nil {
		return Group{}, err
	}
	commits, err := committed(ctx, adm, o.group, o.topic)
	if err != nil {
		return Group{}, err
	}
	g := Group{Name: o.group, Topic: o.topic, Members: []string{}}
	if g.State, g.Members, err = members(ctx, adm, o.group); err != nil {
		return Group{}, err
	}
	for _, id := range slices.Sorted(maps.Keys(ends)) {
		p := Partition{ID: id, Committed: NoOffset, Start: starts[id], End: ends[id]}
		if at, ok := commits[id]; ok {
			p.Committed = at
		}
		p.Lag = max(0, p.End-max(p.Committed, p.Start))
		g.Partitions = append(g.Partitions, p)
	}
	return g, nil
}

// members asks in both group protocols: the older request does not find a group
// of the newer one (KIP-848).
func members(ctx context.Context, adm *kadm.Client, group string) (state string, names []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	names = []string{}
	classic, err := adm.DescribeGroups(ctx, group)
	if err != nil {
		return "", nil, errUnreachable("Kafka does not describe the group.", fmt.Errorf("describing group %s: %w", group, err))
	}
	d := classic[group]
	for _, m := range d.Members {
		names = append(names, m.ClientID+" at "+m.ClientHost)
	}
	if len(names) > 0 {
		return d.State, names, nil
	}
	// Brokers without that protocol refuse the request.
	newer, err := adm.DescribeConsumerGroups(ctx, group)
	if n := newer[group]; err == nil && n.Err == nil {
		for _, m := range n.Members {
			names = append(names, m.ClientID+" at "+m.ClientHost)
		}
		return n.State, names, nil
	}
	switch {
	case d.Err == nil:
		return d.State, names, nil
	case errors.Is(d.Err, kerr.GroupIDNotFound):
		return stateDead, names, nil
	default:
		return "", nil, errUnreachable("Kafka does not describe the group.", fmt.Errorf("describing group %s: %w", group, d.Err))
	}
}

// committed returns the group's offsets on a topic, without partitions that have
// none; a group that does not exist has none.
func committed(ctx context.Context, adm *kadm.Client, group, topic string) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	offsets, err := adm.FetchOffsets(ctx, group)
	if err == nil {
		err = offsets.Error()
	}
	if errors.Is(err, kerr.GroupIDNotFound) {
		return map[int32]int64{}, nil
	}
	if err != nil {
		return nil, errUnreachable("Kafka does not return the group's offsets.", fmt.Errorf("fetching offsets of %s: %w", group, err))
	}
	all := make(map[int32]int64)
	for partition, o := range offsets[topic] {
		if o.At >= 0 {
			all[partition] = o.At
		}
	}
	return all, nil
}

// wanted returns the offsets that to requests, by partition.
func (o *Offsets) wanted(ctx context.Context, adm *kadm.Client, g Group, to Target) (map[int32]int64, error) {
	wanted := make(map[int32]int64)
	switch {
	case to.Offsets != nil:
		for id := range to.Offsets {
			if !slices.ContainsFunc(g.Partitions, func(p Partition) bool { return p.ID == id }) {
				return nil, fmt.Errorf("partition %d: %s has only %d", id, o.topic, len(g.Partitions))
			}
		}
		return to.Offsets, nil
	case !to.Time.IsZero():
		return offsetsAt(ctx, adm, o.topic, to.Time)
	}
	for _, p := range g.Partitions {
		if to.Earliest {
			wanted[p.ID] = p.Start
		} else {
			wanted[p.ID] = p.End
		}
	}
	return wanted, nil
}

// changes returns the moves to wanted, without partitions that stay where they
// are.
func changes(g Group, wanted map[int32]int64) []Change {
	var all []Change
	for _, p := range g.Partitions {
		at, ok := wanted[p.ID]
		if !ok {
			continue
		}
		c := Change{Partition: p.ID, From: p.Committed, To: min(max(at, p.Start), p.End), Wanted: at}
		if c.To == c.From {
			continue
		}
		// A group without a commit is taken to begin at the start, as the bridge does.
		from := max(c.From, p.Start)
		c.Again, c.Skip = max(0, from-c.To), max(0, c.To-from)
		if c.From == NoOffset {
			c.Again = 0
		}
		all = append(all, c)
	}
	return all
}
