package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
)

// Rehearsal is the content of rehearsal.json. The file is replaced as a whole at each
// change.
type Rehearsal struct {
	// Services has an entry for each service of the active profiles, by name.
	Services map[string]Status `json:"services"`
	// Env has the ORAK_ settings with which a program reaches the rehearsal, including
	// the store's secret key; the file is the owner's alone.
	Env map[string]string `json:"env,omitempty"`
}

// Status is a service at this moment.
type Status struct {
	// State is left out (--except), waiting (for what it depends on), starting, running,
	// exited, or held (Hold exists).
	State string `json:"state"`
	// Healthy says that its last health check passed, or that it runs and has none. Of
	// a job it says that it has succeeded.
	Healthy bool `json:"healthy"`
	// PID is the main process, 0 while there is none. It may be killed: the service's
	// restart policy then applies.
	PID int `json:"pid"`
	// Restarts counts the starts after the first.
	Restarts int `json:"restarts"`
	// Exit says how the last process ended. Empty before that.
	Exit string `json:"exit,omitempty"`
	// Address is the service's own address, without a port.
	Address string `json:"address"`
	// Link is the interface of this machine by which the service is reached, where it has
	// a network namespace of its own: taking it down cuts the service off.
	Link string `json:"link,omitempty"`
	// Ports are the published ports: the address on this machine, by the service's own port.
	Ports map[uint32]string `json:"ports,omitempty"`
	// Hold is a file that keeps the service from being started while it exists, as
	// docker compose stop does. Anybody may make and remove it.
	Hold string `json:"hold"`
	// Volumes are the folders of this machine that keep its data, by their paths in the
	// container.
	Volumes map[string]string `json:"volumes,omitempty"`
	// Image is what a container would run.
	Image string `json:"image"`
	// Log is the file with its output.
	Log string `json:"log"`
	// Command is the program with its arguments, and Env its environment: for a command
	// that runs a service itself, which the rehearsal leaves out (--except).
	Command []string `json:"command"`
	Env     []string `json:"env,omitempty"`
}

const (
	stateLeftOut  = "left out"
	stateWaiting  = "waiting"
	stateStarting = "starting"
	stateRunning  = "running"
	stateExited   = "exited"
	stateHeld     = "held"
)

// board holds the state, writes it to its file, and wakes those who wait for a change.
// It is safe for concurrent use.
type board struct {
	path string

	mu      sync.Mutex
	state   Rehearsal
	changed chan struct{} // closed at the next change
	failed  error         // the first error of writing the file
}

func newBoard(path string, state Rehearsal) (*board, error) {
	b := &board{path: path, state: state, changed: make(chan struct{})}
	return b, b.write()
}

// update changes the status of one service. A failure to write the file is returned by
// snapshot and await.
func (b *board) update(name string, change func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	status := b.state.Services[name]
	change(&status)
	b.state.Services[name] = status
	b.failed = errors.Join(b.failed, b.write())
	close(b.changed)
	b.changed = make(chan struct{})
}

// write replaces the file by rename, so that a reader never sees a part.
func (b *board) write() error {
	content, err := json.MarshalIndent(b.state, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the state: %w", err)
	}
	partial := filepath.Join(filepath.Dir(b.path), "."+filepath.Base(b.path))
	if err := os.WriteFile(partial, append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	if err := os.Rename(partial, b.path); err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	return nil
}

// snapshot returns the state and a channel that is closed at the next change.
func (b *board) snapshot() (map[string]Status, <-chan struct{}, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.state.Services), b.changed, b.failed
}

// await returns once done reports true or an error of the services' states.
func (b *board) await(ctx context.Context, done func(map[string]Status) (bool, error)) error {
	for {
		services, changed, err := b.snapshot()
		if err != nil {
			return err
		}
		if ok, err := done(services); ok || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
