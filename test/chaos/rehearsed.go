package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"orak"
	"orak/test/accounts"
	"orak/test/stack"
)

// rehearsed is the deployment that `task rehearse` runs: docker-compose.yml's
// services, which are restarted as compose restarts them. Its processes are hit;
// none is started from here.
type rehearsed struct {
	*stack.Rehearsal
	at    accounts.Addresses
	names []string
	hit   map[string]*victim
	// brokers serializes the blows on the brokers of Kafka, so that a majority of
	// them is always left.
	brokers sync.Mutex
}

// victim is a service with what happened to it.
type victim struct {
	blows sync.Mutex
	mu    sync.Mutex
	// served are the ids of its processes that were healthy at some time, and ended
	// those of the processes that were ended from here.
	served, ended []int
	tally
}

// services are the names of the services that can be hit: those that run, and so
// none that has done its job.
func services(r *stack.Rehearsal) ([]string, error) {
	all, err := r.Services()
	maps.DeleteFunc(all, func(_ string, s stack.Service) bool { return s.PID == 0 })
	return slices.Sorted(maps.Keys(all)), err
}

// isBroker reports whether a target is one of several brokers.
func isBroker(target string) bool { return strings.HasPrefix(target, "kafka-") }

// stormRehearsal is one whole run on a rehearsal. Its uploads have a tenant of
// their own, so that the run accounts for no others.
func stormRehearsal(ctx context.Context, o options) (report, error) {
	d := &rehearsed{Rehearsal: o.rehearsal, names: o.targets, hit: map[string]*victim{}}
	for _, name := range d.names {
		d.hit[name] = &victim{}
	}
	url, err := o.rehearsal.API()
	if err != nil {
		return report{}, err
	}
	servers := o.rehearsal.Servers()
	d.at = accounts.Addresses{
		API: url, Kafka: strings.Split(servers.Kafka, ","), Temporal: servers.Temporal, S3: servers.S3,
		AccessKey: servers.S3AccessKey, SecretKey: servers.S3SecretKey,
		Tenant: orak.Tenant("chaos-" + strings.ToLower(rand.Text()[:8])),
	}
	const anyAttempts = 0 // the rehearsal has the budget of its settings
	kinds, err := recordings(ctx, o.dir, anyAttempts)
	if err != nil {
		return report{}, err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go d.watch(watching)
	return rage(ctx, d, o, kinds)
}

// watch notes which processes become healthy, until ctx ends.
func (d *rehearsed) watch(ctx context.Context) {
	for accounts.Pause(ctx, 200*time.Millisecond) {
		now, err := d.Services()
		if err != nil {
			say("watching the services: %v", err)
			continue
		}
		for _, name := range d.names {
			d.hit[name].note(now[name])
		}
	}
}

func (v *victim) note(s stack.Service) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s.Healthy && s.PID != 0 && !slices.Contains(v.served, s.PID) {
		v.served = append(v.served, s.PID)
	}
}

// targets implements deployment.
func (d *rehearsed) targets() []string { return d.names }

// addresses implements deployment.
func (d *rehearsed) addresses() accounts.Addresses { return d.at }

// tallies implements deployment. A role of orak that was healthy and has ended must
// have been ended from here. One that only starts may end, after it has waited for
// its servers for a while.
func (d *rehearsed) tallies() []tally {
	now, err := d.Services()
	var all []tally
	for _, name := range d.names {
		v := d.hit[name]
		v.mu.Lock()
		for _, pid := range v.served {
			if isOrak(name) && pid != now[name].PID && !slices.Contains(v.ended, pid) {
				v.Faults = append(v.Faults, fmt.Sprintf("process %d ended by itself", pid))
			}
		}
		if err != nil {
			v.Faults = append(v.Faults, err.Error())
		}
		all = append(all, v.tally)
		v.mu.Unlock()
	}
	return all
}

// isOrak reports whether a service is a role of orak, of which we promise how it
// ends.
func isOrak(name string) bool {
	return name == "api" || name == "bridge" || strings.HasPrefix(name, "worker")
}

// strike implements deployment. A broker is spared until the one before it is
// healthy again. Only ctx bounds the wait: a broker replays its log first, on a
// machine that may be busy.
func (d *rehearsed) strike(ctx context.Context, b blow) error {
	v := d.hit[b.Target]
	v.blows.Lock()
	defer v.blows.Unlock()
	if isBroker(b.Target) {
		d.brokers.Lock()
		defer d.brokers.Unlock()
	}
	if b.Graceful {
		if err := d.stop(ctx, b.Target, v); err != nil {
			return err
		}
	}
	gone, err := d.keepDown(ctx, b, v)
	if err != nil {
		return err
	}
	began := time.Now()
	if _, err := d.AwaitHealthy(ctx, b.Target, gone); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.Recoveries = append(v.Recoveries, time.Since(began))
	return nil
}

// keepDown kills the target's process, and every one in which it is restarted for a
// while. It returns the id of the last process that it ended.
func (d *rehearsed) keepDown(ctx context.Context, b blow, v *victim) (int, error) {
	killed, err := d.KillFor(ctx, b.Target, b.Away)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ended = append(v.ended, killed...)
	if !b.Graceful {
		v.Killed++
	}
	if len(killed) == 0 {
		return 0, err
	}
	return killed[len(killed)-1], err
}

// stop asks the target's process to end, and returns once it has.
func (d *rehearsed) stop(ctx context.Context, target string, v *victim) error {
	before, err := d.AwaitHealthy(ctx, target, 0)
	if err != nil {
		return err
	}
	if err := syscall.Kill(before.PID, stopSignal(target)); err != nil {
		return fmt.Errorf("stopping %s: %w", target, err)
	}
	after, err := d.AwaitEnd(ctx, target, before.PID)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.Stopped++
	v.ended = append(v.ended, before.PID)
	if err == nil && isOrak(target) && after.Exit != "exit status 0" {
		v.Faults = append(v.Faults, "it did not end well on SIGTERM: "+after.Exit)
	}
	return err
}

// stopSignal asks a service to end, as its image declares it. PostgreSQL waits for
// all its clients on SIGTERM.
func stopSignal(target string) syscall.Signal {
	if target == "postgres" {
		return syscall.SIGINT
	}
	return syscall.SIGTERM
}
