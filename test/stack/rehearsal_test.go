package stack

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// runner restarts one service whenever it ends, and describes it as `task
// rehearse` does.
type runner struct {
	t    *testing.T
	path string
}

// describe replaces the file atomically.
func (r runner) describe(s Service) {
	text, err := json.Marshal(rehearsed{Services: map[string]Service{"worker": s}, Env: map[string]string{"ORAK_KAFKA_BROKERS": "a:1,b:2"}})
	require.NoError(r.t, err)
	require.NoError(r.t, os.WriteFile(r.path+".new", text, 0o600))
	require.NoError(r.t, os.Rename(r.path+".new", r.path))
}

// run starts the service until ctx ends. A life is a shell with a child, both of
// which must end.
func (r runner) run(ctx context.Context, up chan<- struct{}) {
	for n := 0; ctx.Err() == nil; n++ {
		cmd := exec.CommandContext(ctx, "sh", "-c", "setsid sleep 600 & wait")
		cmd.Cancel = func() error { return signalAll(cmd.Process.Pid, syscall.SIGKILL) }
		output, err := cmd.StdoutPipe() // open until the child has ended, too
		require.NoError(r.t, err)
		require.NoError(r.t, cmd.Start())
		r.describe(Service{PID: cmd.Process.Pid, Address: "127.0.0.1", State: "running", Healthy: true, Restarts: n})
		select {
		case up <- struct{}{}:
		default:
		}
		_, err = output.Read(make([]byte, 1))
		require.Error(r.t, err, "the service ends without output")
		require.Error(r.t, cmd.Wait())
		r.describe(Service{State: "exited", Restarts: n})
	}
}

func TestRehearsalKillsEveryLifeOfAServiceAndAwaitsTheNext(t *testing.T) {
	r := runner{t, filepath.Join(t.TempDir(), "rehearsal.json")}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	up, ended := make(chan struct{}, 1), make(chan struct{})
	go func() { defer close(ended); r.run(ctx, up) }()
	defer func() { cancel(); <-ended }()
	<-up
	t.Setenv(RehearsalEnv, r.path)
	rehearsal, err := OpenRehearsal()
	require.NoError(t, err)
	require.Equal(t, "a:1,b:2", rehearsal.Servers().Kafka)

	first, err := rehearsal.AwaitHealthy(ctx, "worker", 0)
	require.NoError(t, err)
	killed, err := rehearsal.KillFor(ctx, "worker", 10*poll)
	require.NoError(t, err)
	require.Equal(t, first.PID, killed[0])
	require.Greater(t, len(killed), 1, "only one life was killed")
	next, err := rehearsal.AwaitHealthy(ctx, "worker", killed[len(killed)-1])
	require.NoError(t, err)
	require.Greater(t, next.Restarts, first.Restarts+1)

	_, err = rehearsal.Service("absent")
	require.ErrorContains(t, err, "no service absent")
}

func TestRehearsalIsAskedForWhereNoneRuns(t *testing.T) {
	t.Setenv(RehearsalEnv, "")
	_, err := OpenRehearsal()
	require.ErrorIs(t, err, ErrNoRehearsal)
}
