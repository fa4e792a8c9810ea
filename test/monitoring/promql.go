package monitoring

import (
	"regexp"
	"slices"
	"strings"
)

var (
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)
	// Neither labels nor durations are metrics.
	matchers  = regexp.MustCompile(`\{[^}]*\}`)
	durations = regexp.MustCompile(`\[[^\]]*\]`)
	grouping  = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`)
	word      = regexp.MustCompile(`([a-zA-Z_:][\w:]*)(\s*\()?`)
)

var keywords = []string{"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right", "inf", "nan", "sum", "max", "min", "avg", "count", "topk"}

// Metrics returns the names of the metrics in a PromQL expression, each once. It expects
// an expression that promtool accepts.
func Metrics(expr string) []string {
	expr = quoted.ReplaceAllString(expr, `""`)
	for _, r := range []*regexp.Regexp{matchers, durations, grouping} {
		expr = r.ReplaceAllString(expr, " ")
	}
	var names []string
	for _, m := range word.FindAllStringSubmatchIndex(expr, -1) {
		name := expr[m[2]:m[3]]
		number := m[2] > 0 && strings.ContainsAny(expr[m[2]-1:m[2]], "0123456789.")
		if m[4] < 0 && !number && !slices.Contains(keywords, strings.ToLower(name)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
