package worker_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/worker"
)

// The defaults stand in the tags, for the flags, and in DefaultConfig, for
// programs: they are the same.
func TestTheDefaultsOfTagsAndCodeAgree(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	compare(t, reflect.ValueOf(worker.DefaultConfig()), seen)
	require.True(t, seen["gpu-slots"], "operators type this name")
	require.NoError(t, worker.DefaultConfig().Validate())
}

func compare(t *testing.T, v reflect.Value, seen map[string]bool) {
	t.Helper()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if _, embedded := field.Tag.Lookup("embed"); embedded {
			compare(t, v.Field(i), seen)
			continue
		}
		name, def := field.Tag.Get("name"), field.Tag.Get("default")
		require.NotEmpty(t, name, field.Name)
		require.NotEmpty(t, field.Tag.Get("help"), name)
		require.False(t, seen[name], name)
		seen[name] = true
		switch value := v.Field(i).Interface().(type) {
		case time.Duration:
			want, err := time.ParseDuration(def)
			require.NoError(t, err, name)
			require.Equal(t, want, value, name)
		case []string:
			require.Equal(t, def, strings.Join(value, ","), name)
		default:
			require.Equal(t, def, fmt.Sprint(value), name)
		}
	}
}

func TestConfigRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*worker.Config){
		"worker-queues":         func(c *worker.Config) { c.Queues = []string{"gpu"} },
		"want one at least":     func(c *worker.Config) { c.Queues = nil },
		"gpu-slots":             func(c *worker.Config) { c.GPUSlots = 0 },
		"convert-slots":         func(c *worker.Config) { c.ConvertSlots = -1 },
		"worker-stop-timeout":   func(c *worker.Config) { c.StopTimeout = 0 },
		"alert-group-wait":      func(c *worker.Config) { c.AlertGroupWait = 0 },
		"alert-repeat-interval": func(c *worker.Config) { c.AlertRepeatInterval = time.Minute },
		"retry-attempts":        func(c *worker.Config) { c.Budget.Attempts = 0 },
		"park-for":              func(c *worker.Config) { c.Settings.ParkFor = 0 },
		"stage-limit":           func(c *worker.Config) { c.Settings.StageLimit = time.Minute },
	} {
		c := worker.DefaultConfig()
		change(&c)
		require.ErrorContains(t, c.Validate(), name)
	}
}
