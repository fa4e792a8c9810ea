package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// readyTimeout bounds a start with everything that is needed there. It is
	// generous: the machine may be busy.
	readyTimeout = 2 * time.Minute
	// stopTimeout bounds a graceful end. It is longer than the 45 s that orak
	// gives itself.
	stopTimeout = 60 * time.Second
)

// process is one server or one role of orak, under its own name over all its
// lives. Its ports and its folder stay the same.
type process struct {
	name string
	args []string // the program first
	env  []string
	// probe is a URL that answers 200 when it is ready; empty for a server,
	// which prints a line of JSON.
	probe string
	log   string

	// blows come one after the other.
	blows sync.Mutex
	mu    sync.Mutex
	life  *life
	tally
}

// tally is what happened to a process.
type tally struct {
	Killed  int `json:"killed"`
	Stopped int `json:"stopped"`
	// Recoveries are the times from its starts to its readiness.
	Recoveries []time.Duration `json:"recoveries"`
	// Faults are ends that nobody asked for, graceful ends that were none, and
	// starts that came to nothing.
	Faults []string `json:"faults,omitempty"`
}

// life is one run of a process.
type life struct {
	cmd    *exec.Cmd
	began  time.Time
	ready  chan struct{} // closed where the process says so itself
	exited chan struct{}
	err    error
	// ending says that the end is wanted.
	ending bool
	// served says that it was of use.
	served bool
}

// start runs the process; ready tells when it is of use.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	log, err := os.OpenFile(p.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", p.name, err)
	}
	defer log.Close()
	l := &life{cmd: exec.Command(p.args[0], p.args[1:]...), began: time.Now(), ready: make(chan struct{}), exited: make(chan struct{})}
	l.cmd.Env = append(environ(), p.env...)
	l.cmd.Stderr = log
	l.cmd.SysProcAttr = childAttr()
	stdout, err := l.cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", p.name, err)
	}
	if err := l.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	p.life = l
	go p.follow(l, stdout)
	return nil
}

// environ leaves out the settings of the person who runs this.
func environ() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "ORAK_") {
			env = append(env, kv)
		}
	}
	return env
}

// follow reads standard output to its end and notes how the process ended.
func (p *process) follow(l *life, stdout io.Reader) {
	lines, told := bufio.NewScanner(stdout), false
	for lines.Scan() {
		if !told && strings.HasPrefix(lines.Text(), `{"ready":true`) {
			told = true
			close(l.ready)
		}
	}
	err := l.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	l.err = err
	close(l.exited)
	if !l.ending {
		p.Faults = append(p.Faults, fmt.Sprintf("it ended by itself after %s: %v", time.Since(l.began).Round(time.Second), err))
	}
}

// awaitReady returns once the process is of use, and notes how long it took.
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
	p.Recoveries = append(p.Recoveries, time.Since(l.began))
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
		case <-l.exited:
			return errGone
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if p.probe != "" && answers(ctx, p.probe) {
				return nil
			}
		}
	}
}

// answers reports whether a URL gives 200, within a second.
func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// end ends the process and returns once it is gone. One that does not run is
// left as it is.
func (p *process) end(graceful bool) {
	p.mu.Lock()
	l := p.life
	if l == nil || l.ending || closed(l.exited) {
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
	_ = l.cmd.Process.Signal(signal) // it may have ended this very moment
	select {
	case <-l.exited:
		// Who is only starting has nothing to hand back yet.
		if graceful && served && l.err != nil {
			p.fault("a graceful end was none: %v", l.err)
		}
	case <-time.After(stopTimeout):
		p.fault("it did not end within %s of SIGTERM", stopTimeout)
		_ = l.cmd.Process.Kill()
		<-l.exited
	}
}

func (p *process) fault(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Faults = append(p.Faults, fmt.Sprintf(format, args...))
}

// told is a copy of the tally.
func (p *process) told() tally {
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

// logPath is where a process writes.
func logPath(dir, name string) string { return filepath.Join(dir, "logs", name+".log") }
