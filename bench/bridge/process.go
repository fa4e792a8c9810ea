package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/procfs"
	"go.temporal.io/api/workflowservice/v1"

	"orak/bench/metrics"
	"orak/bench/rounds"
	"orak/internal/listen"
	"orak/test/stack"
	"orak/workflows"
)

// processes has the rounds in which the bridge also ran as a process of its own,
// and the medians over them.
type processes struct {
	LogLevel  string  `json:"log_level"`
	Rounds    []apart `json:"rounds"`
	ToRaw     float64 `json:"process_to_raw"`
	HereToRaw float64 `json:"bridge_to_raw"`
}

// apart has one measurement of each.
type apart struct {
	Raw     cost `json:"raw"`
	Here    cost `json:"bridge"`
	Process cost `json:"process"`
}

// cost is what starts cost.
type cost struct {
	Rate float64 `json:"per_second"`
	// StarterMS and ServersMS are the processor time of the process that starts, and
	// of the servers' process, for each start.
	StarterMS float64 `json:"starter_ms"`
	ServersMS float64 `json:"servers_ms"`
}

// measureProcess measures raw, the bridge in this process and the bridge as a process
// in turns.
func measureProcess(ctx context.Context, o options, concurrency int) (*processes, error) {
	all := &processes{LogLevel: o.logLevel}
	w := uniform(o.events)
	for n := range o.processRounds {
		progress("round %d of %d with a process", n+1, o.processRounds)
		var m apart
		for _, one := range []struct {
			name string
			into *cost
			of   func(r *rig) (cost, error)
		}{
			{"raw", &m.Raw, func(r *rig) (cost, error) {
				return r.costOf(os.Getpid(), len(w), func() error { _, err := raw(ctx, r, w, concurrency); return err })
			}},
			{"bridge, in this process", &m.Here, func(r *rig) (cost, error) {
				return r.costOf(os.Getpid(), len(w), func() error { _, err := bridged(ctx, o, r, w); return err })
			}},
			{"bridge, as a process", &m.Process, func(r *rig) (cost, error) { return processed(ctx, o, r, w) }},
		} {
			var err error
			if *one.into, err = withRig(ctx, o, one.of); err != nil {
				return nil, err
			}
			progress("  %s: %.0f/s; processor time for each start %.2f ms, and %.2f ms of the servers", one.name, one.into.Rate, one.into.StarterMS, one.into.ServersMS)
		}
		all.Rounds = append(all.Rounds, m)
	}
	if len(all.Rounds) > 0 {
		all.ToRaw = rounds.Median(all.Rounds, func(m apart) float64 { return m.Process.Rate / m.Raw.Rate })
		all.HereToRaw = rounds.Median(all.Rounds, func(m apart) float64 { return m.Here.Rate / m.Raw.Rate })
	}
	return all, nil
}

// costOf measures f, which makes n starts from the process pid.
func (r *rig) costOf(pid, n int, f func() error) (c cost, err error) {
	starter, err := cpu(pid)
	if err != nil {
		return cost{}, err
	}
	servers, err := cpu(r.process.PID())
	if err != nil {
		return cost{}, err
	}
	if err := f(); err != nil {
		return cost{}, err
	}
	for _, one := range []struct {
		into   *float64
		pid    int
		before float64
	}{{&c.StarterMS, pid, starter}, {&c.ServersMS, r.process.PID(), servers}} {
		after, err := cpu(one.pid)
		if err != nil {
			return cost{}, err
		}
		*one.into = (after - one.before) * 1000 / float64(n)
	}
	c.Rate, err = r.rate(context.Background(), n)
	return c, err
}

// rate returns the last n starts per second, by Temporal's clock. It waits until
// Temporal lists them.
func (r *rig) rate(ctx context.Context, n int) (float64, error) {
	var started []time.Time
	for len(started) < n {
		started = started[:0]
		for page, more := []byte(nil), true; more; more = len(page) > 0 {
			listed, err := r.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
				Query: "WorkflowType = '" + workflows.TypeProcessUpload + "'", PageSize: 1000, NextPageToken: page,
			})
			if err != nil {
				return 0, fmt.Errorf("listing what was started: %w", err)
			}
			for _, e := range listed.GetExecutions() {
				started = append(started, e.GetStartTime().AsTime())
			}
			page = listed.GetNextPageToken()
		}
	}
	slices.SortFunc(started, time.Time.Compare)
	started = started[len(started)-n:]
	return float64(n-1) / started[n-1].Sub(started[0]).Seconds(), nil
}

// cpu returns the processor time of a process in seconds.
func cpu(pid int) (float64, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0, fmt.Errorf("finding process %d: %w", pid, err)
	}
	s, err := p.Stat()
	if err != nil {
		return 0, fmt.Errorf("reading the processor time of process %d: %w", pid, err)
	}
	return s.CPUTime(), nil
}

// child is a bridge that runs as a process of its own, with its default settings.
type child struct {
	*stack.Child
	metrics string
}

// launch starts the bridge as docker-compose.yml does: settings from the
// environment, JSON logs to a pipe.
func (r *rig) launch(o options) (*child, error) {
	l, err := listen.Free()
	if err != nil {
		return nil, fmt.Errorf("finding a free port: %w", err)
	}
	admin := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, fmt.Errorf("finding a free port: %w", err)
	}
	cmd := exec.Command(o.orak, "bridge")
	cmd.Env = stack.Environ("ORAK_LOG_FORMAT=json", "ORAK_LOG_LEVEL="+o.logLevel, "ORAK_ADMIN_LISTEN="+admin,
		"ORAK_KAFKA_BROKERS="+r.process.Kafka, "ORAK_KAFKA_REPLICATION_FACTOR=1", "ORAK_TEMPORAL_ADDRESS="+r.process.Temporal,
		"ORAK_S3_ENDPOINT="+r.process.S3, "ORAK_S3_ACCESS_KEY="+r.process.S3AccessKey, "ORAK_S3_SECRET_KEY="+r.process.S3SecretKey)
	if o.inflight > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("ORAK_BRIDGE_INFLIGHT=%d", o.inflight))
	}
	c, err := stack.Run(cmd, func(string) bool { return false })
	if err != nil {
		return nil, err
	}
	return &child{c, "http://" + admin + "/metrics"}, nil
}

// Gather implements prometheus.Gatherer.
func (c *child) Gather() ([]*dto.MetricFamily, error) {
	byName, err := metrics.Read(c.metrics)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, nil // it is starting
	}
	return slices.Collect(maps.Values(byName)), err
}

var _ prometheus.Gatherer = (*child)(nil)

// scrapeEvery is the interval at which a process is asked for its metrics, which
// takes it some milliseconds. Results do not depend on it.
const scrapeEvery = time.Second

// processed measures the bridge as a process. What it takes to start is not counted.
func processed(ctx context.Context, o options, r *rig, w workload) (_ cost, err error) {
	c, err := r.launch(o)
	if err != nil {
		return cost{}, err
	}
	defer func() {
		if ended := c.End(syscall.SIGTERM, time.Minute); err == nil && ended != nil {
			err = fmt.Errorf("stopping the bridge: %w\n%s", ended, c.Output())
		}
	}()
	// One event first, so that the bridge has joined the group.
	if err := r.announce(ctx, workload{len(w)}); err != nil {
		return cost{}, err
	}
	if _, err := await(ctx, c, scrapeEvery, 1); err != nil {
		return cost{}, fmt.Errorf("%w\n%s", err, strings.TrimSpace(c.Output()))
	}
	return r.costOf(c.PID(), len(w), func() error {
		if err := r.announce(ctx, w); err != nil {
			return err
		}
		_, err := await(ctx, c, scrapeEvery, len(w)+1)
		return err
	})
}
