package lag

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
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/internal/kafka"
)

// ErrNoGroup means that a group has neither members nor commits: it never existed,
// or it has expired.
var ErrNoGroup = errors.New("no such consumer group")

// Partition is a partition of a topic.
type Partition struct {
	Topic string
	ID    int32
}

// Look is what was read of a group at one time.
type Look struct {
	Group string
	// State is Kafka's word, such as Stable or Empty.
	State   string
	Members int
	// Partitions has the partitions of every topic that the group has committed
	// to or subscribes to.
	Partitions map[Partition]Sample
	// Err is why the group could not be read: ErrNoGroup, or an error of Kafka.
	Err error
}

// Sampler reads the offsets of consumer groups without joining them. It is not safe
// for concurrent use.
type Sampler struct {
	open func(...kgo.Opt) (*kgo.Client, error)
	cl   *kgo.Client
	adm  *kadm.Client
	ages map[position]time.Time
}

// NewSampler returns a Sampler, which connects on first use. The caller closes it.
func NewSampler(cfg kafka.Config, log *slog.Logger) (*Sampler, error) {
	cfg.ClientID += "-lag"
	// Like orak's consumers, of which an open transaction holds back none.
	committed := kgo.FetchIsolationLevel(kgo.ReadCommitted())
	open := func(opts ...kgo.Opt) (*kgo.Client, error) {
		return kafka.NewClient(cfg, log, append(opts, committed)...)
	}
	cl, err := open()
	if err != nil {
		return nil, err
	}
	return &Sampler{open: open, cl: cl, adm: kadm.NewClient(cl), ages: make(map[position]time.Time)}, nil
}

// Close closes the connections.
func (s *Sampler) Close() { s.cl.Close() }

// Groups returns the names of all consumer groups, sorted.
func (s *Sampler) Groups(ctx context.Context) ([]string, error) {
	listed, err := s.adm.ListGroups(ctx)
	if err != nil {
		return nil, unreachable("listing consumer groups", err)
	}
	return listed.Groups(), nil
}

// Look reads groups, in their order. An error with one group is in its Look; the
// error that is returned means that Kafka could not be asked, and is an *orak.Fault
// of class dependency.
func (s *Sampler) Look(ctx context.Context, groups ...string) ([]Look, error) {
	if len(groups) == 0 {
		return nil, nil
	}
	members, err := s.membership(ctx, groups)
	if err != nil {
		return nil, err
	}
	commits := s.adm.FetchManyOffsets(ctx, groups...)
	if commits.AllFailed() && ctx.Err() != nil {
		return nil, unreachable("reading committed offsets", ctx.Err())
	}
	looks := make([]Look, len(groups))
	topics := make(map[string]bool)
	for i, group := range groups {
		looks[i] = members[group].look(group, commits[group])
		for topic := range members[group].topics {
			topics[topic] = true
		}
	}
	if err := s.fill(ctx, looks, members, commits, topics); err != nil {
		return nil, err
	}
	s.fillAges(ctx, looks)
	return looks, nil
}

// membership are the members of a group, and the topics that it reads.
type membership struct {
	state   string
	members int
	topics  map[string]bool
	known   bool
	err     error
}

func (s *Sampler) membership(ctx context.Context, groups []string) (map[string]*membership, error) {
	described, err := s.adm.DescribeGroups(ctx, slices.Clone(groups)...)
	if err != nil && len(described) == 0 {
		return nil, unreachable("describing consumer groups", err)
	}
	found := make(map[string]*membership, len(groups))
	var others []string
	for _, group := range groups {
		d, answered := described[group]
		m := &membership{state: d.State, members: len(d.Members), topics: make(map[string]bool), err: d.Err}
		if !answered {
			m.err = err
		}
		found[group] = m
		m.known = m.err == nil && d.State != "Dead"
		if m.members == 0 {
			others = append(others, group)
		}
		m.reads(d.AssignedPartitions().Topics(), d.JoinTopics())
	}
	return found, s.newerMembership(ctx, found, others)
}

// newerMembership asks in the newer group protocol (KIP-848): in answers to the older
// request its groups do not exist, or have no members. Brokers without that protocol
// find no such group.
func (s *Sampler) newerMembership(ctx context.Context, found map[string]*membership, groups []string) error {
	if len(groups) == 0 {
		return nil
	}
	described, err := s.adm.DescribeConsumerGroups(ctx, groups...)
	if err != nil && ctx.Err() != nil {
		return unreachable("describing consumer groups", err)
	}
	for group, d := range described {
		if d.Err != nil {
			continue
		}
		m := found[group]
		m.state, m.members, m.known, m.err = d.State, len(d.Members), true, nil
		m.reads(d.AssignedPartitions().Topics())
		for _, member := range d.Members {
			m.reads(member.SubscribedTopics)
		}
	}
	return nil
}

func (m *membership) reads(lists ...[]string) {
	for _, topics := range lists {
		for _, topic := range topics {
			if topic != "" { // an answer may have only its id
				m.topics[topic] = true
			}
		}
	}
}

// look returns a Look without samples, and adds the topics that were committed to.
func (m *membership) look(group string, commits kadm.FetchOffsetsResponse) Look {
	l := Look{Group: group, State: m.state, Members: m.members, Partitions: make(map[Partition]Sample)}
	m.reads(slices.Collect(maps.Keys(commits.Fetched)))
	switch {
	case len(m.topics) > 0 || m.known && commits.Err == nil:
	case m.err != nil && !errors.Is(m.err, kerr.GroupIDNotFound):
		l.Err = fmt.Errorf("describing the group: %w", m.err)
	case commits.Err != nil && !errors.Is(commits.Err, kerr.GroupIDNotFound):
		l.Err = fmt.Errorf("reading its commits: %w", commits.Err)
	default:
		l.Err = ErrNoGroup
	}
	return l
}

// fill adds the samples. It reads the ends last; see the package comment.
func (s *Sampler) fill(ctx context.Context, looks []Look, members map[string]*membership, commits kadm.FetchOffsetsResponses, topics map[string]bool) error {
	if len(topics) == 0 {
		return nil
	}
	names := slices.Collect(maps.Keys(topics))
	starts, err := s.adm.ListStartOffsets(ctx, names...)
	if err != nil {
		return unreachable("listing offsets", err)
	}
	ends, err := s.adm.ListCommittedOffsets(ctx, names...)
	if err != nil {
		return unreachable("listing offsets", err)
	}
	now := time.Now()
	ends.Each(func(end kadm.ListedOffset) {
		start, ok := starts.Lookup(end.Topic, end.Partition)
		if !ok || start.Err != nil || end.Err != nil {
			return // deleted, or without a leader
		}
		for _, l := range looks {
			if l.Err != nil || !members[l.Group].topics[end.Topic] {
				continue
			}
			sample := Sample{At: now, Start: start.Offset, End: end.Offset, Committed: NoCommit}
			if c, ok := commits[l.Group].Fetched.Lookup(end.Topic, end.Partition); ok && c.Err == nil {
				sample.Committed = c.At
			}
			l.Partitions[Partition{end.Topic, end.Partition}] = sample
		}
	})
	return nil
}

func unreachable(doing string, err error) *orak.Fault {
	return &orak.Fault{
		Class:      orak.ClassDependency,
		Dependency: orak.DependencyKafka,
		Message:    "The event log is not reachable.",
		Err:        fmt.Errorf("%s: %w", doing, err),
	}
}
