package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// processorTime is what a process has used since its start, user and system time
// together. Children are all below it: those that run, and those that have ended.
type processorTime struct {
	Own      time.Duration
	Children time.Duration
}

func (t processorTime) minus(o processorTime) processorTime {
	return processorTime{t.Own - o.Own, t.Children - o.Children}
}

// clockTick is the unit of times in proc_pid_stat(5): 100 a second on every platform
// of Go.
const clockTick = 10 * time.Millisecond

// processorTimes returns the time of each process of pids, by its name.
func processorTimes(pids map[string]int) (map[string]processorTime, error) {
	stats, err := readStats()
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for pid, s := range stats {
		children[s.PPID] = append(children[s.PPID], pid)
	}
	own := func(pid int) time.Duration { return time.Duration(stats[pid].UTime+stats[pid].STime) * clockTick }
	var below func(pid int) time.Duration
	below = func(pid int) time.Duration {
		sum := time.Duration(stats[pid].CUTime+stats[pid].CSTime) * clockTick
		for _, child := range children[pid] {
			sum += own(child) + below(child)
		}
		return sum
	}
	times := make(map[string]processorTime, len(pids))
	for name, pid := range pids {
		if _, runs := stats[pid]; !runs {
			return nil, fmt.Errorf("process %d, %s, does not run", pid, name)
		}
		times[name] = processorTime{own(pid), below(pid)}
	}
	return times, nil
}

// readStats reads the state of all processes, by their id.
func readStats() (map[int]procfs.ProcStat, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return nil, fmt.Errorf("listing the processes: %w", err)
	}
	stats := make(map[int]procfs.ProcStat, len(all))
	for _, p := range all {
		s, err := p.Stat()
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has ended since
		}
		if err != nil {
			return nil, fmt.Errorf("reading the state of process %d: %w", p.PID, err)
		}
		stats[p.PID] = s
	}
	return stats, nil
}
