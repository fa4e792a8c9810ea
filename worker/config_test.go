package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/internal/config"
	"orak/worker"
)

func TestConfigDefaultsAreValid(t *testing.T) {
	t.Parallel()
	require.NoError(t, config.Defaults(&worker.Config{}))
}

func TestConfigValidateRefusesInvalidSettings(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*worker.Config){
		"worker-queues":         func(c *worker.Config) { c.Queues = []string{"gpu"} },
		"want at least one":     func(c *worker.Config) { c.Queues = nil },
		"gpu-slots":             func(c *worker.Config) { c.GPUSlots = 0 },
		"convert-slots":         func(c *worker.Config) { c.ConvertSlots = -1 },
		"worker-stop-timeout":   func(c *worker.Config) { c.StopTimeout = 0 },
		"alert-group-wait":      func(c *worker.Config) { c.AlertGroupWait = 0 },
		"alert-repeat-interval": func(c *worker.Config) { c.AlertRepeatInterval = time.Minute },
		"retry-attempts":        func(c *worker.Config) { c.Budget.Attempts = 0 },
		"park-for":              func(c *worker.Config) { c.Settings.ParkFor = 0 },
		"stage-limit":           func(c *worker.Config) { c.Settings.StageLimit = time.Minute },
	} {
		c := config.MustDefaults[worker.Config]()
		change(&c)
		require.ErrorContains(t, c.Validate(), name)
	}
}
