package lag

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// collector exports the last reports. Partitions that no longer exist, and all of
// them while Kafka cannot be asked, are not exported: no value is better than an old
// one.
type collector struct {
	mu      sync.Mutex
	reports []GroupReport

	offsets, seconds, lost, status, group *prometheus.Desc
	looks                                 *prometheus.CounterVec
}

var _ prometheus.Collector = (*collector)(nil)

// The results of looks.
const (
	lookOK     = "ok"
	lookFailed = "failed"
)

const codes = "0 OK, 1 UNKNOWN, 2 WARN, 3 STALL, 4 STOP, 5 REWIND, 6 ERROR; 3 and more is an error."

func newCollector() *collector {
	labels := []string{"group", "topic", "partition"}
	return &collector{
		offsets: prometheus.NewDesc("orak_lag_offsets", "Offsets of the partition that the group has not committed.", labels, nil),
		seconds: prometheus.NewDesc("orak_lag_seconds", "Age of the first record that the group has not committed, by its timestamp; 0 without a lag, absent while it is not known.", labels, nil),
		lost:    prometheus.NewDesc("orak_lag_lost_offsets", "Offsets that were deleted before the group committed past them.", labels, nil),
		status:  prometheus.NewDesc("orak_lag_status", "How the group moves on the partition: "+codes, labels, nil),
		group:   prometheus.NewDesc("orak_lag_group_status", "How the group moves: "+codes, []string{"group"}, nil),
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
	for _, d := range []*prometheus.Desc{c.offsets, c.seconds, c.lost, c.status, c.group} {
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
		metrics <- gauge(c.group, float64(g.Status.Code()), g.Group)
		for _, p := range g.Partitions {
			labels := []string{g.Group, p.Topic, strconv.Itoa(int(p.Partition))}
			metrics <- gauge(c.offsets, float64(p.Lag), labels...)
			metrics <- gauge(c.lost, float64(p.Lost), labels...)
			metrics <- gauge(c.status, float64(p.Status.Code()), labels...)
			if p.Seconds != nil {
				metrics <- gauge(c.seconds, *p.Seconds, labels...)
			}
		}
	}
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}
