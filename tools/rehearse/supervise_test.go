package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// shell is a service that runs a script.
func shell(at places, name, script, restart string, dependsOn types.DependsOnConfig) *service {
	cfg := types.ServiceConfig{Name: name, Restart: restart}
	cfg.DependsOn = dependsOn
	s := &service{ServiceConfig: cfg, folder: filepath.Join(at.data, "services", name), argv: []string{"sh", "-c", script}, stop: syscall.SIGTERM, places: at}
	s.env = []string{"PATH=" + os.Getenv("PATH")}
	return s
}

// serve runs services until the test ends, or until stop.
func serve(t *testing.T, at places, services ...*service) (r *runner, stop func()) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(at.data, "log"), 0o755))
	r, err := newRunner(services, at, newState(services, at))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, s := range r.supervisors {
		all.Go(func() { _ = s.run(ctx) })
	}
	stop = func() {
		cancel()
		all.Wait()
	}
	t.Cleanup(stop)
	return r, stop
}

func await(t *testing.T, r *runner, name string, want func(Status) bool) Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var found Status
	require.NoError(t, r.board.await(ctx, func(services map[string]Status) (bool, error) {
		found = services[name]
		return want(found), nil
	}))
	return found
}

func TestHeldServiceStartsOnceItIsReleased(t *testing.T) {
	t.Parallel()
	at := places{data: t.TempDir()}
	require.NoError(t, os.MkdirAll(filepath.Join(at.data, holdFolder), 0o755))
	s := shell(at, "server", "sleep 600", types.RestartPolicyAlways, nil)
	var prepared []bool
	s.tidy = func(context.Context) error { prepared = append(prepared, true); return nil }
	r, stop := serve(t, at, s)
	running := await(t, r, "server", func(s Status) bool { return s.Healthy })
	require.NoError(t, os.WriteFile(running.Hold, nil, 0o600))
	require.NoError(t, syscall.Kill(running.PID, syscall.SIGKILL))
	held := await(t, r, "server", func(s Status) bool { return s.State == stateHeld })
	require.Zero(t, held.PID)
	require.NoError(t, os.Remove(held.Hold))
	await(t, r, "server", func(s Status) bool { return s.Healthy && s.PID != running.PID })
	stop()
	require.Len(t, prepared, 2, "before every start")
}

func TestKilledServiceComesBack(t *testing.T) {
	t.Parallel()
	at := places{data: t.TempDir()}
	r, _ := serve(t, at, shell(at, "api", "echo up; exec sleep 600", "unless-stopped", nil))
	first := await(t, r, "api", func(s Status) bool { return s.Healthy })
	require.NoError(t, syscall.Kill(first.PID, syscall.SIGKILL))
	second := await(t, r, "api", func(s Status) bool { return s.Healthy && s.PID != first.PID })
	require.Equal(t, 1, second.Restarts)
	require.Equal(t, "signal: killed", second.Exit)

	content, err := os.ReadFile(filepath.Join(at.data, "rehearsal.json"))
	require.NoError(t, err)
	var state Rehearsal
	require.NoError(t, json.Unmarshal(content, &state))
	require.Equal(t, second.PID, state.Services["api"].PID)
}

func TestServicesStartAndStopInTheirOrder(t *testing.T) {
	t.Parallel()
	at := places{data: t.TempDir()}
	order := filepath.Join(at.data, "order")
	note := func(text string) string { return "echo " + text + " >>" + order }
	after := func(name, condition string) types.DependsOnConfig {
		return types.DependsOnConfig{name: {Condition: condition}}
	}
	lasting := func(name string) string {
		return "trap '" + note("stop-"+name) + "; exit 0' TERM; " + note("start-"+name) + "; while :; do sleep 0.05; done"
	}
	r, stop := serve(t, at,
		shell(at, "role", lasting("role"), "unless-stopped", after("job", types.ServiceConditionCompletedSuccessfully)),
		shell(at, "job", note("job")+"; test -e "+at.data+"/once || { touch "+at.data+"/once; exit 3; }", "on-failure:5", after("server", types.ServiceConditionHealthy)),
		shell(at, "server", lasting("server"), "unless-stopped", nil),
	)
	await(t, r, "role", func(s Status) bool { return s.Healthy })
	require.Eventually(t, func() bool { // its trap is set before it notes its start
		content, _ := os.ReadFile(order)
		return strings.Contains(string(content), "start-role")
	}, 10*time.Second, 10*time.Millisecond)
	stop()
	content, err := os.ReadFile(order)
	require.NoError(t, err)
	require.Equal(t, []string{"start-server", "job", "job", "start-role", "stop-role", "stop-server"}, strings.Fields(string(content)))
}

func TestJobThatFailsForGoodIsReported(t *testing.T) {
	t.Parallel()
	at := places{data: t.TempDir()}
	require.NoError(t, os.MkdirAll(filepath.Join(at.data, "log"), 0o755))
	r, err := newRunner([]*service{shell(at, "job", "echo no such table; exit 3", "on-failure:1", nil)}, at, newState([]*service{shell(at, "job", "echo no such table; exit 3", "on-failure:1", nil)}, at))
	require.NoError(t, err)
	err = r.supervisors[0].run(t.Context())
	require.ErrorContains(t, err, "job ended: exit status 3")
	require.ErrorContains(t, err, "no such table")
}

func TestGracePeriodBoundsAStop(t *testing.T) {
	t.Parallel()
	at := places{data: t.TempDir()}
	grace := types.Duration(200 * time.Millisecond)
	stubborn := shell(at, "stubborn", "trap '' TERM; echo up; while :; do sleep 0.05; done", "always", nil)
	stubborn.StopGracePeriod = &grace
	r, stop := serve(t, at, stubborn)
	await(t, r, "stubborn", func(s Status) bool { return s.Healthy })
	stop()
	services, _, err := r.board.snapshot()
	require.NoError(t, err)
	require.Equal(t, stateExited, services["stubborn"].State)
}

func TestPublishedPortReachesTheService(t *testing.T) {
	t.Parallel()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(conn, conn)
			conn.Close()
		}
	}()
	values := map[string]string{"X_PORT": "0"}
	require.NoError(t, choosePorts(values))
	published := "127.0.0.1:" + values["X_PORT"]
	require.NoError(t, forward(t.Context(), published, server.Addr().String()))

	client, err := net.Dial("tcp", published)
	require.NoError(t, err)
	_, err = client.Write([]byte("there and back"))
	require.NoError(t, err)
	require.NoError(t, client.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(client)
	require.NoError(t, err)
	require.Equal(t, "there and back", string(answer))

	server.Close()
	client, err = net.Dial("tcp", published)
	require.NoError(t, err)
	_, err = client.Read(make([]byte, 1))
	require.Error(t, err, "closed, since the service does not answer")
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.log")
	log, err := openLog(path, 100)
	require.NoError(t, err)
	for range 50 {
		_, err := log.Write([]byte(strings.Repeat("x", 19) + "\n"))
		require.NoError(t, err)
	}
	for _, file := range []string{path, path + ".1"} {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.LessOrEqual(t, info.Size(), int64(120))
	}
}

func TestOnlyAnEmptyLockFileIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postmaster.pid")
	require.NoError(t, removeEmpty(path), "there is none")
	require.NoError(t, os.WriteFile(path, []byte("4711\n"), 0o600))
	require.NoError(t, removeEmpty(path))
	require.FileExists(t, path)
	require.NoError(t, os.Truncate(path, 0))
	require.NoError(t, removeEmpty(path))
	require.NoFileExists(t, path)
}
