package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"orak/bench/uploads"
	"orak/events"
	"orak/internal/kafka"
	"orak/test/stack"
)

// restateConfig makes one node of Restate that reads from Kafka, with its defaults:
// what it acknowledges is in a log that is synced to disk.
const restateConfig = `
cluster-name = "bench"
node-name = "bench"
base-dir = %q
bind-address = %q
disable-telemetry = true
log-filter = "warn"

[log-server]
rocksdb-disable-wal-fsync = false

[admin]
bind-address = %q
disable-web-ui = true

[ingress]
bind-address = %q

[[ingress.kafka-clusters]]
name = "bench"
brokers = [%s]
`

// restate is a server with the service of restate/service.mjs.
type restate struct {
	server, service *stack.Child
	admin           string
	mu              sync.Mutex
	// seen are the invocations of each handler since it was last reset.
	seen map[string]seen
}

// seen counts invocations, with the times of the first and the last.
type seen struct {
	n           int
	first, last time.Time
}

// restateFolder has the service and its pinned dependencies, from the workspace.
const restateFolder = "bench/cluster/restate"

// startRestate installs the pinned versions with npm, and starts the server and the
// service.
func (b *bench) startRestate(ctx context.Context) (_ *restate, err error) {
	dir := restateFolder
	install := exec.CommandContext(ctx, "npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if said, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("installing Restate: %w\n%s", err, said)
	}
	var addresses [4]string
	for i := range addresses {
		if addresses[i], err = freeAddress(); err != nil {
			return nil, err
		}
	}
	var brokers []string
	for _, broker := range b.servers.Brokers {
		brokers = append(brokers, fmt.Sprintf("%q", "PLAINTEXT://"+broker))
	}
	config := filepath.Join(b.dir, "restate.toml")
	text := fmt.Sprintf(restateConfig, filepath.Join(b.dir, "restate"), addresses[0], addresses[1], addresses[2], strings.Join(brokers, ", "))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("writing Restate's configuration: %w", err)
	}
	r := &restate{admin: "http://" + addresses[1], seen: map[string]seen{}}
	defer func() {
		if err != nil {
			r.stop()
		}
	}()
	server := exec.Command(filepath.Join(dir, "node_modules", ".bin", "restate-server"), "--no-logo", "--listen-mode=tcp", "--config-file", config)
	if r.server, err = stack.Run(server, func(string) bool { return false }); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(addresses[3])
	if r.service, err = stack.Run(exec.Command("node", filepath.Join(dir, "service.mjs"), port), r.count); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var refused error
	err = every(ctx, 200*time.Millisecond, func() (bool, error) {
		select {
		case <-r.server.Exited():
			return false, fmt.Errorf("it ended: %w", r.server.Err())
		default:
		}
		refused = r.post(ctx, "/deployments", map[string]any{"uri": "http://" + addresses[3]})
		return refused == nil, nil
	})
	if err != nil {
		return nil, fmt.Errorf("starting Restate: %w: %w\n%s", err, refused, r.server.Output())
	}
	return r, nil
}

// post asks Restate's admin API to make something.
func (r *restate) post(ctx context.Context, path string, body any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.admin+path, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s: status %d: %s", path, resp.StatusCode, answer)
	}
	return err
}

// count notes a line of the service.
func (r *restate) count(handler string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, now := r.seen[handler], time.Now()
	if s.n++; s.n == 1 {
		s.first = now
	}
	s.last = now
	r.seen[handler] = s
	return true
}

func (r *restate) since(handler string) seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[handler]
}

// invocations are Restate's figures in one round.
type invocations struct {
	PerSecond float64 `json:"per_second"`
	// ServerMS and ServiceMS are the processor time of Restate's server and of the
	// service in Node.js, for each invocation in milliseconds.
	ServerMS  float64 `json:"server_processor_ms"`
	ServiceMS float64 `json:"service_processor_ms"`
}

// measure announces n uploads on a new topic, and has Restate invoke a handler for
// each.
func (r *restate) measure(ctx context.Context, b *bench, handler string, n int) (invocations, error) {
	topic := fmt.Sprintf("bench.restate.%s.%d", handler, b.take(1))
	if err := b.createTopic(ctx, topic); err != nil {
		return invocations{}, err
	}
	if err := uploads.Announce(ctx, b.servers.Brokers, topic, b.numbers(n)); err != nil {
		return invocations{}, fmt.Errorf("announcing for Restate: %w", err)
	}
	r.mu.Lock()
	delete(r.seen, handler)
	r.mu.Unlock()
	pids := map[string]int{"server": r.server.PID(), "service": r.service.PID()}
	before, err := processorTimes(pids)
	if err != nil {
		return invocations{}, err
	}
	err = r.post(ctx, "/subscriptions", map[string]any{
		"source": "kafka://bench/" + topic, "sink": "service://noop/" + handler,
		"options": map[string]string{"auto.offset.reset": "earliest", "group.id": topic},
	})
	if err != nil {
		return invocations{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	err = every(ctx, lookEvery, func() (bool, error) { return r.since(handler).n >= n, nil })
	s := r.since(handler)
	if err != nil {
		return invocations{}, fmt.Errorf("waiting for %d invocations by Restate, %d ran: %w", n, s.n, err)
	}
	after, err := processorTimes(pids)
	if err != nil {
		return invocations{}, err
	}
	each := func(name string) float64 {
		used := after[name].minus(before[name])
		return float64(used.Own+used.Children) / float64(n) / float64(time.Millisecond)
	}
	rate := float64(s.n-1) / s.last.Sub(s.first).Seconds()
	progress("  Restate, %s: %.0f/s", handler, rate)
	return invocations{rate, each("server"), each("service")}, nil
}

func (r *restate) stop() {
	for _, child := range []*stack.Child{r.service, r.server} {
		if child == nil {
			continue
		}
		if err := child.End(syscall.SIGTERM, stopTimeout); errors.Is(err, stack.ErrLate) {
			progress("stopping Restate: %v", err)
		}
	}
}

// createTopic makes a topic with as many partitions and copies as orak.uploads.
func (b *bench) createTopic(ctx context.Context, topic string) error {
	cl, err := kafka.NewClient(kafka.Config{Brokers: b.servers.Brokers, ClientID: "bench"}, quiet())
	if err != nil {
		return err
	}
	defer cl.Close()
	return kafka.EnsureTopics(ctx, cl, []events.Topic{{Name: topic, Partitions: events.Partitions, Retention: time.Hour}}, -1)
}
