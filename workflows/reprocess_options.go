package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"orak"
)

// The bounds of OptionTimeout and OptionMaxDuration.
const (
	minOption = time.Second
	maxOption = 24 * time.Hour
)

// options are the decoded Reprocess.Options. A zero value changes nothing.
type options struct {
	timeout     time.Duration
	maxDuration time.Duration
	engine      string
}

// limits are those of the conversion.
func (o options) limits() orak.Limits {
	return orak.Limits{Timeout: o.timeout, MaxDuration: o.maxDuration}
}

// parseOptions decodes the options of a run that begins with from. It refuses an
// option that no step of that run uses.
func parseOptions(values map[string]string, from orak.Stage) (o options, err error) {
	for _, name := range workflow.DeterministicKeys(values) {
		last, value := orak.StageAnalyze, values[name]
		switch name {
		case OptionTimeout:
			o.timeout, err = parseDuration(value)
		case OptionMaxDuration:
			last = orak.StageConvert
			o.maxDuration, err = parseDuration(value)
		case OptionEngine:
			o.engine, err = parseEngine(value)
		default:
			return options{}, fmt.Errorf("options: unknown option %.40q, want %s, %s or %s", name, OptionTimeout, OptionMaxDuration, OptionEngine)
		}
		if err != nil {
			return options{}, fmt.Errorf("options: %s: %w", name, err)
		}
		if slices.Index(orak.Stages(), from) > slices.Index(orak.Stages(), last) {
			return options{}, fmt.Errorf("options: %s is for %s, and this run begins after it, with %s", name, last, from)
		}
	}
	return o, nil
}

func parseDuration(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < minOption || d > maxOption {
		return 0, fmt.Errorf("want a duration from 1s to 24h, such as 90m, not %.40q", value)
	}
	return d, nil
}

func parseEngine(value string) (string, error) {
	if !slices.Contains(orak.Engines(), value) {
		return "", fmt.Errorf("unknown engine %.40q, want one of %s", value, strings.Join(orak.Engines(), ", "))
	}
	return value, nil
}
