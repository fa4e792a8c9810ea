package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Bounds of the start, and of a graceful stop: first the service, then the
// servers.
const (
	startTimeout       = 60 * time.Second
	stopTimeout        = 20 * time.Second
	stopServersTimeout = 10 * time.Second
)

// lifetime has the flags for a command's end and for its readiness.
type lifetime struct {
	JSON          bool  `env:"-" help:"Say where everything is as one line of JSON, for programs, once it is up."`
	ExitWithStdin bool  `env:"-" help:"End when standard input is closed, so that a parent which dies takes this process with it."`
	ExitWith      []int `env:"-" help:"End when one of these processes has ended." placeholder:"PID"`
}

// watch returns a channel that is closed when the process should end: at the first
// SIGINT or SIGTERM, at the end of standard input, or with another process. A
// later signal ends the process at once.
func (l lifetime) watch() <-chan struct{} {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	orphaned := make(chan struct{}, 2)
	if l.ExitWithStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			orphaned <- struct{}{}
		}()
	}
	if len(l.ExitWith) > 0 {
		go func() {
			awaitEndOf(l.ExitWith)
			orphaned <- struct{}{}
		}()
	}
	ending := make(chan struct{})
	go func() {
		select {
		case <-signals:
		case <-orphaned:
		}
		close(ending)
		<-signals
		fatal("ended at once by a second signal")
	}()
	return ending
}

// awaitEndOf returns once one of the processes has ended.
func awaitEndOf(pids []int) {
	for range time.Tick(500 * time.Millisecond) {
		for _, pid := range pids {
			if !running(pid) {
				return
			}
		}
	}
}

// running checks with signal 0, which is not delivered.
func running(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// fatal ends the process at once.
func fatal(msg string) {
	fmt.Fprintln(os.Stderr, "orak-standalone:", msg)
	os.Exit(1)
}
