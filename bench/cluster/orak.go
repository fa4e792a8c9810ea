package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"

	"orak/bench/uploads"
	"orak/internal/listen"
	"orak/internal/media/mediatest"
	"orak/test/stack"
	"orak/workflows"
)

const (
	// readyTimeout bounds the start of a role, stopTimeout its graceful end.
	readyTimeout = 2 * time.Minute
	stopTimeout  = 60 * time.Second
)

// program is a build of orak to measure, with its own namespace and bucket, so that
// several can be measured on the same servers, one after another.
type program struct {
	title  string
	binary string
	env    map[string]string
}

// role is one process of orak.
type role struct {
	*stack.Child
	// admin is the URL of /metrics, without the path, and serving that of /readyz: of
	// an API its own, where earlier versions answer, too.
	admin, serving string
}

// startRole starts a role and returns once it is ready.
func (b *bench) startRole(ctx context.Context, p program, name string, further map[string]string) (*role, error) {
	r, err := b.launch(p, name, further)
	if err != nil {
		return nil, err
	}
	if err := r.awaitReady(ctx); err != nil {
		r.Kill()
		return nil, fmt.Errorf("starting %s of %s: %w\n%s", name, p.title, err, r.Output())
	}
	return r, nil
}

// launch starts a role as docker-compose.yml has it, with the settings of p and
// further ones. It does not wait until it is ready.
func (b *bench) launch(p program, name string, further map[string]string) (*role, error) {
	admin, err := freeAddress()
	if err != nil {
		return nil, err
	}
	service := b.servers.Roles[name]
	cmd := exec.Command(p.binary, service.Command[1:]...)
	// The last of several values counts.
	cmd.Env = append(slices.Clone(service.Env), "ORAK_ADMIN_LISTEN="+admin, "ORAK_SCRATCH_DIR="+b.dir, "TMPDIR="+b.dir)
	for _, settings := range []map[string]string{p.env, further} {
		for key, value := range settings {
			cmd.Env = append(cmd.Env, key+"="+value)
		}
	}
	child, err := stack.Run(cmd, func(string) bool { return false })
	if err != nil {
		return nil, err
	}
	r := &role{Child: child, admin: "http://" + admin, serving: "http://" + admin}
	if address, ok := further["ORAK_API_ADDR"]; ok && name == "api" {
		r.serving = "http://" + address
	}
	return r, nil
}

func (r *role) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return every(ctx, 50*time.Millisecond, func() (bool, error) {
		select {
		case <-r.Exited():
			return false, fmt.Errorf("it ended: %w", r.Err())
		default:
			return stack.Status(r.serving+"/readyz") == http.StatusOK, nil
		}
	})
}

// end stops the role as a container engine does.
func (r *role) end() error { return r.End(syscall.SIGTERM, stopTimeout) }

// orakFlow runs uploads of recordings of 1 s through all roles of a program.
type orakFlow struct {
	program
	url    string
	roles  map[string]*role
	http   *http.Client
	client client.Client
}

// startOrak starts all roles of p at the same time: some wait for what others make.
func (b *bench) startOrak(ctx context.Context, p program) (_ *orakFlow, err error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	f := &orakFlow{program: p, url: "http://" + address, roles: map[string]*role{}, http: uploads.HTTP(clients)}
	defer func() {
		if err != nil {
			f.stop()
		}
	}()
	for _, name := range roleNames {
		r, err := b.launch(p, name, map[string]string{"ORAK_API_ADDR": address})
		if err != nil {
			return nil, err
		}
		f.roles[name] = r
	}
	for name, r := range f.roles {
		if err := r.awaitReady(ctx); err != nil {
			return nil, fmt.Errorf("starting %s of %s: %w\n%s", name, p.title, err, r.Output())
		}
	}
	f.client, err = b.dial(p.env["ORAK_TEMPORAL_NAMESPACE"])
	return f, err
}

func (f *orakFlow) name() string            { return f.title }
func (f *orakFlow) workflowType() string    { return workflows.TypeProcessUpload }
func (f *orakFlow) temporal() client.Client { return f.client }

// start uploads recording i. No two are the same, so that each is analyzed.
func (f *orakFlow) start(ctx context.Context, i int) error {
	return uploads.Post(ctx, f.http, f.url, "audio/wav", recording(i))
}

func (f *orakFlow) pids() map[string]int {
	pids := make(map[string]int, len(f.roles))
	for name, r := range f.roles {
		pids[name] = r.PID()
	}
	return pids
}

func (f *orakFlow) stop() {
	if f.client != nil {
		f.client.Close()
	}
	var errs []error
	for _, r := range f.roles {
		errs = append(errs, r.end())
	}
	if err := errors.Join(errs...); err != nil {
		progress("stopping %s: %v", f.title, err)
	}
}

// recording is a second of a melody; i makes it different from all others.
func recording(i int) []byte {
	const rate = 48_000
	samples := slices.Clone(melody[:rate])
	samples[0], samples[1] = int16(i), int16(i>>16)
	return mediatest.WAV(rate, 1, samples)
}

var melody = mediatest.Tune(48_000)

func freeAddress() (string, error) {
	l, err := listen.Free()
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// every asks done at an interval until it reports true or fails.
func every(ctx context.Context, interval time.Duration, done func() (bool, error)) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
