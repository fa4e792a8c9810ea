package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"

	"orak"
	"orak/internal/listen"
	"orak/test/accounts"
	"orak/test/stack"
	"orak/workflows"
)

// fleet is all processes: each server and each role of orak has its own, as in a
// deployment.
type fleet struct {
	dir       string
	at        accounts.Addresses
	listen    map[string]string // by role
	processes []*process        // in the order in which they are started
}

// role is one process of orak.
type role struct {
	name    string
	command string
	env     []string
}

// roles has two processes of each role of which a deployment has several, so that
// one can take over from the other.
func roles() []role {
	rs := []role{{"api", "api", nil}, {"lake", "lake", nil}}
	for _, n := range []string{"1", "2"} {
		rs = append(rs,
			role{"index-" + n, "index", nil},
			role{"bridge-" + n, "bridge", nil},
			role{"pipeline-" + n, "worker", []string{"ORAK_WORKER_QUEUES=" + workflows.QueuePipeline}},
			role{"convert-" + n, "worker", []string{"ORAK_WORKER_QUEUES=" + workflows.QueueConvert, "ORAK_CONVERT_SLOTS=1"}},
			role{"gpu-" + n, "worker", []string{"ORAK_WORKER_QUEUES=" + workflows.QueueGPU, "ORAK_GPU_SLOTS=1"}},
		)
	}
	return rs
}

// targets are the names of all processes that can be hit.
func targets() []string {
	names := []string{"s3", "kafka", "temporal"}
	for _, r := range roles() {
		names = append(names, r.name)
	}
	return names
}

// startServers runs the broker, Temporal and the store, and chooses the ports of
// all that follows.
func startServers(ctx context.Context, o options) (*fleet, error) {
	ports, err := freePorts(4 + len(roles()))
	if err != nil {
		return nil, err
	}
	f := &fleet{dir: o.dir, at: accounts.Addresses{
		Kafka: []string{local(ports[0])}, Temporal: local(ports[1]), S3: local(ports[3]), Tenant: orak.DefaultTenant,
	}, listen: map[string]string{}}
	for i, r := range roles() {
		f.listen[r.name] = local(ports[4+i])
	}
	f.at.API = "http://" + f.listen["api"]
	for _, folder := range []string{"logs", "scratch"} {
		if err := os.MkdirAll(filepath.Join(o.dir, folder), 0o700); err != nil {
			return nil, fmt.Errorf("making the folder of the run: %w", err)
		}
	}
	for _, server := range []struct {
		name  string
		flags []string
	}{
		{"s3", []string{"--s3-port=" + ports[3]}},
		{"kafka", []string{"--kafka-port=" + ports[0]}},
		{"temporal", []string{"--temporal-port=" + ports[1], "--temporal-ui-port=" + ports[2]}},
	} {
		args := []string{o.standalone, "servers", "--json", "--only=" + server.name, "--data-dir=" + filepath.Join(o.dir, server.name)}
		f.processes = append(f.processes, &process{name: server.name, args: append(args, server.flags...), log: logPath(o.dir, server.name)})
	}
	if err := f.startAll(ctx, f.processes); err != nil {
		return f, err
	}
	f.at.AccessKey, f.at.SecretKey, err = stack.ReadKeys(filepath.Join(o.dir, "s3", "s3-credentials.json"))
	return f, err
}

// startRoles runs orak from a binary with further settings, in place of what ran
// before.
func (f *fleet) startRoles(ctx context.Context, binary string, settings ...string) error {
	f.processes = slices.DeleteFunc(f.processes, func(p *process) bool { return f.listen[p.name] != "" })
	var started []*process
	for _, r := range roles() {
		listen := f.listen[r.name]
		started = append(started, &process{
			name: r.name, args: []string{binary, r.command}, env: slices.Concat(f.settings(r.name), r.env, settings),
			probe: "http://" + listen + "/readyz", log: logPath(f.dir, r.name),
		})
	}
	f.processes = append(f.processes, started...)
	return f.startAll(ctx, started)
}

// settings are the settings of all roles.
func (f *fleet) settings(name string) []string {
	// The API is probed on its own port, the others on their admin port.
	listen, admin := f.listen[name], f.listen[name]
	if name == "api" {
		admin = "127.0.0.1:0"
	}
	return []string{
		// As with the pods of a StatefulSet: a restarted process keeps its identity.
		"ORAK_INSTANCE_ID=" + name,
		"ORAK_KAFKA_BROKERS=" + f.at.Kafka[0], "ORAK_KAFKA_REPLICATION_FACTOR=1",
		"ORAK_S3_ENDPOINT=" + f.at.S3, "ORAK_S3_ACCESS_KEY=" + f.at.AccessKey, "ORAK_S3_SECRET_KEY=" + f.at.SecretKey,
		"ORAK_TEMPORAL_ADDRESS=" + f.at.Temporal,
		"ORAK_API_ADDR=" + listen, "ORAK_AUTH=none", "ORAK_ADMIN_LISTEN=" + admin,
		"ORAK_INDEX_DIR=" + filepath.Join(f.dir, "index"),
		"ORAK_SCRATCH_DIR=" + filepath.Join(f.dir, "scratch"), "ORAK_LOG_FORMAT=text",
	}
}

func (f *fleet) startAll(ctx context.Context, ps []*process) error {
	for _, p := range ps {
		if err := p.start(); err != nil {
			return err
		}
	}
	return f.awaitAll(ctx, ps)
}

func (f *fleet) awaitAll(ctx context.Context, ps []*process) error {
	var errs []error
	for _, p := range ps {
		errs = append(errs, p.awaitReady(ctx))
	}
	return errors.Join(errs...)
}

func (f *fleet) named(name string) *process {
	for _, p := range f.processes {
		if p.name == name {
			return p
		}
	}
	return nil
}

// targets implements deployment.
func (f *fleet) targets() []string { return targets() }

// addresses implements deployment.
func (f *fleet) addresses() accounts.Addresses { return f.at }

// tallies implements deployment.
func (f *fleet) tallies() []tally {
	var all []tally
	for _, p := range f.processes {
		all = append(all, p.snapshot())
	}
	return all
}

// strike implements deployment.
func (f *fleet) strike(ctx context.Context, b blow) error {
	p := f.named(b.Target)
	p.blows.Lock()
	p.end(b.Graceful)
	accounts.Pause(ctx, b.Away)
	err := p.start()
	p.blows.Unlock()
	if err != nil {
		return err
	}
	if err := p.awaitReady(ctx); err != nil && !errors.Is(err, errGone) {
		return err
	}
	return nil
}

// endAll ends all processes, orak before its servers.
func (f *fleet) endAll() {
	for _, p := range slices.Backward(f.processes) {
		p.end(false)
	}
}

func local(port string) string { return net.JoinHostPort("127.0.0.1", port) }

// freePorts chooses n free ports.
func freePorts(n int) ([]string, error) {
	ports := make([]string, n)
	for i := range ports {
		l, err := listen.Free()
		if err != nil {
			return nil, fmt.Errorf("finding free ports: %w", err)
		}
		defer l.Close() // held until all are chosen
		_, ports[i], _ = net.SplitHostPort(l.Addr().String())
	}
	return ports, nil
}
