package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"orak/test/stack"
)

const (
	// readyTimeout bounds a start while all dependencies are up. It is
	// generous: the machine may be busy.
	readyTimeout = 2 * time.Minute
	// stopTimeout bounds a graceful end. It is longer than the 45 s that orak
	// gives itself.
	stopTimeout = 60 * time.Second
)

// process is one server or one role of orak, with its name, ports and folder
// over all its lives.
type process struct {
	name string
	args []string // the program first
	env  []string
	// probe is a URL that answers 200 when it is ready; empty for a server,
	// which prints a line of JSON.
	probe string
	log   string

	// blows serializes the blows on this process.
	blows sync.Mutex
	mu    sync.Mutex
	life  *life
	tally
}

// tally is what happened to a process.
type tally struct {
	Killed  int `json:"killed"`
	Stopped int `json:"stopped"`
	// Recoveries are the times from each start until it was ready.
	Recoveries []time.Duration `json:"recoveries"`
	// Faults are unwanted ends, graceful ends that failed, and failed starts.
	Faults []string `json:"faults,omitempty"`
}

// life is one run of a process.
type life struct {
	*stack.Child
	ready chan struct{} // closed by a process that reports it on standard output
	// ending says that the end is wanted.
	ending bool
	// served says that it became ready.
	served bool
}

// start runs the process; awaitReady waits until it is ready.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	log, err := os.OpenFile(p.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", p.name, err)
	}
	defer log.Close()
	cmd := exec.Command(p.args[0], p.args[1:]...)
	cmd.Env, cmd.Stderr, cmd.SysProcAttr = stack.Environ(p.env...), log, childAttr()
	l := &life{ready: make(chan struct{})}
	l.Child, err = stack.Run(cmd, func(line string) bool {
		if strings.HasPrefix(line, `{"ready":true`) {
			close(l.ready)
		}
		return true
	})
	if err != nil {
		return err
	}
	p.life = l
	go p.watch(l)
	return nil
}

// watch notes an end that is not wanted.
func (p *process) watch(l *life) {
	<-l.Exited()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !l.ending {
		p.Faults = append(p.Faults, fmt.Sprintf("it ended by itself after %s: %v", time.Since(l.Began).Round(time.Second), l.Err()))
	}
}

// awaitReady returns once the process is ready, and notes how long it took.
func (p *process) awaitReady(ctx context.Context) error {
	p.mu.Lock()
	l := p.life
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := p.until(ctx, l); err != nil {
		return fmt.Errorf("waiting for %s (its log is %s): %w", p.name, p.log, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l.served = true
	p.Recoveries = append(p.Recoveries, time.Since(l.Began))
	return nil
}

var errGone = errors.New("it has ended")

func (p *process) until(ctx context.Context, l *life) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-l.ready:
			return nil
		case <-l.Exited():
			return errGone
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if p.probe != "" && stack.Status(p.probe) == http.StatusOK {
				return nil
			}
		}
	}
}

// end ends the process and returns once it is gone. It does nothing to a process
// that does not run.
func (p *process) end(graceful bool) {
	p.mu.Lock()
	l := p.life
	if l == nil || l.ending || closed(l.Exited()) {
		p.mu.Unlock()
		return
	}
	l.ending = true
	served := l.served
	signal := syscall.SIGKILL
	if graceful {
		signal = syscall.SIGTERM
		p.Stopped++
	} else {
		p.Killed++
	}
	p.mu.Unlock()
	err := l.End(signal, stopTimeout)
	switch {
	case errors.Is(err, stack.ErrLate):
		p.fault("it did not end within %s of SIGTERM", stopTimeout)
	case graceful && served && err != nil:
		// A process that is only starting has nothing to hand back yet.
		p.fault("it did not end well: %v", err)
	}
}

func (p *process) fault(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Faults = append(p.Faults, fmt.Sprintf(format, args...))
}

// snapshot returns a copy of the tally.
func (p *process) snapshot() tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tally
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// logPath is the path of a process's log.
func logPath(dir, name string) string { return filepath.Join(dir, "logs", name+".log") }
