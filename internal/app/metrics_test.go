package app

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"orak/test/stack"
)

var update = flag.Bool("update", false, "write docs/metrics.md anew")

// metric is a registered metric of orak.
type metric struct {
	name, help string
	labels     []string
}

var described = regexp.MustCompile(`^Desc{fqName: "(\w+)", help: "(.*)", unit: "\w*", constLabels: {(.*)}, variableLabels: {(.*)}}$`)

// registered returns the metrics of orak in a registry, whether they have values or not.
func registered(t *testing.T, registry prometheus.Collector) map[string]metric {
	t.Helper()
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		registry.Describe(descs)
	}()
	found := map[string]metric{}
	for d := range descs {
		parts := described.FindStringSubmatch(d.String())
		require.NotNil(t, parts, d.String())
		if !strings.HasPrefix(parts[1], "orak_") {
			continue
		}
		m := metric{name: parts[1], help: strings.ReplaceAll(parts[2], `\"`, `"`)}
		for _, label := range strings.FieldsFunc(parts[3]+","+parts[4], func(r rune) bool { return r == ',' }) {
			name, _, _ := strings.Cut(label, "=")
			m.labels = append(m.labels, strings.TrimSpace(name))
		}
		slices.Sort(m.labels)
		m.labels = slices.Compact(m.labels)
		if known, ok := found[m.name]; ok {
			require.Equal(t, known.labels, m.labels, m.name)
		}
		found[m.name] = m
	}
	return found
}

// reference is docs/metrics.md.
func reference(metrics map[string]metric) string {
	var out strings.Builder
	out.WriteString("# Metrics\n\nThe metrics of orak, by role as far as their names say it, with the labels that they have. Those of the libraries that it\n" +
		"uses begin with `temporal_` (the Temporal SDK), `go_` and `process_`. [Monitoring](monitoring.md) says what to look at.\n\n| metric | labels | |\n|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		m := metrics[name]
		labels := make([]string, len(m.labels))
		for i, l := range m.labels {
			labels[i] = "`" + l + "`"
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s |\n", m.name, strings.Join(labels, ", "), strings.ReplaceAll(m.help, "|", `\|`))
	}
	return out.String()
}

// bounded are labels that look like ids and have few values.
var bounded = []string{"client_id", "node_id"}

// ofAnother are metrics whose names a library chooses.
var ofAnother = []string{"orak_kafka_buffered_fetch_records_total", "orak_kafka_buffered_produce_records_total"}

func TestMetricsFollowConventionsAndAreDocumented(t *testing.T) {
	servers := stack.Start(t)
	cfg := bridgeSettings(t, servers, "--api-addr=127.0.0.1:0", "--auth=required", "--scratch-dir="+t.TempDir(), "--s3-bucket="+servers.Bucket(t),
		"--instance-id=metrics", "--jwt-issuer=https://issuer.invalid", "--jwt-audience=orak", "--jwt-jwks-url=https://issuer.invalid/keys", "--index-dir="+t.TempDir(), "--schema-registry-url=http://127.0.0.1:1", "--kafka-standby-brokers=127.0.0.1:1")
	a := startProcess(t, cfg, All())
	metrics := registered(t, a.metrics.Registry())
	require.Greater(t, len(metrics), 100)

	families, err := a.metrics.Registry().Gather()
	require.NoError(t, err)
	kinds := map[string]dto.MetricType{}
	for _, f := range families {
		kinds[f.GetName()] = f.GetType()
	}
	for name, m := range metrics {
		require.Regexp(t, `^orak(_[a-z0-9]+)+$`, name)
		require.NotEmpty(t, m.help, name)
		for _, label := range m.labels {
			require.Regexp(t, `^[a-z]+(_[a-z]+)*$`, label, name)
			if !slices.Contains(bounded, label) {
				// Each value of a label is a series that Prometheus keeps.
				require.NotRegexp(t, `(^|_)(id|key|name|tenant|upload|workflow|run|trace|path|url)$`, label, "%s has a label without a bound", name)
			}
		}
		if slices.Contains(ofAnother, name) {
			continue
		}
		kind, ok := kinds[name]
		if !ok { // without a value yet
			kind = dto.MetricType_GAUGE
			if strings.HasSuffix(name, "_total") {
				kind = dto.MetricType_COUNTER
			}
		}
		family := &dto.MetricFamily{Name: &name, Help: &m.help, Type: &kind}
		problems, err := promlint.NewWithMetricFamilies([]*dto.MetricFamily{family}).Lint()
		require.NoError(t, err)
		require.Empty(t, problems, name)
	}

	const page = "../../docs/metrics.md"
	want := reference(metrics)
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644))
	}
	got, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "go test ./internal/app -run Documented -update")
}
