package activities

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEndedAttemptsCorrectOnlyWhatTheServerMissed(t *testing.T) {
	t.Parallel()
	var m endedAttempts
	s := step{"run", "5"}
	running := Heartbeat{}.begin(noon)
	require.Equal(t, running, m.latest(s, running), "it is unknown")
	m.keep(s, running.refund())
	require.Equal(t, running.refund(), m.latest(s, running))
	require.Equal(t, running, m.latest(step{"run", "6"}, running), "another step")
	require.Equal(t, running, m.latest(step{"other", "5"}, running), "another run")

	later := running.refund().begin(noon.Add(time.Minute))
	require.Equal(t, later, m.latest(s, later), "a later attempt crashed in another process")
	heard := running
	heard.Open, heard.Waits = false, 3
	require.Equal(t, heard, m.latest(s, heard), "the server knows how it ended")
	m.keep(s, later.refund())
	require.Equal(t, later.refund(), m.latest(s, later), "the last one counts")
}

func TestEndedAttemptsForgetTheOldest(t *testing.T) {
	t.Parallel()
	var m endedAttempts
	h := Heartbeat{}.begin(noon)
	for i := range maxEnded + 10 {
		m.keep(step{"run", strconv.Itoa(i)}, h.refund())
	}
	require.Len(t, m.left, maxEnded)
	require.Equal(t, h, m.latest(step{"run", "9"}, h))
	require.Equal(t, h.refund(), m.latest(step{"run", "10"}, h))
}
