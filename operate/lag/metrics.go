package lag

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Owned reports whether a process has a partition of a group; it exports the series of
// these only.
type Owned func(group string, p Partition) bool

// collector exports the last reports: of each group its sums, and of each partition
// that the process owns its own series. With a hundred processes, series of all
// partitions from each would be hundreds of thousands. Partitions that no longer
// exist, and all of them while Kafka cannot be asked, are not exported: no value is
// better than an old one.
type collector struct {
	owned Owned

	mu      sync.Mutex
	reports []GroupReport

	offsets, seconds, lost, status                    *prometheus.Desc
	groupOffsets, groupSeconds, groupLost, groupState *prometheus.Desc
	looks                                             *prometheus.CounterVec
}

var _ prometheus.Collector = (*collector)(nil)

// The results of looks.
const (
	lookOK     = "ok"
	lookFailed = "failed"
)

const codes = "0 OK, 1 UNKNOWN, 2 WARN, 3 STALL, 4 STOP, 5 REWIND, 6 ERROR; 3 and more is an error."

func newCollector(owned Owned) *collector {
	labels := []string{"group", "topic", "partition"}
	const ofOwn = "; only of partitions that this process has."
	return &collector{
		owned:   owned,
		offsets: prometheus.NewDesc("orak_lag_offsets", "Offsets of the partition that the group has not committed"+ofOwn, labels, nil),
		seconds: prometheus.NewDesc("orak_lag_seconds", "Age of the first record that the group has not committed, by its timestamp; 0 without a lag, absent while it is not known"+ofOwn, labels, nil),
		lost:    prometheus.NewDesc("orak_lag_lost_offsets", "Offsets that were deleted before the group committed past them"+ofOwn, labels, nil),
		status:  prometheus.NewDesc("orak_lag_status", "How the group moves on the partition, only of partitions that this process has: "+codes, labels, nil),

		groupOffsets: prometheus.NewDesc("orak_lag_group_offsets", "Offsets that the group has not committed, of all partitions.", []string{"group"}, nil),
		groupSeconds: prometheus.NewDesc("orak_lag_group_seconds", "Age of the first record that the group has not committed on any partition, by its timestamp; 0 without a lag, absent while none is known.", []string{"group"}, nil),
		groupLost:    prometheus.NewDesc("orak_lag_group_lost_offsets", "Offsets of the topic that were deleted before the group committed past them.", []string{"group", "topic"}, nil),
		groupState:   prometheus.NewDesc("orak_lag_group_status", "How the group moves: "+codes, []string{"group"}, nil),
	}
}

// register registers the collector with reg, which may be nil.
func (c *collector) register(reg prometheus.Registerer) error {
	c.looks = promauto.With(reg).NewCounterVec(prometheus.CounterOpts{Name: "orak_lag_looks_total", Help: "Looks at the groups' offsets, by result: ok or failed."}, []string{"result"})
	c.looks.WithLabelValues(lookOK)
	c.looks.WithLabelValues(lookFailed)
	if reg == nil {
		return nil
	}
	return reg.Register(c)
}

func (c *collector) show(reports []GroupReport) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reports = reports
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.offsets, c.seconds, c.lost, c.status, c.groupOffsets, c.groupSeconds, c.groupLost, c.groupState} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(metrics chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.reports {
		if g.Err != nil {
			continue
		}
		c.collectGroup(metrics, g)
		for _, p := range g.Partitions {
			if c.owned(g.Group, Partition{p.Topic, p.Partition}) {
				c.collectPartition(metrics, g.Group, p)
			}
		}
	}
}

func (c *collector) collectGroup(metrics chan<- prometheus.Metric, g GroupReport) {
	metrics <- gauge(c.groupState, float64(g.Status.Code()), g.Group)
	metrics <- gauge(c.groupOffsets, float64(g.Lag), g.Group)
	oldest := -1.0
	lost := make(map[string]int64)
	for _, p := range g.Partitions {
		lost[p.Topic] += p.Lost
		if p.Seconds != nil {
			oldest = max(oldest, *p.Seconds)
		}
	}
	if oldest >= 0 {
		metrics <- gauge(c.groupSeconds, oldest, g.Group)
	}
	for topic, n := range lost {
		metrics <- gauge(c.groupLost, float64(n), g.Group, topic)
	}
}

func (c *collector) collectPartition(metrics chan<- prometheus.Metric, group string, p PartitionReport) {
	labels := []string{group, p.Topic, strconv.Itoa(int(p.Partition))}
	metrics <- gauge(c.offsets, float64(p.Lag), labels...)
	metrics <- gauge(c.lost, float64(p.Lost), labels...)
	metrics <- gauge(c.status, float64(p.Status.Code()), labels...)
	if p.Seconds != nil {
		metrics <- gauge(c.seconds, *p.Seconds, labels...)
	}
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}
