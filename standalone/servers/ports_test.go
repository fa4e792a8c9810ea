package servers

import (
	"net"
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
		require.GreaterOrEqual(t, n, firstFree)
		require.Less(t, n, firstFree+freePorts)
	}
}

func TestATakenPortIsPassedOver(t *testing.T) {
	t.Parallel()
	first, err := listen(0)
	require.NoError(t, err)
	defer first.Close()
	second, err := listen(0)
	require.NoError(t, err)
	defer second.Close()
	require.NotEqual(t, first.Addr().(*net.TCPAddr).Port, second.Addr().(*net.TCPAddr).Port)
}
