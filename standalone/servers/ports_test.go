package servers

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFreePortsAreEachOnceAndNotOfOutgoingConnections(t *testing.T) {
	t.Parallel()
	numbers := make([]int, 8)
	ports := make([]Port, len(numbers))
	for i := range numbers {
		ports[i] = Port{Name: "a server", Flag: "port", Number: &numbers[i]}
	}
	require.NoError(t, ClaimPorts(ports))
	seen := map[int]bool{}
	for _, n := range numbers {
		require.False(t, seen[n], "%d twice", n)
		seen[n] = true
		require.GreaterOrEqual(t, n, 10_000)
		require.Less(t, n, 32_000)
	}
}

func TestFreePortIsClaimedOnce(t *testing.T) {
	t.Parallel()
	var first, second int
	require.NoError(t, ClaimPorts([]Port{{Number: &first}}))
	require.NoError(t, ClaimPorts([]Port{{Number: &second}}))
	require.NotEqual(t, first, second)
}
