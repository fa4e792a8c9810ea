package monitoring

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	root     = "../.."
	rulesDir = root + "/deploy/prometheus/rules"
	testsDir = root + "/deploy/prometheus/tests"
)

func rules(t *testing.T) []Rule {
	t.Helper()
	all, err := Rules(rulesDir)
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

// promtool returns Prometheus's own tool.
func promtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	require.NoError(t, err, "it is in Debian's package prometheus")
	return path
}

func existing(t *testing.T) known {
	t.Helper()
	sdk, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "go.temporal.io/sdk").Output()
	require.NoError(t, err)
	k, err := readKnown(root+"/docs/metrics.md", filepath.Join(strings.TrimSpace(string(sdk)), "internal/common/metrics/constants.go"), rules(t))
	require.NoError(t, err)
	require.Greater(t, len(k.orak), 100)
	require.Contains(t, k.temporal, "temporal_activity_schedule_to_start_latency")
	require.Contains(t, k.temporal, "temporal_long_request_failure")
	return k
}

func TestRulesAskForMetricsThatExist(t *testing.T) {
	t.Parallel()
	k := existing(t)
	for _, r := range rules(t) {
		metrics := Metrics(r.Expr)
		if !strings.HasPrefix(r.Expr, "vector(") {
			require.NotEmpty(t, metrics, r.Expr)
		}
		for _, name := range metrics {
			require.True(t, k.has(name), "%s%s in %s asks for %s", r.Alert, r.Record, r.File, name)
		}
	}
	require.False(t, k.has("orak_nothing_total"))
	require.False(t, k.has("temporal_nothing_total"))
}

func TestAlertsSayWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, r := range rules(t) {
		if r.Alert == "" {
			// Prometheus's convention for recorded series, or a ratio over everything.
			require.Regexp(t, `^([a-z_]+:)?(orak|temporal)_\w+:\w+$`, r.Record)
			continue
		}
		require.False(t, names[r.Alert], "two alerts %s", r.Alert)
		names[r.Alert] = true
		require.Regexp(t, `^Orak[A-Z]\w+$`, r.Alert)
		require.Contains(t, []string{"critical", "warning", "info"}, r.Labels["severity"], r.Alert)
		require.LessOrEqual(t, len(r.Annotations["summary"]), 80, r.Alert)
		require.NotRegexp(t, `\.$`, r.Annotations["summary"], r.Alert)
		require.Regexp(t, `\.$`, r.Annotations["description"], "%s has whole sentences", r.Alert)
		for _, page := range pagesOf(t, r.Annotations["runbook_url"]) {
			requireHeading(t, page)
		}
	}
	require.Greater(t, len(names), 40)
}

// pagesOf returns the sections that a runbook_url may name: one for each dependency, where
// a label chooses.
func pagesOf(t *testing.T, url string) (pages []string) {
	t.Helper()
	const label = "{{ $labels.dependency }}"
	if !strings.Contains(url, label) {
		return []string{url}
	}
	for _, dependency := range []string{"store", "kafka", "converter", "model-server", "alert-webhook"} {
		pages = append(pages, strings.Replace(url, label, dependency, 1))
	}
	return pages
}

func requireHeading(t *testing.T, page string) {
	t.Helper()
	path, anchor, ok := strings.Cut(page, "#")
	require.True(t, ok && strings.HasPrefix(path, "docs/runbooks/"), page)
	content, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	var anchors []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(content), -1) {
		kept := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(m[1]), "")
		anchors = append(anchors, strings.ReplaceAll(kept, " ", "-"))
	}
	require.Contains(t, anchors, anchor, page)
}

func TestEachAlertFiresInOneTestAndIsQuietInAnother(t *testing.T) {
	t.Parallel()
	cases, err := Cases(testsDir)
	require.NoError(t, err)
	all := rules(t)
	for _, r := range all {
		if r.Alert == "" {
			continue
		}
		fires := slices.ContainsFunc(cases[r.Alert], func(c Case) bool { return c.Fires })
		// It is not quiet for want of data.
		needed := sources(all, r.Expr)
		quiet := slices.ContainsFunc(cases[r.Alert], func(c Case) bool {
			return !c.Fires && slices.ContainsFunc(c.Series, func(s string) bool { return slices.Contains(needed, s) })
		})
		require.True(t, fires, "no promtool test in which %s fires", r.Alert)
		require.True(t, quiet, "no promtool test in which %s is quiet with values of %v", r.Alert, needed)
		delete(cases, r.Alert)
	}
	require.Empty(t, cases, "tests of alerts that do not exist")
}

// sources returns the metrics that an expression needs, through recorded ones.
func sources(all []Rule, expr string) []string {
	var found []string
	for _, name := range Metrics(expr) {
		recorded := false
		for _, r := range all {
			if r.Record == name {
				recorded = true
				found = append(found, sources(all, r.Expr)...)
			}
		}
		if !recorded {
			found = append(found, name)
		}
	}
	return found
}

func TestPromtoolAcceptsRulesAndTheirTestsPass(t *testing.T) {
	t.Parallel()
	tool := promtool(t)
	for _, run := range [][]string{{"check", "rules", rulesDir}, {"test", "rules", testsDir}} {
		files, err := filepath.Glob(run[2] + "/*.yml")
		require.NoError(t, err)
		require.NotEmpty(t, files)
		out, err := exec.CommandContext(t.Context(), tool, append(run[:2:2], files...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
}

func TestMetricsOfAnExpressionAreFound(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string][]string{
		`sum by (le) (rate(a_bucket{x="b_total"}[5m])) / on (slo) (1 - slo:c:ratio) > 1e3`: {"a_bucket", "slo:c:ratio"},
		`label_replace(absent(d), "role", "api", "", "") or e unless f`:                    {"d", "e", "f"},
		`g > 14.4 and h offset 1h`: {"g", "h"},
		`vector(0.999)`:            nil,
	} {
		require.Equal(t, want, Metrics(expr), expr)
	}
}
