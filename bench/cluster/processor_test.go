package main

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProcessorTimeIncludesChildrenThatHaveEnded(t *testing.T) {
	t.Parallel()
	self := map[string]int{"self": os.Getpid()}
	before, err := processorTimes(self)
	require.NoError(t, err)
	require.NoError(t, exec.Command("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done").Run())
	after, err := processorTimes(self)
	require.NoError(t, err)
	require.Greater(t, after["self"].minus(before["self"]).Children, time.Duration(0))
}

func TestProcessorTimeOfAMissingProcessIsAnError(t *testing.T) {
	t.Parallel()
	_, err := processorTimes(map[string]int{"gone": 1 << 30})
	require.ErrorContains(t, err, "gone")
}

func TestPerWorkflowNamesConversionsAndGroupsServers(t *testing.T) {
	t.Parallel()
	before := map[string]processorTime{"worker": {Own: time.Second}, "kafka-1": {}, "kafka-2": {}}
	after := map[string]processorTime{"worker": {Own: 2 * time.Second, Children: 4 * time.Second}, "kafka-1": {Own: time.Second}, "kafka-2": {Own: time.Second}}
	require.Equal(t, map[string]float64{"worker": 100, "ffmpeg": 400, "kafka": 200}, perWorkflow(before, after, 10))
}
