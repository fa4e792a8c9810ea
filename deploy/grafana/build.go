package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// page is a dashboard.
type page struct {
	// uid is its address in Grafana and the name of its file; it never changes.
	uid, title, about string
	rows              []row
}

type row struct {
	title  string
	panels []panel
}

// panel shows what queries return, over time or, with now, their present values.
type panel struct {
	title, about string
	// unit is one of Grafana's.
	unit string
	now  bool
	// exemplars shows the traces behind a histogram.
	exemplars bool
	queries   []query
}

// query is PromQL; legend names its series by their labels.
type query struct{ expr, legend string }

// The units of panels.
const (
	perSecond = "cps"
	seconds   = "s"
	bytes     = "bytes"
	share     = "percentunit"
	number    = "short"
)

// Grafana's grid has 24 columns.
const (
	width     = 8
	height    = 8
	nowHeight = 4
)

// source lets the reader choose the Prometheus.
var source = common.DataSourceRef{Type: ptr("prometheus"), Uid: ptr("${datasource}")}

func ptr(s string) *string { return &s }

// build makes the classic form of a dashboard, which every Grafana imports. Its successor
// in the SDK, dashboardv2, needs Grafana 12.
func (p page) build() (dashboard.Dashboard, error) {
	b := dashboard.NewDashboardBuilder(p.title).
		Uid(p.uid).
		Description(p.about).
		Tags([]string{"orak"}).
		Readonly().
		Refresh("1m").
		Time("now-6h", "now").
		Timezone(common.TimeZoneBrowser).
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Prometheus").Type("prometheus"))
	var id uint32
	next := func() uint32 { id++; return id }
	for _, r := range p.rows {
		b.WithRow(dashboard.NewRowBuilder(r.title).Id(next()))
		for _, shown := range r.panels {
			if shown.now {
				b.WithPanel(shown.present().Id(next()))
			} else {
				b.WithPanel(shown.overTime().Id(next()))
			}
		}
	}
	return b.Build()
}

func (p panel) overTime() *timeseries.PanelBuilder {
	b := timeseries.NewPanelBuilder().
		Title(p.title).Description(p.about).Unit(p.unit).
		Datasource(source).Span(width).Height(height).
		FillOpacity(8).ShowPoints(common.VisibilityModeNever)
	if p.unit != share { // a budget may be overspent
		b.Min(0)
	}
	for i, q := range p.queries {
		b.WithTarget(q.target(i).Range().Exemplar(p.exemplars))
	}
	return b
}

func (p panel) present() *stat.PanelBuilder {
	b := stat.NewPanelBuilder().
		Title(p.title).Description(p.about).Unit(p.unit).
		Datasource(source).Span(width).Height(nowHeight).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
	for i, q := range p.queries {
		b.WithTarget(q.target(i).Instant())
	}
	return b
}

// target is the nth query of its panel.
func (q query) target(n int) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().RefId(string(rune('A' + n))).Datasource(source).Expr(q.expr).LegendFormat(q.legend)
}
