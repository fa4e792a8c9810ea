package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"orak"
	"orak/control"
	"orak/test/stack"
	"orak/workflows"
)

// liveWithin is how soon every process has a change.
const liveWithin = 2 * time.Second

// process is a process of one role.
type process struct {
	*App
	t *testing.T
}

func startProcess(t *testing.T, cfg Config, roles Roles) process {
	t.Helper()
	a, err := Start(t.Context(), cfg, roles, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		require.NoError(t, a.Stop(ctx))
	})
	return process{a, t}
}

// shows reports whether the metrics have a line.
func (p process) shows(line string) bool {
	resp, err := http.Get("http://" + p.AdminAddr() + "/metrics")
	require.NoError(p.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	return strings.Contains(string(body), line+"\n")
}

// upload sends a recording of a tenant and returns the status.
func (p process) upload(tenant, key string) *http.Response {
	sound := "RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80>\x00\x00\x00}\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00" + strings.Repeat("x", 100)
	req, err := http.NewRequest(http.MethodPost, "http://"+p.APIAddr()+"/v1/uploads", strings.NewReader(sound))
	require.NoError(p.t, err)
	req.Header.Set("X-Orak-Tenant", tenant)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	return resp
}

// status is that of an upload's answer.
func (p process) status(tenant string) int {
	resp := p.upload(tenant, "")
	defer resp.Body.Close()
	return resp.StatusCode
}

// live changes settings, and takes them back at the end.
type live struct {
	t      *testing.T
	view   *control.View
	writer *control.Writer
}

func (l live) set(name string, tenant orak.Tenant, value string) {
	l.t.Helper()
	l.apply(control.Change{Setting: name, Tenant: tenant, Value: value})
}

func (l live) unset(name string, tenant orak.Tenant) {
	l.t.Helper()
	l.apply(control.Change{Setting: name, Tenant: tenant, Unset: true})
}

func (l live) apply(c control.Change) {
	l.t.Helper()
	c.By, c.Seen = "ann", l.view.Version(c.Setting, c.Tenant)
	_, err := l.writer.Apply(context.Background(), c)
	require.NoError(l.t, err)
}

// soon requires what happens within liveWithin of the change.
func (l live) soon(happens func() bool, what string) {
	l.t.Helper()
	began := time.Now()
	require.Eventually(l.t, happens, liveWithin, 20*time.Millisecond, what)
	l.t.Logf("%s after %v", what, time.Since(began).Round(time.Millisecond))
}

func TestChangesReachEveryKindOfProcess(t *testing.T) {
	servers := stack.Start(t)
	cfg := bridgeSettings(t, servers, "--api-addr=127.0.0.1:0", "--auth=none", "--scratch-dir="+t.TempDir(), "--s3-bucket="+servers.Bucket(t))
	part := func(roles Roles, id string) process {
		own := cfg
		own.InstanceID = id
		return startProcess(t, own, roles)
	}
	worker := part(Roles{Worker: true}, "live-worker")
	bridge, api := part(Roles{Bridge: true}, "live-bridge"), part(Roles{API: true}, "live-api")
	l := live{t: t, view: worker.control, writer: control.NewWriter(cfg.Kafka, worker.control, worker.log)}

	for _, change := range []struct {
		name, value string
		in          process
		metric      string
		flag        int
	}{
		{"bridge-inflight", "7", bridge, `orak_bridge_limit_records{dependency="temporal"} %v`, cfg.Bridge.Inflight},
		{"gpu-slots", "5", worker, `orak_activity_slots{queue="orak-gpu"} %v`, cfg.Worker.GPUSlots},
		{"convert-slots", "9", worker, `orak_activity_slots{queue="orak-convert"} %v`, 0},
	} {
		was := change.flag
		if was > 0 {
			require.True(t, change.in.shows(fmt.Sprintf(change.metric, was)), change.name)
		}
		l.set(change.name, "", change.value)
		l.soon(func() bool { return change.in.shows(fmt.Sprintf(change.metric, change.value)) }, change.name)
		l.unset(change.name, "")
		l.soon(func() bool { return !change.in.shows(fmt.Sprintf(change.metric, change.value)) }, change.name+" unset")
		if was > 0 {
			require.True(t, change.in.shows(fmt.Sprintf(change.metric, was)), "the flag of "+change.name)
		}
	}

	l.set("intake", "choir", control.IntakePaused)
	l.soon(func() bool { return api.status("choir") == http.StatusServiceUnavailable }, "intake paused")
	refused := api.upload("choir", "")
	body, err := io.ReadAll(refused.Body)
	require.NoError(t, err)
	require.NoError(t, refused.Body.Close())
	require.Contains(t, string(body), "intake-paused")
	require.Equal(t, "60", refused.Header.Get("Retry-After"))
	require.Equal(t, http.StatusAccepted, api.status("solo"), "other tenants are not paused")
	l.unset("intake", "choir")
	l.soon(func() bool { return api.status("choir") == http.StatusAccepted }, "intake open")

	l.set("tier", "choir", control.TierBackfill)
	l.soon(func() bool { return bridge.priority("choir") == workflows.PriorityBackfill }, "tier")
	resp := api.upload("choir", "the-backfill")
	require.Equal(t, http.StatusAccepted, resp.StatusCode)
	id := strings.TrimPrefix(resp.Header.Get("Location"), "/v1/uploads/")
	require.NoError(t, resp.Body.Close())
	var started *workflowservice.DescribeWorkflowExecutionResponse
	require.Eventually(t, func() bool {
		started, err = worker.temporal.DescribeWorkflowExecution(t.Context(), workflows.UploadWorkflowID(orak.UploadID(id)), "")
		return err == nil
	}, within, 50*time.Millisecond)
	require.EqualValues(t, workflows.PriorityBackfill, started.GetWorkflowExecutionInfo().GetPriority().GetPriorityKey())
	l.unset("tier", "choir")

	l.set("park-for", "", "36h")
	require.Equal(t, 36*time.Hour, worker.parkFor(), "a writer's own process has it at once")
	l.unset("park-for", "")
	require.Equal(t, cfg.Worker.Settings.ParkFor, worker.parkFor())

	l.set("alert-routes", "", "input=quality")
	require.Equal(t, "quality", control.AlertRoutes.Of(worker.control, "input"))
	l.unset("alert-routes", "")

	l.set("api-max-tenant-uploads", "choir", "3")
	l.soon(func() bool { return api.maxTenantUploads("choir") == 3 }, "uploads of a tenant")
	require.Equal(t, cfg.API.MaxTenantUploads, api.maxTenantUploads("solo"))
	l.unset("api-max-tenant-uploads", "choir")
	for _, p := range []process{worker, bridge, api} {
		require.True(t, p.shows("orak_control_live 1"))
	}
}
