// Package clusters shows and switches the places of the topic of uploads, for operators.
package clusters

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/switchover"
	"orak/operate/replay"
)

// Deps are what Clusters works with.
type Deps struct {
	Kafka kafka.Config
	// Topic is the topic of uploads as a place must have it.
	Topic events.Topic
	// Store has the document that says which place is active.
	Store switchover.Store
	Log   *slog.Logger
}

// Clusters shows and switches the places of uploads. It connects on first use.
type Clusters struct{ deps Deps }

// New returns Clusters.
func New(deps Deps) *Clusters {
	deps.Kafka.ClientID += "-clusters"
	return &Clusters{deps: deps}
}

// Status is which place is active, and how the places do.
type Status struct {
	Active Name `json:"active"`
	// Version counts the switches; SwitchedAt, By and Reason are those of the last one.
	Version    int64     `json:"version"`
	SwitchedAt time.Time `json:"switched_at,omitzero"`
	By         string    `json:"by,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	Places     []Place   `json:"places"`
	// Former is what Clusters.Former returns.
	Former *Place `json:"former,omitempty"`
}

// Place is how one place of the topic of uploads does.
type Place struct {
	Name    Name     `json:"name"`
	Brokers []string `json:"brokers"`
	// Main says that the other topics are on this cluster.
	Main      bool `json:"main"`
	Active    bool `json:"active"`
	Reachable bool `json:"reachable"`
	// Error is why it cannot be asked, or what of it cannot.
	Error string `json:"error,omitempty"`
	// ID is that of the cluster.
	ID string `json:"cluster_id,omitempty"`
	// Topic says that it has the topic of uploads.
	Topic bool `json:"topic"`
	// Lag is how many records the bridges have not read, and Members how many read; nil
	// where that is not known.
	Lag     *int64 `json:"lag,omitempty"`
	Members *int   `json:"members,omitempty"`
	// Drained says that nothing is left to be read; false where that is not known, and on a
	// place without the topic.
	Drained bool `json:"drained"`
}

// askFor bounds the questions to one place.
const askFor = 8 * time.Second

// Status asks the store and every place. An error is one of the store: a place that cannot
// be asked is part of the answer.
func (c *Clusters) Status(ctx context.Context) (Status, error) {
	d, _, err := switchover.Read(ctx, c.deps.Store)
	if err != nil {
		return Status{}, err
	}
	s := Status{Active: d.Active, Version: d.Version, SwitchedAt: d.SwitchedAt, By: d.By, Reason: d.Reason}
	var asking sync.WaitGroup
	asking.Go(func() { s.Former = c.Former(ctx) })
	s.Places = c.places(ctx)
	asking.Wait()
	for i := range s.Places {
		s.Places[i].Active = s.Places[i].Name == s.Active
	}
	return s, nil
}

// FormerStep says what to do about announcements that are left on a former place.
const FormerStep = "While primary is active and the standby is drained, set kafka-standby-brokers to the brokers of the main cluster for every process, until orak kafka status says that it is drained."

// Former returns the main cluster if it is no place of uploads, and has announcements from
// when it was one that no bridge has read, or cannot be asked for them; otherwise nil.
func (c *Clusters) Former(ctx context.Context) *Place {
	if slices.ContainsFunc(c.deps.Kafka.Places(), c.deps.Kafka.IsMain) {
		return nil
	}
	cfg := c.deps.Kafka
	cfg.UploadsBrokers, cfg.StandbyBrokers = nil, nil
	p := c.askAt(ctx, cfg, Place{Name: kafka.Main, Brokers: cfg.Brokers, Main: true})
	if p.Error == "" && (p.Lag == nil || *p.Lag == 0) {
		return nil
	}
	return &p
}

func (c *Clusters) places(ctx context.Context) []Place {
	names := c.deps.Kafka.Places()
	all := make([]Place, len(names))
	var asking sync.WaitGroup
	for i, name := range names {
		asking.Go(func() { all[i] = c.ask(ctx, name) })
	}
	asking.Wait()
	return all
}

func (c *Clusters) ask(ctx context.Context, name kafka.Place) Place {
	cfg := c.deps.Kafka.At(name)
	return c.askAt(ctx, cfg, Place{Name: name, Brokers: cfg.Brokers, Main: c.deps.Kafka.IsMain(name)})
}

// askAt returns p with what the cluster of cfg says.
func (c *Clusters) askAt(ctx context.Context, cfg kafka.Config, p Place) Place {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	if err := c.describe(ctx, cfg, &p); err != nil {
		p.Error = err.Error()
	}
	return p
}

func (c *Clusters) describe(ctx context.Context, cfg kafka.Config, p *Place) error {
	if err := kafka.Check(ctx, cfg); err != nil {
		return err
	}
	cl, err := kafka.NewClient(cfg, c.deps.Log)
	if err != nil {
		return err
	}
	defer cl.Close()
	meta, err := kadm.NewClient(cl).Metadata(ctx, c.deps.Topic.Name)
	if err != nil {
		return fmt.Errorf("reaching the brokers: %w", err)
	}
	p.Reachable, p.ID = true, meta.Cluster
	found := meta.Topics[c.deps.Topic.Name]
	if found.Err != nil && !errors.Is(found.Err, kerr.UnknownTopicOrPartition) {
		return fmt.Errorf("reading the topic: %w", found.Err)
	}
	if p.Topic = len(found.Partitions) > 0; !p.Topic {
		return nil
	}
	group, err := replay.NewOffsets(cfg, c.deps.Log, events.GroupBridge, c.deps.Topic.Name).Show(ctx)
	if err != nil {
		return fmt.Errorf("reading the lag of the bridges: %w", err)
	}
	lag, members := group.Lag(), len(group.Members)
	p.Lag, p.Members, p.Drained = &lag, &members, lag == 0
	return nil
}

// Name is the name of a place: Primary or Standby.
type Name = kafka.Place

// The names of the places.
const (
	Primary = kafka.Primary
	Standby = kafka.Standby
)

// Request asks for a switch.
type Request struct {
	To         Name
	By, Reason string
	At         time.Time
	// Force switches to a place that cannot be used, checked or is not read now, and replaces a
	// damaged document.
	Force bool
}

// Result is what Switch did.
type Result struct {
	switchover.Document
	// Changed is false if the place was active already.
	Changed bool `json:"changed"`
	// Within is the longest time until every process with a store that answers has moved, in
	// seconds.
	Within float64 `json:"within_seconds"`
	// Recorded says that the act is on the audit topic.
	Recorded bool `json:"recorded"`
	// Unrecorded is why it is not.
	Unrecorded string `json:"unrecorded,omitempty"`
}

// The reasons not to switch to a place.
var (
	// ErrNoStandby means that no standby is configured.
	ErrNoStandby = errors.New("no standby is configured: set kafka-standby-brokers (ORAK_KAFKA_STANDBY_BROKERS) here and for every process")
	// ErrUnusable means that the place cannot take uploads now, or that it cannot be checked.
	ErrUnusable = errors.New("it cannot take uploads now")
	// ErrUnread means that no bridge reads the place: uploads would wait there.
	ErrUnread = errors.New("no bridge reads it")
	// ErrSameCluster means that both places are one cluster.
	ErrSameCluster = errors.New("both places are the same cluster")
	// ErrDamaged and ErrNewer mean that the document of the last switch cannot be read.
	ErrDamaged, ErrNewer = switchover.ErrDamaged, switchover.ErrNewer
)

// Conflict is the error of a Switch that came second.
type Conflict = switchover.Conflict

// Check returns why r should not be done: an error that wraps ErrNoStandby, ErrUnusable,
// ErrUnread or ErrSameCluster. It creates the topic of uploads on the cluster if that is missing.
func (c *Clusters) Check(ctx context.Context, r Request) error {
	if len(c.deps.Kafka.Places()) < 2 {
		return ErrNoStandby
	}
	places := c.places(ctx)
	var to Place
	for _, p := range places {
		if p.Name == r.To {
			to = p
		}
	}
	switch {
	case r.Force:
		return nil
	case places[0].ID != "" && places[0].ID == places[1].ID:
		return fmt.Errorf("%w: %s", ErrSameCluster, places[0].ID)
	case !to.Reachable:
		return fmt.Errorf("%w: %s", ErrUnusable, to.Error)
	case to.Error != "": // who reads it is not known, or not all partitions can be used
		return fmt.Errorf("%w, as far as it can be checked: %s", ErrUnusable, to.Error)
	case !to.Topic:
		return c.create(ctx, r.To)
	case to.Members != nil && *to.Members == 0:
		return ErrUnread
	}
	return nil
}

func (c *Clusters) create(ctx context.Context, p kafka.Place) error {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	cfg := c.deps.Kafka.At(p)
	cl, err := kafka.NewClient(cfg, c.deps.Log)
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := kafka.EnsureTopics(ctx, cl, []events.Topic{c.deps.Topic}, cfg.ReplicationFactor); err != nil {
		return fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	return nil
}

// settleIn is how long a process takes to move once it has read the document, and reading
// it takes at most readIn.
const (
	settleIn = 2 * time.Second
	readIn   = 10 * time.Second
)

// Switch checks r and makes the place the active one. It returns once the store has it,
// and records the act if the main cluster answers.
func (c *Clusters) Switch(ctx context.Context, r Request) (Result, error) {
	if err := c.Check(ctx, r); err != nil {
		return Result{}, err
	}
	d, changed, err := switchover.Switch(ctx, c.deps.Store, switchover.Request{To: r.To, By: r.By, Reason: r.Reason, At: r.At, Repair: r.Force})
	if err != nil {
		return Result{}, err
	}
	interval := c.deps.Kafka.SwitchInterval
	if interval == 0 {
		interval = kafka.DefaultSwitchInterval
	}
	res := Result{Document: d, Changed: changed, Within: (interval + readIn + settleIn).Seconds()}
	if !changed {
		return res, nil
	}
	if err := c.record(ctx, d); err != nil {
		res.Unrecorded = err.Error()
		return res, nil
	}
	res.Recorded = true
	return res, nil
}

// Act is the act of a switch.
const Act = "kafka.switch"

// record writes the act to the main cluster, if that answers soon.
func (c *Clusters) record(ctx context.Context, d switchover.Document) error {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	cl, err := kafka.NewClient(c.deps.Kafka, c.deps.Log, kgo.RecordDeliveryTimeout(askFor))
	if err != nil {
		return err
	}
	defer cl.Close()
	return kafka.NewProducer(cl).PublishAct(ctx, events.Act{
		ID: fmt.Sprintf("%s-%d-%d", Act, d.Version, d.SwitchedAt.UnixMicro()), At: d.SwitchedAt, Act: Act, By: d.By,
		Tenant: events.EveryTenant, Subject: events.TopicUploads, Detail: fmt.Sprintf("to %s: %s", d.Active, d.Reason),
	})
}
