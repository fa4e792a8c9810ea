package lake

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	files, rows, bytes *prometheus.CounterVec
	taken, buried      prometheus.Counter
	skipped            prometheus.Counter
}

// newMetrics registers with reg, unless it is nil. What the consumer measures of the
// lake is not here.
func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	table := []string{"table"}
	return &metrics{
		files:   f.NewCounterVec(prometheus.CounterOpts{Name: "orak_lake_files_total", Help: "Files put into the lake, by table; compacted ones are not counted."}, table),
		rows:    f.NewCounterVec(prometheus.CounterOpts{Name: "orak_lake_rows_total", Help: "Rows put into the lake, by table; each counts once, whatever is redelivered."}, table),
		bytes:   f.NewCounterVec(prometheus.CounterOpts{Name: "orak_lake_written_bytes_total", Help: "Bytes of the files put into the lake, by table."}, table),
		taken:   f.NewCounter(prometheus.CounterOpts{Name: "orak_lake_taken_names_total", Help: "Files that were in the lake already when they were put, since their records were redelivered."}),
		buried:  f.NewCounter(prometheus.CounterOpts{Name: "orak_lake_buried_records_total", Help: "Records that could not be read and are on the dead-letter topic."}),
		skipped: f.NewCounter(prometheus.CounterOpts{Name: "orak_lake_skipped_records_total", Help: "Records of types that this version does not know."}),
	}
}

func (m *metrics) wrote(t Table, rows, bytes int) {
	m.files.WithLabelValues(string(t)).Inc()
	m.rows.WithLabelValues(string(t)).Add(float64(rows))
	m.bytes.WithLabelValues(string(t)).Add(float64(bytes))
}
