package app

import (
	"errors"
	"log/slog"
	"math"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare is how much of the container's memory the Go runtime may take;
// the rest is for what it does not count, and for children.
const memoryShare = 0.85

// LimitMemory has the garbage collector keep this process below its container's
// limit, unless the variable GOMEMLIMIT sets another one. Without a limit
// nothing changes.
func LimitMemory(log *slog.Logger) {
	_, err := memlimit.Set(memlimit.WithRatio(memoryShare))
	none := errors.Is(err, memlimit.ErrNoLimit) || errors.Is(err, memlimit.ErrNoCgroup) || errors.Is(err, memlimit.ErrCgroupsNotSupported)
	if err != nil && !none {
		log.Warn("the container's memory limit cannot be read; set GOMEMLIMIT", slog.Any("error", err))
	}
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		log.Info("memory is limited", slog.Int64("limit_bytes", limit))
	}
}
