package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// RehearsalEnv names the file in which `task rehearse` describes what runs.
const RehearsalEnv = "ORAK_REHEARSAL"

// Rehearsal is a running `task rehearse`: the services of docker-compose.yml as
// processes, which it restarts whenever they end, as compose's restart: says.
type Rehearsal struct {
	path     string
	settings map[string]string
}

// Service is one of a rehearsal's services, as it was when the file was read.
type Service struct {
	// PID is the id of its process; 0 while none runs.
	PID int `json:"pid"`
	// Address is its IP address.
	Address string `json:"address"`
	// Link is the interface of this machine that leads to it, where it has a network
	// namespace of its own; else empty.
	Link string `json:"link"`
	// Ports are the published ports: the address on this machine by the service's own port.
	Ports map[string]string `json:"ports"`
	// State is "waiting", "starting", "running", "exited" or "held".
	State string `json:"state"`
	// Healthy is what its last health check found.
	Healthy bool `json:"healthy"`
	// Restarts counts its starts after the first.
	Restarts int `json:"restarts"`
	// Exit says how its last process ended, such as "exit status 0"; empty before that.
	Exit string `json:"exit"`
	// Hold is a file that keeps it from being started, and Volumes are the folders of
	// its data by their paths in the container.
	Hold    string            `json:"hold"`
	Volumes map[string]string `json:"volumes"`
	// Log is the path of what it wrote.
	Log string `json:"log"`
	// Command is its program with the arguments, and Env its environment, as
	// NAME=VALUE.
	Command []string `json:"command"`
	Env     []string `json:"env"`
}

// rehearsed is the file's content.
type rehearsed struct {
	Services map[string]Service `json:"services"`
	Env      map[string]string  `json:"env"`
}

// ErrNoRehearsal is returned where no `task rehearse` runs.
var ErrNoRehearsal = errors.New("this needs a rehearsal: " + RehearsalEnv + " is not set (go tool task rehearse -- COMMAND sets it)")

// OpenRehearsal returns the rehearsal that the environment names, or
// ErrNoRehearsal.
func OpenRehearsal() (*Rehearsal, error) {
	r := &Rehearsal{path: os.Getenv(RehearsalEnv)}
	if r.path == "" {
		return nil, ErrNoRehearsal
	}
	now, err := r.read()
	r.settings = now.Env
	return r, err
}

func (r *Rehearsal) read() (rehearsed, error) {
	text, err := os.ReadFile(r.path)
	if err != nil {
		return rehearsed{}, fmt.Errorf("reading the rehearsal: %w", err)
	}
	var now rehearsed
	if err := json.Unmarshal(text, &now); err != nil {
		return rehearsed{}, fmt.Errorf("reading the rehearsal: %s: %w", r.path, err)
	}
	return now, nil
}

// Setting is the value of a setting such as ORAK_KAFKA_BROKERS with which orak's
// commands reach the rehearsal; empty if there is none.
func (r *Rehearsal) Setting(name string) string { return r.settings[name] }

// Servers are the addresses of the rehearsal's servers. Kafka names several
// brokers, separated by commas; DataDir is empty.
func (r *Rehearsal) Servers() Servers {
	return Servers{
		Temporal: r.Setting("ORAK_TEMPORAL_ADDRESS"), TemporalUI: r.Setting("ORAK_TEMPORAL_WEB_UI"),
		Kafka: r.Setting("ORAK_KAFKA_BROKERS"), S3: r.Setting("ORAK_S3_ENDPOINT"),
		S3AccessKey: r.Setting("ORAK_S3_ACCESS_KEY"), S3SecretKey: r.Setting("ORAK_S3_SECRET_KEY"),
	}
}

// API is the URL of the service, without a slash at its end.
func (r *Rehearsal) API() (string, error) {
	if url := r.Setting("ORAK_SERVER"); url != "" {
		return strings.TrimRight(url, "/"), nil
	}
	api, err := r.Service("api")
	return "http://" + net.JoinHostPort(api.Address, "8080"), err
}

// Services are all services by name.
func (r *Rehearsal) Services() (map[string]Service, error) {
	now, err := r.read()
	return now.Services, err
}

// Service is one service by its name.
func (r *Rehearsal) Service(name string) (Service, error) {
	all, err := r.Services()
	if err != nil {
		return Service{}, err
	}
	s, ok := all[name]
	if !ok {
		return Service{}, fmt.Errorf("the rehearsal has no service %s", name)
	}
	return s, nil
}

// Signal sends a signal to every process of a service, and returns the service
// as it was before.
func (r *Rehearsal) Signal(name string, signal syscall.Signal) (Service, error) {
	s, err := r.Service(name)
	if err != nil {
		return s, err
	}
	if s.PID <= 0 {
		return s, fmt.Errorf("%s has no process: it is %s", name, s.State)
	}
	if err := signalAll(s.PID, signal); err != nil {
		return s, fmt.Errorf("sending %s to %s: %w", signal, name, err)
	}
	return s, nil
}

// signalAll reaches a process and all that it has started, as the end of a
// container ends all that runs in it. A process group would not do: each of
// PostgreSQL's processes has its own.
func signalAll(pid int, signal syscall.Signal) error {
	family := descendants(pid)
	err := syscall.Kill(pid, signal)
	for _, child := range family {
		_ = syscall.Kill(child, signal) // it may have ended with its parent
	}
	return err
}

// descendants are the processes that pid has started, and those that they have.
func descendants(pid int) (all []int) {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil // impossible: the pattern is well-formed
	}
	for _, list := range lists {
		text, _ := os.ReadFile(list) // a thread may have ended
		for word := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}

// Hold ends a service and keeps it down until release, as docker compose stop and start
// do. It returns once no process of it is left.
func (r *Rehearsal) Hold(ctx context.Context, name string, signal syscall.Signal) (release func() error, err error) {
	s, err := r.Service(name)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.Hold, nil, 0o600); err != nil {
		return nil, fmt.Errorf("holding %s: %w", name, err)
	}
	last := 0
	_, err = r.await(ctx, name, func(s Service) bool {
		if s.PID > 0 && s.PID != last { // it may have been about to start
			last = s.PID
			_ = signalAll(s.PID, signal) // it may have ended
		}
		return s.State == "held"
	})
	return func() error { return os.Remove(s.Hold) }, err
}

// ErrSharedNetwork is returned for a service that cannot be cut off.
var ErrSharedNetwork = errors.New("the service has no network of its own (the label orak.rehearsal.network, and root, give it one)")

// CutOff cuts a service off from all others while it lives, as a broken network does:
// what is sent to it or by it is lost, and no connection is closed. join ends that.
func (r *Rehearsal) CutOff(ctx context.Context, name string) (join func(context.Context) error, err error) {
	s, err := r.Service(name)
	if err != nil {
		return nil, err
	}
	if s.Link == "" {
		return nil, fmt.Errorf("cutting %s off: %w", name, ErrSharedNetwork)
	}
	set := func(ctx context.Context, state string) error {
		if out, err := exec.CommandContext(ctx, "ip", "link", "set", "dev", s.Link, state).CombinedOutput(); err != nil {
			return fmt.Errorf("setting the link of %s %s: %w: %s", name, state, err, out)
		}
		return nil
	}
	return func(ctx context.Context) error { return set(ctx, "up") }, set(ctx, "down")
}

// poll is how often the rehearsal's file is read.
const poll = 50 * time.Millisecond

// AwaitHealthy returns the service once it is healthy in a process other than
// before; a before of 0 accepts any.
func (r *Rehearsal) AwaitHealthy(ctx context.Context, name string, before int) (Service, error) {
	return r.await(ctx, name, func(s Service) bool { return s.Healthy && s.PID > 0 && s.PID != before })
}

// AwaitEnd returns the service once the process pid of it has ended.
func (r *Rehearsal) AwaitEnd(ctx context.Context, name string, pid int) (Service, error) {
	return r.await(ctx, name, func(s Service) bool { return s.PID != pid })
}

func (r *Rehearsal) await(ctx context.Context, name string, done func(Service) bool) (Service, error) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		s, err := r.Service(name)
		if err != nil || done(s) {
			return s, err
		}
		select {
		case <-ctx.Done():
			return s, fmt.Errorf("waiting for %s, which is %s (its log is %s): %w", name, s.State, s.Log, ctx.Err())
		case <-tick.C:
		}
	}
}

// KillFor kills a service, and every process in which it is restarted within d.
// It returns the ids of the processes that it killed.
func (r *Rehearsal) KillFor(ctx context.Context, name string, d time.Duration) (killed []int, err error) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	over := time.NewTimer(d)
	defer over.Stop()
	for last := 0; ; {
		s, err := r.Service(name)
		if err != nil {
			return killed, err
		}
		if s.PID > 0 && s.PID != last {
			last = s.PID
			switch err := signalAll(s.PID, syscall.SIGKILL); {
			case err == nil:
				killed = append(killed, s.PID)
			case !errors.Is(err, syscall.ESRCH): // it may have ended already
				return killed, fmt.Errorf("killing %s: %w", name, err)
			}
		}
		select {
		case <-ctx.Done():
			return killed, ctx.Err()
		case <-over.C:
			return killed, nil
		case <-tick.C:
		}
	}
}
