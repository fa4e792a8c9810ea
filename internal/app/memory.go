package app

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare is the share of the container's memory that the Go runtime may
// take. The rest is for child processes and for memory that it does not count.
const memoryShare = 0.85

// LimitMemory sets the Go runtime's memory limit below that of the container.
// The variable GOMEMLIMIT overrides it. Without a container limit it changes
// nothing.
func LimitMemory(log *slog.Logger) {
	_, err := memlimit.Set(memlimit.WithRatio(memoryShare))
	none := errors.Is(err, memlimit.ErrNoLimit) || errors.Is(err, memlimit.ErrNoCgroup) || errors.Is(err, memlimit.ErrCgroupsNotSupported)
	if err != nil && !none {
		log.WarnContext(context.Background(), "container's memory limit cannot be read; set GOMEMLIMIT", "error", err)
	}
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		log.InfoContext(context.Background(), "memory is limited", "limit_bytes", limit)
	}
}
