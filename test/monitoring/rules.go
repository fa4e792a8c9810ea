package monitoring

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Rule is a recording rule or an alert.
type Rule struct {
	// File is the name of its file, without a folder.
	File        string `yaml:"-"`
	Record      string
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

// Rules returns the rules of the files in a folder.
func Rules(dir string) ([]Rule, error) {
	var all []Rule
	err := each(dir, func(name string, content []byte) error {
		var file struct {
			Groups []struct {
				Name  string
				Rules []Rule
			}
		}
		if err := yaml.Unmarshal(content, &file); err != nil {
			return err
		}
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				r.File = name
				all = append(all, r)
			}
		}
		return nil
	})
	return all, err
}

// Case is what a promtool test expects of an alert.
type Case struct {
	Name  string
	Fires bool
	// Series are the names of the metrics that have values in it.
	Series []string
}

// Cases returns the cases of the promtool tests in a folder, by alert.
func Cases(dir string) (map[string][]Case, error) {
	found := map[string][]Case{}
	err := each(dir, func(_ string, content []byte) error {
		var file struct {
			Tests []struct {
				Name   string
				Series []struct {
					Series string
				} `yaml:"input_series"`
				Alerts []struct {
					Name     string `yaml:"alertname"`
					Expected []any  `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		if err := yaml.Unmarshal(content, &file); err != nil {
			return err
		}
		for _, test := range file.Tests {
			var series []string
			for _, s := range test.Series {
				name, _, _ := strings.Cut(s.Series, "{")
				series = append(series, name)
			}
			for _, a := range test.Alerts {
				found[a.Name] = append(found[a.Name], Case{Name: test.Name, Fires: len(a.Expected) > 0, Series: series})
			}
		}
		return nil
	})
	return found, err
}

func each(dir string, read func(name string, content []byte) error) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.yml"))
	if err != nil {
		return err
	}
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := read(filepath.Base(path), content); err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
	}
	return nil
}

var documented = regexp.MustCompile("(?m)^\\| `(orak_\\w+)` \\|")

var ofSDK = regexp.MustCompile(`= Temporal\w+ \+ "(\w+)"`)

// known are the metrics that may be asked for.
type known struct {
	// orak are those in docs/metrics.md, temporal those of the Temporal SDK without their
	// unit and suffix, recorded those that rules record.
	orak, temporal, recorded []string
}

// others are the metrics that Prometheus and its Go client export.
var others = []string{"up", "process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds", "go_goroutines"}

// readKnown reads what exists from docs/metrics.md and from the SDK's constants.
func readKnown(reference, constants string, rules []Rule) (known, error) {
	page, err := os.ReadFile(reference)
	if err != nil {
		return known{}, err
	}
	source, err := os.ReadFile(constants)
	if err != nil {
		return known{}, err
	}
	var k known
	for _, m := range documented.FindAllStringSubmatch(string(page), -1) {
		k.orak = append(k.orak, m[1])
	}
	for _, m := range ofSDK.FindAllStringSubmatch(string(source), -1) {
		name := "temporal_" + m[1]
		if m[1] == "_failure" || m[1] == "_latency" || m[1] == "_resource_exhausted" {
			k.temporal = append(k.temporal, "temporal_request"+m[1], "temporal_long_request"+m[1])
			continue
		}
		k.temporal = append(k.temporal, name)
	}
	for _, r := range rules {
		if r.Record != "" {
			k.recorded = append(k.recorded, r.Record)
		}
	}
	return k, nil
}

// has reports whether a metric exists. A histogram has three.
func (k known) has(name string) bool {
	if slices.Contains(k.recorded, name) || slices.Contains(others, name) || slices.Contains(k.orak, name) {
		return true
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && slices.Contains(k.orak, base) {
			return true
		}
	}
	for _, suffix := range []string{"", "_total", "_seconds_bucket", "_seconds_sum", "_seconds_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && slices.Contains(k.temporal, base) {
			return true
		}
	}
	return false
}
