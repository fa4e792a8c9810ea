// Package stack runs the built orak-standalone for a measurement: a process of
// its own, on free ports, with a data folder that goes when it ends.
package stack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Process is one running stack.
type Process struct {
	// API is its URL, empty where there are only servers; the others are
	// host:port.
	API      string `json:"api"`
	S3       string `json:"s3"`
	Temporal string `json:"temporal"`
	Kafka    string `json:"kafka"`
	// Credentials is the file with the store's access key.
	Credentials string `json:"s3_credentials"`
	PID         int    `json:"pid"`
	// Took is the time from the start of the process until it was ready.
	Took time.Duration `json:"-"`

	cmd   *exec.Cmd
	stdin io.WriteCloser
	dir   string
}

// Start runs the whole service with the binary at path and returns once it is
// ready.
func Start(ctx context.Context, path string) (*Process, error) {
	return start(ctx, path, "up", "--reuse-analyses=false", "--api-port=0", "--admin-port=0", "--log-level=warn")
}

// StartServers runs the servers alone.
func StartServers(ctx context.Context, path string) (*Process, error) {
	return start(ctx, path, "servers")
}

func start(ctx context.Context, path, mode string, args ...string) (*Process, error) {
	dir, err := os.MkdirTemp("", "orak-bench-")
	if err != nil {
		return nil, err
	}
	p := &Process{dir: dir}
	p.cmd = exec.CommandContext(ctx, path, append([]string{mode, "--json", "--exit-with-stdin", "--data-dir=" + dir,
		"--temporal-port=0", "--temporal-ui-port=0", "--kafka-port=0", "--s3-port=0"}, args...)...)
	p.cmd.Stderr = os.Stderr
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s (go tool task build makes it): %w", path, err), os.RemoveAll(dir))
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	p.Took = time.Since(began)
	if err == nil {
		err = json.Unmarshal(line, p)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("waiting for %s: %w", path, err), p.Stop())
	}
	return p, nil
}

// Keys are the store's access key and secret.
func (p *Process) Keys() (access, secret string, err error) {
	data, err := os.ReadFile(p.Credentials)
	if err != nil {
		return "", "", err
	}
	var keys struct {
		AccessKey string `json:"access_key"`
		SecretKey string `json:"secret_key"`
	}
	err = json.Unmarshal(data, &keys)
	return keys.AccessKey, keys.SecretKey, err
}

// Memory is what the process occupies, in bytes (VmRSS of proc(5)).
func (p *Process) Memory() (int64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("no VmRSS in /proc")
}

// Stop kills the process and removes its data: nothing of it is wanted any
// more.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("ending the stack: %w", err)
	}
	_ = p.cmd.Wait() // says that it was killed
	return os.RemoveAll(p.dir)
}
