package main

import (
	"fmt"
	"math"
	"os"
	"syscall"
)

// Linux's scheduler gives a nice level 1.25 times the processor time of the next one
// (sched_prio_to_weight), and Docker a container without cpu_shares 1024 of them.
const (
	levelWeight   = 1.25
	defaultShares = 1024
)

// niceness returns the nice level whose weight is nearest to that of cpu_shares; 0 stands
// for no shares.
func niceness(shares int64) int {
	if shares <= 0 {
		return 0
	}
	level := math.Round(-math.Log(float64(shares)/defaultShares) / math.Log(levelWeight))
	return int(min(max(level, -20), 19))
}

// weigh gives a process that was just started, and what it will start, the service's share
// of the processor where there is not enough for all. Only root may raise a share.
func (s *service) weigh(pid int) error {
	level := niceness(s.CPUShares)
	if level == 0 || level < 0 && os.Geteuid() != 0 {
		return nil
	}
	// Of the group, since for a process only its first thread would change.
	if err := syscall.Setpriority(syscall.PRIO_PGRP, pid, level); err != nil {
		return fmt.Errorf("setting the nice level of %s: %w", s.Name, err)
	}
	return nil
}
