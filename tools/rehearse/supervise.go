package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// Docker's delays between restarts: doubled each time, and begun anew after a run of
// steadyAfter.
const (
	firstDelay  = 100 * time.Millisecond
	longestWait = time.Minute
	steadyAfter = 10 * time.Second
)

// probeEvery is the interval of health checks until one passes. Docker asks less
// often; nobody wants to wait for that here.
const probeEvery = 200 * time.Millisecond

// spawner starts processes from one thread that lives as long as this process: Linux
// delivers a process's "parent death" signal when the thread ends that started it.
type spawner chan func()

func newSpawner() spawner {
	s := make(spawner)
	go s.run()
	return s
}

func (s spawner) run() {
	runtime.LockOSThread()
	for start := range s {
		start()
	}
}

// start starts a process in a network namespace; an empty one is that of this process.
func (s spawner) start(cmd *exec.Cmd, namespace string) error {
	started := make(chan error)
	s <- func() { started <- within(namespace, cmd.Start) }
	return <-started
}

// supervisor runs one service.
type supervisor struct {
	*service
	log     *logFile
	board   *board
	spawner spawner
	// dependents, direct or not, are stopped before this service is.
	dependents []string
}

// run starts the service when what it depends on is ready, restarts it by its policy,
// and stops it when ctx ends and its dependents have stopped. It returns an error if the
// service cannot be started at all.
func (s *supervisor) run(ctx context.Context) error {
	defer s.board.update(s.Name, func(st *Status) { st.State, st.PID = stateExited, 0 })
	if err := s.awaitDependencies(ctx); err != nil {
		return s.unlessStopped(ctx, err)
	}
	s.board.update(s.Name, func(st *Status) { st.State = stateStarting })
	if err := s.makeFolders(); err != nil {
		return err
	}
	if s.prepare != nil {
		if err := s.prepare(ctx); err != nil {
			return s.unlessStopped(ctx, fmt.Errorf("preparing %s: %w", s.Name, err))
		}
	}
	// A missing program is no reason to try again.
	if _, err := s.command(ctx, s.argv); err != nil {
		return err
	}
	delay := firstDelay
	for restarts := 0; ; restarts++ {
		held, err := s.awaitRelease(ctx)
		if err != nil {
			return s.unlessStopped(ctx, err)
		}
		if held {
			delay = firstDelay
		}
		began := time.Now()
		err = s.runOnce(ctx, restarts)
		if ctx.Err() != nil || errors.Is(err, errNoStart) || !s.restarts(err != nil, restarts) {
			return s.ended(ctx, err)
		}
		if time.Since(began) > steadyAfter {
			delay = firstDelay
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil
		}
		delay = min(2*delay, longestWait)
	}
}

// awaitRelease returns once nothing holds the service, and reports whether anything did.
func (s *supervisor) awaitRelease(ctx context.Context) (held bool, err error) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		if _, err := os.Stat(s.hold()); errors.Is(err, fs.ErrNotExist) {
			return held, nil
		} else if err != nil {
			return held, fmt.Errorf("looking for what holds %s: %w", s.Name, err)
		}
		if !held {
			held = true
			s.board.update(s.Name, func(st *Status) { st.State = stateHeld })
		}
		select {
		case <-ctx.Done():
			return held, ctx.Err()
		case <-tick.C:
		}
	}
}

// unlessStopped drops the error of a start that the stop cut off.
func (s *supervisor) unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// ended is the result of a service that is not restarted.
func (s *supervisor) ended(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("%s ended: %w\n%s", s.Name, err, s.log.tail())
}

func (s *supervisor) awaitDependencies(ctx context.Context) error {
	return s.board.await(ctx, func(services map[string]Status) (bool, error) {
		for name, dependency := range s.DependsOn {
			on := services[name]
			switch dependency.Condition {
			case types.ServiceConditionStarted:
				if on.PID == 0 {
					return false, nil
				}
			case types.ServiceConditionHealthy, types.ServiceConditionCompletedSuccessfully:
				if !on.Healthy {
					return false, nil
				}
			default:
				return false, fmt.Errorf("the condition %s is not known", dependency.Condition)
			}
		}
		return true, nil
	})
}

// errNoStart is the error of a program that cannot be run at all.
var errNoStart = errors.New("starting")

// runOnce runs the service's process until it ends by itself, or is stopped after ctx
// has ended. It returns how the process ended.
func (s *supervisor) runOnce(ctx context.Context, restarts int) error {
	if err := errors.Join(s.emptyTmpfs(), s.makeFolders()); err != nil {
		return err
	}
	if s.tidy != nil {
		if err := s.tidy(ctx); err != nil {
			return err
		}
	}
	cmd, err := s.command(context.Background(), s.argv)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.WaitDelay = 5 * time.Second // for a grandchild that keeps the log open
	if err := s.spawner.start(cmd, s.namespace); err != nil {
		return fmt.Errorf("%w %s: %w", errNoStart, filepath.Base(cmd.Path), err)
	}
	if err := s.weigh(cmd.Process.Pid); err != nil && !errors.Is(err, syscall.ESRCH) { // it has ended
		fmt.Fprintln(s.log, "rehearse:", err)
	}
	s.board.update(s.Name, func(st *Status) {
		st.State, st.PID, st.Restarts = stateStarting, cmd.Process.Pid, restarts
	})
	watching, done := context.WithCancel(ctx)
	go s.watch(watching)

	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	select {
	case err = <-exited:
	case <-ctx.Done():
		err = s.terminate(cmd, exited)
	}
	done()
	// The rest of the container: what the main process has started.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // nothing may be left
	s.board.update(s.Name, func(st *Status) {
		st.State, st.PID, st.Exit = stateExited, 0, cmd.ProcessState.String()
		st.Healthy = s.job() && err == nil
	})
	return err
}

// terminate waits for the dependents' end, asks the process to end, and kills it after
// the grace period.
func (s *supervisor) terminate(cmd *exec.Cmd, exited <-chan error) error {
	// Bounded by the dependents' own grace periods.
	_ = s.board.await(context.Background(), func(services map[string]Status) (bool, error) {
		for _, name := range s.dependents {
			if services[name].State != stateExited {
				return false, nil
			}
		}
		return true, nil
	})
	_ = cmd.Process.Signal(s.stop) // it may have ended
	select {
	case err := <-exited:
		return err
	case <-time.After(s.grace()):
		_ = cmd.Process.Kill()
		return errors.Join(fmt.Errorf("killed after %s", s.grace()), <-exited)
	}
}

// watch keeps the service's health until ctx ends.
func (s *supervisor) watch(ctx context.Context) {
	if s.probe == nil {
		if !s.job() {
			s.setHealth(ctx, true)
		}
		return
	}
	interval, timeout, retries := s.intervals()
	failures := 0
	healthy := false
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, timeout)
		err := s.probe(attempt)
		cancel()
		if err == nil {
			failures = 0
		} else {
			failures++
		}
		switch {
		case err == nil && !healthy:
			healthy = true
			s.setHealth(ctx, true)
		case healthy && failures >= retries:
			healthy = false
			s.setHealth(ctx, false)
		}
		pause := interval
		if !healthy {
			pause = probeEvery
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// setHealth records the health of a process that still runs.
func (s *supervisor) setHealth(ctx context.Context, healthy bool) {
	s.board.update(s.Name, func(st *Status) {
		if ctx.Err() != nil || st.PID == 0 {
			return
		}
		st.State, st.Healthy = stateRunning, healthy
	})
}

// intervals are those of the health check, with Docker's defaults.
func (s *supervisor) intervals() (interval, timeout time.Duration, retries int) {
	interval, timeout, retries = 30*time.Second, 30*time.Second, 3
	if s.HealthCheck == nil {
		return
	}
	if s.HealthCheck.Interval != nil {
		interval = time.Duration(*s.HealthCheck.Interval)
	}
	if s.HealthCheck.Timeout != nil {
		timeout = time.Duration(*s.HealthCheck.Timeout)
	}
	if s.HealthCheck.Retries != nil {
		retries = int(*s.HealthCheck.Retries)
	}
	return
}

// up reports whether everything runs and is healthy, and names what is not.
func up(services map[string]Status) (missing []string) {
	for name, st := range services {
		if !st.Healthy && st.State != stateLeftOut {
			missing = append(missing, strings.TrimSpace(fmt.Sprintf("%s: %s %s", name, st.State, st.Exit)))
		}
	}
	return missing
}
