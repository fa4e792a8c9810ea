package app

import (
	"context"
	"strconv"
	"time"

	"orak"
	"orak/activities"
	"orak/api"
	"orak/bridge"
	"orak/control"
	"orak/internal/mattermost"
	"orak/worker"
	"orak/workflows"
)

// maxTenantUploads is api.Deps.MaxTenantUploads.
func (a *App) maxTenantUploads(t orak.Tenant) int {
	return control.MaxTenantUploads.Of(a.control, t, a.cfg.API.MaxTenantUploads)
}

// tenantLimits is api.Deps.Limits.
func (a *App) tenantLimits(t orak.Tenant) api.TenantLimits {
	return api.TenantLimits{
		Requests:    control.MaxTenantRequests.Of(a.control, t, a.cfg.API.MaxTenantRequests),
		DayBytes:    int64(control.MaxTenantDayBytes.Of(a.control, t, int(a.cfg.API.MaxTenantDayBytes))),
		UploadBytes: int64(control.MaxUploadBytes.Of(a.control, t, int(a.cfg.API.MaxUploadBytes))),
		Watchers:    control.MaxTenantWatchers.Of(a.control, t, a.cfg.API.MaxTenantWatchers),
	}
}

// apiSettings returns what the API reads and changes settings with.
func (a *App) apiSettings() api.Settings {
	return struct {
		*control.View
		*control.Writer
	}{a.control, control.NewWriter(a.cfg.Kafka, a.control, a.log)}
}

// settingFlags returns the values of the live settings while nothing is set, as the flags
// of this process say.
func (a *App) settingFlags() map[string]string {
	return map[string]string{
		control.MaxTenantUploads.Name:  strconv.Itoa(a.cfg.API.MaxTenantUploads),
		control.MaxTenantRequests.Name: strconv.Itoa(a.cfg.API.MaxTenantRequests),
		control.MaxTenantDayBytes.Name: strconv.FormatInt(a.cfg.API.MaxTenantDayBytes, 10),
		control.MaxTenantWatchers.Name: strconv.Itoa(a.cfg.API.MaxTenantWatchers),
		control.MaxUploadBytes.Name:    strconv.FormatInt(a.cfg.API.MaxUploadBytes, 10),
		control.BridgeInflight.Name:    strconv.Itoa(a.cfg.Bridge.Inflight),
		control.ConvertSlots.Name:      strconv.Itoa(a.cfg.Worker.ConvertSlots),
		control.GPUSlots.Name:          strconv.Itoa(a.cfg.Worker.GPUSlots),
		control.ParkFor.Name:           a.cfg.Worker.Settings.ParkFor.String(),
	}
}

// paused is api.Deps.Paused.
func (a *App) paused(t orak.Tenant) bool {
	return control.Intake.Of(a.control, t) == control.IntakePaused
}

// priority is bridge.Deps.Priority.
func (a *App) priority(t orak.Tenant) int {
	switch control.Tier.Of(a.control, t) {
	case control.TierRealtime:
		return workflows.PriorityRealtime
	case control.TierBackfill:
		return workflows.PriorityBackfill
	default:
		return 0
	}
}

// parkFor is worker.Deps.ParkFor.
func (a *App) parkFor() time.Duration {
	return control.ParkFor.Of(a.control, a.cfg.Worker.Settings.ParkFor)
}

// route is worker.Deps.Route.
func (a *App) route(chat *mattermost.Client) func(context.Context, orak.Class) activities.Notifier {
	return func(ctx context.Context, c orak.Class) activities.Notifier {
		return chat.Route(ctx, control.AlertRoutes.Of(a.control, string(c)))
	}
}

// followBridge applies the live settings to each bridge until the process stops.
func (a *App) followBridge(ctx context.Context, bridges []*bridge.Bridge) {
	a.beside(ctx, "bridge settings", func(ctx context.Context) {
		a.control.Watch(ctx, func() {
			for _, b := range bridges {
				b.SetInflight(control.BridgeInflight.Of(a.control, "", a.cfg.Bridge.Inflight))
			}
		})
	})
}

// followWorker applies the live settings to w until the process stops.
func (a *App) followWorker(ctx context.Context, w *worker.Worker) {
	a.beside(ctx, "worker settings", func(ctx context.Context) {
		a.control.Watch(ctx, func() {
			w.SetGPUSlots(control.GPUSlots.Of(a.control, "", a.cfg.Worker.GPUSlots))
			w.SetConvertSlots(control.ConvertSlots.Of(a.control, "", a.cfg.Worker.ConvertSlots))
		})
	})
}
