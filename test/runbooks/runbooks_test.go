package runbooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/test/stack"
)

// stateOf is the state of the upload that a command names. Most are about a parked
// one, and those of a failure class about one of that class.
func stateOf(c Command) string {
	switch {
	case strings.Contains(c.Shell, "erase-ID"), strings.HasPrefix(c.Shell, "orak status "), strings.Contains(c.Shell, "workflow delete "):
		return "erased"
	case slices.Contains(states, c.Section):
		return c.Section
	default:
		return "transient"
	}
}

// decides reports whether a command decides on the upload that it names.
func decides(c Command) bool {
	return c.Uploads() == 1 && !strings.Contains(c.Shell, "--dry-run") &&
		(strings.Contains(c.Shell, "reprocess") || strings.Contains(c.Shell, "discard") || strings.Contains(c.Shell, "workflow cancel"))
}

// TestRunbookCommandsWork runs the commands in three groups: those about single
// uploads concurrently, each on its own upload; then, in the documents' order,
// those about all uploads; and those that need a stopped service.
func TestRunbookCommandsWork(t *testing.T) {
	t.Parallel()
	commands, err := Commands(os.DirFS("../../docs/runbooks"))
	require.NoError(t, err)
	require.NotEmpty(t, commands)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	inReadme := InSection("README.md", string(readme), "Operate")
	require.NotEmpty(t, inReadme)
	commands = append(commands, inReadme...)
	var single, lasting, ordered, stopped []Command
	needed := map[string]int{}
	for _, c := range commands {
		c = c.Unasked()
		needed[stateOf(c)] += c.Uploads()
		switch {
		case c.Uploads() > 0:
			single = append(single, c)
		case strings.HasPrefix(c.Shell, "orak lag"):
			lasting = append(lasting, c)
		case strings.HasPrefix(c.Shell, "orak offsets reset"):
			stopped = append(stopped, c)
		default:
			ordered = append(ordered, c)
		}
	}

	began := time.Now()
	s := start(t)
	uploads := map[string][]string{}
	for _, state := range states {
		require.Positive(t, needed[state], "no command for %s", state)
		uploads[state] = s.prepare(state, needed[state])
		t.Logf("%s: %d uploads %s", time.Since(began).Round(time.Second), needed[state], state)
	}
	s.breakFFmpeg(true) // reprocessed uploads fail at once
	require.Eventually(t, func() bool {
		_, err := s.Client(t, "default").DescribeWorkflowExecution(t.Context(), "outage-alert-webhook", "")
		return err == nil
	}, patience, 50*time.Millisecond)

	r := &runner{service: s, failures: map[string]error{}, free: make(chan struct{}, 4)}
	var looks sync.WaitGroup
	for _, c := range lasting {
		looks.Go(func() { r.run(t.Context(), c, nil) })
	}
	var singles sync.WaitGroup
	for _, c := range single {
		state := stateOf(c)
		ids := uploads[state][:c.Uploads()]
		uploads[state] = uploads[state][c.Uploads():]
		singles.Go(func() {
			r.free <- struct{}{}
			defer func() { <-r.free }()
			r.run(t.Context(), c, ids)
		})
	}
	singles.Wait()
	for _, c := range ordered {
		r.run(t.Context(), c, nil)
	}
	looks.Wait()

	s.Stop()
	servers := stack.StartServers(t, stack.Options{DataDir: s.DataDir})
	s.Servers = servers.Servers
	for _, c := range stopped {
		r.run(t.Context(), c, nil)
	}
	require.Len(t, r.ran, len(commands), "a command was not run")
	for _, c := range commands {
		t.Run(c.String(), func(t *testing.T) { require.NoError(t, r.failures[c.Unasked().String()]) })
	}
}

// runner runs commands and records how they ended.
type runner struct {
	*service
	mu       sync.Mutex
	ran      []string
	failures map[string]error
	free     chan struct{}
}

func (r *runner) run(ctx context.Context, c Command, ids []string) {
	err := r.paste(ctx, c, ids)
	if err == nil && decides(c) {
		err = r.decided(ctx, ids[0])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ran = append(r.ran, c.String())
	r.failures[c.String()] = err
}

func (r *runner) paste(ctx context.Context, c Command, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	words := c.With(ids, strings.NewReplacer("http://127.0.0.1:8080", r.API, "TENANT", "default", "DEPENDENCY", "alert-webhook", "BUILD", build,
		"whk3f5x2m7q4n6p8r2s4t6", r.tenantHook))
	if c.Endless() {
		return r.interrupt(ctx, words)
	}
	out, err := r.command(ctx, words).CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && c.Allows(exit.ExitCode()) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s\n%w\n%s", words, err, out)
	}
	return nil
}

// interrupt ends a command as Ctrl-C does, after its first output.
func (r *runner) interrupt(ctx context.Context, words string) error {
	cmd := r.command(ctx, "exec "+words)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, err = out.Read(make([]byte, 1))
	if err == nil {
		err = cmd.Process.Signal(syscall.SIGINT)
	}
	ended := cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); err != nil || status != 130 && status != 0 {
		return errors.Join(fmt.Errorf("%s ended with %d\n%s", words, status, &errs), err, ended)
	}
	return nil
}
