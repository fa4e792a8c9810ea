package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSharesBecomeTheNearestNiceLevel(t *testing.T) {
	t.Parallel()
	for shares, level := range map[int64]int{0: 0, 1024: 0, 256: 6, 4096: -6, 2: 19, 1 << 18: -20} {
		require.Equal(t, level, niceness(shares), "%d shares", shares)
	}
}

func TestServiceAndItsChildrenHaveItsShare(t *testing.T) {
	t.Parallel()
	at := places{data: t.TempDir()}
	shares := map[string]int64{"worker": 256}
	if os.Geteuid() == 0 {
		shares["temporal"] = 4096
	}
	for name, n := range shares {
		s := shell(at, name, "while true; do sleep 1; done", "no", nil)
		s.CPUShares = n
		r, _ := serve(t, at, s)
		running := await(t, r, name, func(s Status) bool { return s.Healthy })
		level, err := levelOf(running.PID)
		require.NoError(t, err)
		require.Equal(t, niceness(n), level)
		require.Eventually(t, func() bool {
			children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", running.PID))
			if err != nil {
				return false
			}
			child, err := strconv.Atoi(strings.TrimSpace(string(children)))
			if err != nil {
				return false // none just now
			}
			level, err := levelOf(child)
			return err == nil && level == niceness(n)
		}, 10*time.Second, 50*time.Millisecond)
	}
}

// levelOf returns the nice level of a process, the nineteenth field of its stat (proc(5)).
func levelOf(pid int) (int, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, fields, _ := strings.Cut(string(stat), ") ")
	return strconv.Atoi(strings.Fields(fields)[16])
}
