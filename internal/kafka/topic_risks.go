package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
)

// RiskCode names what is wrong with a topic.
type RiskCode string

// The codes. More may be added.
const (
	RiskPartitions      RiskCode = "partitions"
	RiskCleanup         RiskCode = "cleanup-policy"
	RiskReplicas        RiskCode = "replicas"
	RiskMinInSync       RiskCode = "min-insync-replicas"
	RiskUncleanElection RiskCode = "unclean-leader-election"
	RiskRetention       RiskCode = "retention"
)

// TopicRisk is a property of a topic that may lose records, or stop uploads.
type TopicRisk struct {
	Topic string
	Code  RiskCode
	// Have and Want are the values of the property.
	Have, Want string
	// Meaning says what may happen, in a sentence.
	Meaning string
	// Mend is the command that changes it, for a shell; "" where nothing can.
	Mend string
}

// Closed is how long Temporal keeps what is over: Kafka must forget events first.
type Closed struct {
	Namespace string
	// Kept is the retention of the namespace; 0 means that it is not known.
	Kept time.Duration
}

const (
	// wantReplicas and wantInSync let one broker of three be lost without a record, and
	// without a stop.
	wantReplicas = 3
	wantInSync   = 2
	// reassignThrottle is how fast replicas are copied, in bytes per second, so that
	// uploads keep most of the network.
	reassignThrottle = 50_000_000
)

// TopicRisks compares the topics that exist with what orak needs of them. On fewer than
// three brokers it asks for no replicas. The error is that of a Kafka which does not answer.
func TopicRisks(ctx context.Context, cl *kgo.Client, topics []events.Topic, closed Closed) ([]TopicRisk, error) {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.Name
	}
	adm := kadm.NewClient(cl)
	meta, err := adm.Metadata(ctx, names...)
	if err != nil {
		return nil, notReady(fmt.Errorf("listing topics: %w", err))
	}
	configs, err := adm.DescribeTopicConfigs(ctx, names...)
	if err != nil && !denied(err) { // without that right, only what metadata tell is compared
		return nil, notReady(fmt.Errorf("describing topics: %w", err))
	}
	var risks []TopicRisk
	for _, want := range topics {
		have, config := meta.Topics[want.Name], values(configs, want.Name)
		if have.Err != nil || len(have.Partitions) == 0 {
			continue // it is about to be created, or may not be seen
		}
		c := comparison{want: want, have: have, config: config, brokers: meta.Brokers, closed: closed, server: bootstrap(cl)}
		risks = append(risks, c.risks()...)
	}
	return risks, nil
}

func values(configs kadm.ResourceConfigs, topic string) map[string]string {
	found := map[string]string{}
	described, err := configs.On(topic, nil)
	if err != nil || described.Err != nil {
		return found
	}
	for _, c := range described.Configs {
		if c.Value != nil {
			found[c.Key] = *c.Value
		}
	}
	return found
}

// bootstrap is the address for Kafka's own commands.
func bootstrap(cl *kgo.Client) string {
	seeds, _ := cl.OptValue(kgo.SeedBrokers).([]string)
	return strings.Join(seeds, ",")
}

// comparison is a topic beside what is wanted of it.
type comparison struct {
	want    events.Topic
	have    kadm.TopicDetail
	config  map[string]string
	brokers kadm.BrokerDetails
	closed  Closed
	server  string
}

func (c comparison) risks() []TopicRisk {
	var risks []TopicRisk
	for _, find := range []func() *TopicRisk{c.partitions, c.cleanup, c.replicas, c.minInSync, c.uncleanElection, c.retention} {
		if r := find(); r != nil {
			r.Topic = c.want.Name
			risks = append(risks, *r)
		}
	}
	return risks
}

func (c comparison) partitions() *TopicRisk {
	have := len(c.have.Partitions)
	if have == int(c.want.Partitions) {
		return nil
	}
	r := &TopicRisk{
		Code: RiskPartitions, Have: strconv.Itoa(have), Want: strconv.Itoa(int(c.want.Partitions)),
		Meaning: "More partitions work as well. They cannot be taken away again.",
	}
	if have < int(c.want.Partitions) {
		r.Meaning = "No more processes than partitions share the work of a group."
		r.Mend = fmt.Sprintf("kafka-topics.sh --bootstrap-server %s --alter --topic %s --partitions %d", c.server, c.want.Name, c.want.Partitions)
	}
	return r
}

func (c comparison) cleanup() *TopicRisk {
	have, known := c.config["cleanup.policy"]
	if !c.want.Compacted || !known || have == compact {
		return nil
	}
	return &TopicRisk{
		Code: RiskCleanup, Have: have, Want: compact, Meaning: "Keys, tenants and settings would be deleted with age.",
		Mend: c.alter("cleanup.policy=" + compact),
	}
}

// fewest is the smallest number of replicas of a partition.
func (c comparison) fewest() int {
	fewest := len(c.brokers)
	for _, p := range c.have.Partitions {
		fewest = min(fewest, len(p.Replicas))
	}
	return fewest
}

func (c comparison) replicas() *TopicRisk {
	fewest := c.fewest()
	if len(c.brokers) < wantReplicas || fewest >= wantReplicas {
		return nil
	}
	return &TopicRisk{
		Code: RiskReplicas, Have: strconv.Itoa(fewest), Want: strconv.Itoa(wantReplicas),
		Meaning: "A broker that is lost for good takes records with it.", Mend: c.reassign(),
	}
}

func (c comparison) minInSync() *TopicRisk {
	fewest := c.fewest()
	have, err := strconv.Atoi(c.config["min.insync.replicas"])
	if err != nil || fewest < wantReplicas || have == wantInSync {
		return nil
	}
	r := &TopicRisk{Code: RiskMinInSync, Have: strconv.Itoa(have), Want: strconv.Itoa(wantInSync), Mend: c.alter("min.insync.replicas=2")}
	switch {
	case have < wantInSync:
		r.Meaning = "A record may be acknowledged that only one broker has."
	case have >= fewest:
		r.Meaning = "One broker that is away stops the topic."
	default:
		return nil
	}
	return r
}

func (c comparison) uncleanElection() *TopicRisk {
	if c.config["unclean.leader.election.enable"] != "true" || c.fewest() < 2 {
		return nil
	}
	return &TopicRisk{
		Code: RiskUncleanElection, Have: "true", Want: "false",
		Meaning: "A broker that lacks records may become the leader: they are lost.", Mend: c.alter("unclean.leader.election.enable=false"),
	}
}

func (c comparison) retention() *TopicRisk {
	ms, err := strconv.ParseInt(c.config["retention.ms"], 10, 64)
	if err != nil || c.want.Compacted {
		return nil
	}
	have := time.Duration(ms) * time.Millisecond
	forever := ms < 0
	define := c.alter("retention.ms=" + *topicConfig(c.want)["retention.ms"])
	switch {
	case c.want.Name == events.TopicAudit && max(have, 0) != c.want.Retention:
		return &TopicRisk{
			Code: RiskRetention, Have: days(max(have, 0)), Want: days(c.want.Retention),
			Meaning: "Acts are kept for another time than audit-retention says.", Mend: define,
		}
	case !forever && (c.want.Retention == 0 || have < c.want.Retention):
		return &TopicRisk{
			Code: RiskRetention, Have: days(have), Want: days(c.want.Retention),
			Meaning: "Records may be deleted before they are read.", Mend: define,
		}
	case c.want.Name == events.TopicUploads && c.closed.Kept > 0 && (forever || have >= c.closed.Kept):
		r := &TopicRisk{
			Code: RiskRetention, Have: "for ever", Want: "less than " + days(c.closed.Kept),
			Meaning: "Temporal forgets a finished upload before Kafka forgets its event: one that is read again starts anew.",
			Mend:    define,
		}
		if !forever {
			r.Have = days(have)
			r.Mend = fmt.Sprintf("temporal operator namespace update --namespace %s --retention %dh", c.closed.Namespace, int((have + 24*time.Hour).Hours()))
		}
		return r
	}
	return nil
}

// days writes a retention, of which 0 is for ever.
func days(d time.Duration) string {
	switch {
	case d == 0:
		return "for ever"
	case d == 24*time.Hour:
		return "1 day"
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	default:
		return d.String()
	}
}

func (c comparison) alter(config string) string {
	return fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s", c.server, c.want.Name, config)
}

// assignment is what kafka-reassign-partitions.sh reads.
type assignment struct {
	Version    int         `json:"version"`
	Partitions []placement `json:"partitions"`
}

type placement struct {
	Topic     string  `json:"topic"`
	Partition int32   `json:"partition"`
	Replicas  []int32 `json:"replicas"`
}

// reassign is the command that adds the replicas which are missing. Those that exist
// stay, with their leaders.
func (c comparison) reassign() string {
	a := assignment{Version: 1}
	for _, p := range c.have.Partitions.Sorted() {
		a.Partitions = append(a.Partitions, placement{c.want.Name, p.Partition, c.spread(p)})
	}
	document, err := json.Marshal(a)
	if err != nil {
		return "" // numbers and names have a form in JSON
	}
	return fmt.Sprintf("kafka-reassign-partitions.sh --bootstrap-server %s --execute --throttle %d --reassignment-json-file <(echo '%s')", c.server, reassignThrottle, document)
}

// spread returns the replicas of a partition with as many more as are wanted, on racks
// that have none if there are such, and on other brokers for each partition.
func (c comparison) spread(p kadm.PartitionDetail) []int32 {
	replicas := slices.Clone(p.Replicas)
	ids := c.brokers.NodeIDs()
	for len(replicas) < wantReplicas {
		best, found := int32(0), false
		for i := range ids {
			id := ids[(int(p.Partition)+len(replicas)+i)%len(ids)]
			if slices.Contains(replicas, id) {
				continue
			}
			if !found || !c.sharesRack(id, replicas) && c.sharesRack(best, replicas) {
				best, found = id, true
			}
		}
		if !found {
			break
		}
		replicas = append(replicas, best)
	}
	return replicas
}

func (c comparison) sharesRack(id int32, replicas []int32) bool {
	return slices.ContainsFunc(replicas, func(other int32) bool { return c.rack(id) == c.rack(other) })
}

func (c comparison) rack(id int32) string {
	for _, b := range c.brokers {
		if b.NodeID == id && b.Rack != nil {
			return *b.Rack
		}
	}
	return ""
}
