package edge

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// idle opens connections that never send anything, until the end of the test.
// The server may close them at any time.
func (s *service) idle(n int) {
	s.t.Helper()
	for range n {
		c, err := net.Dial("tcp", s.addr)
		require.NoError(s.t, err)
		s.t.Cleanup(func() { _ = c.Close() })
	}
}

func TestIdleConnectionsDelayNoUpload(t *testing.T) {
	s := start(t, "", "ORAK_API_MAX_CONNECTIONS=2100")
	s.idle(2000)
	s.alive()
	s.honest(wav(2 << 20))
	require.Less(t, s.memory(), int64(256<<20))
}

// With fewer descriptors than connections, idle ones are closed, also for the
// API's own connections to the store.
func TestFewDescriptorsAreEnough(t *testing.T) {
	s := start(t, "ulimit -n 64")
	for range 3 {
		s.idle(90)
		s.alive()
		s.honest(wav(2 << 20))
	}
	require.Positive(t, s.metric(`orak_connections_evicted_total{listener="api"}`))
}
