package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// readyTimeout bounds a start, without the building. It is generous: the
	// machine may be busy.
	readyTimeout = 90 * time.Second
	// stopTimeout bounds a graceful end; after it the child is killed and the
	// test fails.
	stopTimeout = 60 * time.Second
)

// Options configure one process.
type Options struct {
	// Env are further settings, as "ORAK_GPU_SLOTS=1". The environment of
	// the test process reaches the child without its own ORAK_ variables.
	Env []string
	// Args are further flags; --kafka-brokers=… makes up use another Kafka.
	Args []string
	// DataDir is the data folder; empty means a fresh one that is removed
	// at the end.
	DataDir string
	// Binary is the path of orak-standalone; empty builds it.
	Binary string
}

// Process is an orak-standalone that a test or a tool may kill. Its addresses
// and its data folder stay the same over a restart.
type Process struct {
	*Child
	// Servers are the addresses of its servers.
	Servers
	// API is the URL of the service, without a slash at its end; empty if
	// only servers run.
	API string
	// Admin is the URL of its metrics, without a slash at its end; empty if only servers
	// run.
	Admin string
	// APIKey calls it; empty unless the options set ORAK_AUTH=required.
	APIKey string
	// Logs are the files in which its servers and the service log.
	Logs []string
	// Took is the time from its start until it was ready.
	Took time.Duration

	t      testing.TB
	mode   string
	opts   Options
	ports  []string
	remove bool
}

// StartUp runs the whole service, as orak-standalone up does. It ends with t,
// and its output is shown if t has failed.
func StartUp(t testing.TB, opts Options) *Process {
	t.Helper()
	return startProcess(t, "up", opts)
}

// StartServers runs only the servers, as Start does, for a test that kills
// them.
func StartServers(t testing.TB, opts Options) *Process {
	t.Helper()
	return startProcess(t, "servers", opts)
}

func startProcess(t testing.TB, mode string, opts Options) *Process {
	t.Helper()
	if opts.DataDir == "" {
		opts.DataDir = t.TempDir()
	}
	p, err := Launch(mode, opts)
	if err != nil {
		t.Fatalf("running orak-standalone %s: %v", mode, err)
	}
	p.t = t
	t.Cleanup(func() {
		p.Kill()
		p.show()
	})
	return p
}

// Launch runs orak-standalone in a mode, "up" or "servers", and returns once
// it is ready. It ends with Close, or with the process that called Launch.
func Launch(mode string, opts Options) (*Process, error) {
	p := &Process{mode: mode, opts: opts}
	if opts.DataDir == "" {
		dir, err := os.MkdirTemp("", "orak-stack-")
		if err != nil {
			return nil, fmt.Errorf("making the data folder: %w", err)
		}
		p.opts.DataDir, p.remove = dir, true
	}
	p.ports = []string{"--temporal-port=0", "--temporal-ui-port=0", "--s3-port=0"}
	if !p.otherKafka() {
		p.ports = append(p.ports, "--kafka-port=0")
	}
	if mode == "up" {
		p.ports = append(p.ports, "--api-port=0", "--admin-port=0")
	}
	if err := p.start(); err != nil {
		return nil, errors.Join(err, p.clear())
	}
	return p, nil
}

// Close kills the process and removes a data folder that Launch made.
func (p *Process) Close() error {
	p.Kill()
	return p.clear()
}

func (p *Process) clear() error {
	if !p.remove {
		return nil
	}
	return os.RemoveAll(p.opts.DataDir)
}

// start runs the child. Only the first start chooses ports.
func (p *Process) start() error {
	args := append([]string{p.mode, "--json", "--exit-with-stdin", "--data-dir=" + p.opts.DataDir}, p.ports...)
	c, ready, err := spawn(p.opts.Binary, p.opts.Env, append(args, p.opts.Args...)...)
	if err != nil {
		return err
	}
	p.Child, p.Took = c, time.Since(c.Began)
	servers, err := ready.servers()
	if err != nil {
		c.Kill()
		return err
	}
	p.Servers, p.API, p.Admin, p.Logs = *servers, ready.API, ready.Admin, []string{ready.Log}
	if ready.APIKeyFile != "" {
		text, err := os.ReadFile(ready.APIKeyFile)
		if err != nil {
			c.Kill()
			return fmt.Errorf("reading the API key: %w", err)
		}
		p.APIKey = strings.TrimSpace(string(text))
	}
	if ready.OrakLog != "" {
		p.Logs = append(p.Logs, ready.OrakLog)
	}
	p.ports = []string{
		"--temporal-port=" + port(ready.Temporal), "--temporal-ui-port=" + port(ready.TemporalUI),
		"--s3-port=" + port(ready.S3),
	}
	if !p.otherKafka() {
		p.ports = append(p.ports, "--kafka-port="+port(ready.Kafka))
	}
	if p.API != "" {
		p.ports = append(p.ports, "--api-port="+port(p.API), "--admin-port="+port(ready.Admin))
	}
	return nil
}

// otherKafka reports whether the process uses a broker that is not its own.
func (p *Process) otherKafka() bool {
	return slices.ContainsFunc(p.opts.Args, func(arg string) bool { return strings.HasPrefix(arg, "--kafka-brokers=") })
}

// Restart starts it again after Kill or Stop, on the same data folder and
// ports, and returns once it is ready.
func (p *Process) Restart() {
	p.t.Helper()
	select {
	case <-p.exited:
	default:
		p.t.Fatal("restarting a process that still runs")
	}
	p.show()
	if err := p.start(); err != nil {
		p.t.Fatalf("running orak-standalone %s: %v", p.mode, err)
	}
}

// Stop asks the process to end, as Ctrl-C does, and fails the test if it does
// not end well.
func (p *Process) Stop() {
	p.t.Helper()
	if err := p.End(syscall.SIGINT, stopTimeout); err != nil {
		p.t.Errorf("stopping orak-standalone %s: %v", p.mode, err)
	}
}

// show prints what the child wrote, if the test has failed.
func (p *Process) show() {
	if !p.t.Failed() {
		return
	}
	p.t.Logf("orak-standalone %s (process %d) wrote:\n%s", p.mode, p.PID(), p.Output())
	for _, log := range p.Logs {
		ShowLog(p.t, log)
	}
}

// ShowLog prints the end of a log file, if the test has failed.
func ShowLog(t testing.TB, path string) {
	if !t.Failed() {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Logf("reading a log: %v", err)
		return
	}
	t.Logf("the end of %s:\n%s", path, text[max(0, len(text)-20_000):])
}

// spawn runs orak-standalone, which it builds unless a path is given, and
// returns once it is ready.
func spawn(path string, env []string, args ...string) (*Child, readiness, error) {
	release := func() {}
	if path == "" {
		var err error
		if path, release, err = build(); err != nil {
			return nil, readiness{}, err
		}
	}
	cmd := exec.Command(path, args...)
	// Tests that are not about authentication call the API without a credential.
	cmd.Env = Environ(append([]string{"ORAK_AUTH=none"}, env...)...)
	ready := make(chan readiness, 1)
	c, err := Run(cmd, func(line string) bool {
		var r readiness
		if json.Unmarshal([]byte(line), &r) != nil || !r.Ready {
			return false
		}
		ready <- r
		return true
	})
	release()
	if err != nil {
		return nil, readiness{}, fmt.Errorf("%w (go tool task build makes it)", err)
	}
	select {
	case r := <-ready:
		return c, r, nil
	case <-c.exited:
		return nil, readiness{}, fmt.Errorf("orak-standalone ended before it was ready: %w\n%s", c.err, c.Output())
	case <-time.After(readyTimeout):
		c.Kill()
		return nil, readiness{}, fmt.Errorf("orak-standalone was not ready within %s\n%s", readyTimeout, c.Output())
	}
}

// readiness is the line that orak-standalone prints once it is up.
type readiness struct {
	Ready         bool   `json:"ready"`
	API           string `json:"api"`
	Admin         string `json:"admin"`
	Temporal      string `json:"temporal"`
	TemporalUI    string `json:"temporal_ui"`
	Kafka         string `json:"kafka"`
	S3            string `json:"s3"`
	S3Credentials string `json:"s3_credentials"`
	DataDir       string `json:"data_dir"`
	Log           string `json:"log"`
	OrakLog       string `json:"orak_log"`
	APIKeyFile    string `json:"api_key_file"`
}

// port is the port of a host:port or a URL.
func port(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Port()
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return port
}
