package worker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/config"
	"orak/workflows"
)

func TestWorkerHasSlotsOfTheQueuesThatItServes(t *testing.T) {
	t.Parallel()
	cfg := config.MustDefaults[Config]()
	cfg.Queues = []string{workflows.QueueGPU}
	require.Equal(t, map[string]int{workflows.QueueGPU: cfg.GPUSlots}, cfg.slots())

	cfg.Queues, cfg.ConvertSlots = []string{workflows.QueuePipeline, workflows.QueueConvert}, 3
	require.Equal(t, map[string]int{
		workflows.QueuePipeline: cfg.PipelineSlots, workflows.QueueControl: cfg.ControlSlots, workflows.QueueErase: cfg.ControlSlots,
		workflows.QueueConvert: 3,
	}, cfg.slots())
}
