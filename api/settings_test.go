package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/api/resource"
	"orak/control"
	"orak/internal/auth"
	"orak/workflows"
)

func (g *guarded) put(path, body string, headers ...header) reply {
	g.t.Helper()
	headers = append([]header{{"Content-Type", "application/json"}}, headers...)
	return g.do(g.request(http.MethodPut, path, strings.NewReader(body), headers...))
}

func (g *guarded) setting(query, name string, headers ...header) resource.Setting {
	g.t.Helper()
	all := into[resource.Settings](g.t, g.get("/v1/admin/settings"+query, headers...), http.StatusOK)
	i := slices.IndexFunc(all.Settings, func(s resource.Setting) bool { return s.Name == name })
	require.GreaterOrEqual(g.t, i, 0, name)
	return all.Settings[i]
}

func TestSettingsAreChangedOnlyAtTheVersionThatWasSeen(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t, func(b *bundle) { b.deps.SettingDefaults = map[string]string{control.GPUSlots.Name: "2"} })
	id, root := g.key(auth.NewKey{Tenant: auth.EveryTenant, Scopes: auth.Scopes})

	before := g.setting("", "gpu-slots", root)
	require.Equal(t, "2", before.Value)
	require.Equal(t, "default", before.Source)
	require.Zero(t, before.Version)
	require.NotEmpty(t, before.Range)
	require.False(t, before.PerTenant)

	set := into[resource.Setting](t, g.put("/v1/admin/settings/gpu-slots", `{"value":"1","version":0}`, root), http.StatusOK)
	require.Equal(t, []string{"1", "2", "set", "key/" + id}, []string{set.Value, set.Default, set.Source, set.By})
	require.Equal(t, set, g.setting("", "gpu-slots", root))
	problem(t, g.put("/v1/admin/settings/gpu-slots", `{"value":"3","version":0}`, root), http.StatusConflict, "conflict")

	unset := func(version int64) reply {
		return g.do(g.request(http.MethodDelete, fmt.Sprintf("/v1/admin/settings/gpu-slots?version=%d", version), nil, root))
	}
	problem(t, unset(set.Version+1), http.StatusConflict, "conflict")
	now := into[resource.Setting](t, unset(set.Version), http.StatusOK)
	require.Equal(t, []string{"2", "default", ""}, []string{now.Value, now.Source, now.By})
	require.Greater(t, now.Version, set.Version)

	// One of a tenant overrides that of all.
	into[resource.Setting](t, g.put("/v1/admin/settings/tier", `{"value":"backfill","version":0}`, root), http.StatusOK)
	require.Equal(t, "backfill", g.setting("?tenant=choir", "tier", root).Value)
	own := into[resource.Setting](t, g.put("/v1/admin/settings/tier?tenant=choir", `{"value":"realtime","version":0}`, root), http.StatusOK)
	require.Equal(t, orak.Tenant("choir"), own.Tenant)
	require.Equal(t, "realtime", g.setting("?tenant=choir", "tier", root).Value)
	require.Equal(t, "backfill", g.setting("?tenant=band", "tier", root).Value)
	require.Equal(t, "backfill", g.setting("", "tier", root).Value)
	require.Contains(t, g.log.String(), `"subject":"tier for choir"`)
}

func TestSettingsRefuseWhatCannotBe(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	_, root := g.key(auth.NewKey{Tenant: auth.EveryTenant, Scopes: auth.Scopes})
	problem(t, g.put("/v1/admin/settings/no-such", `{"value":"1","version":0}`, root), http.StatusNotFound, "not-found")
	bad := problem(t, g.put("/v1/admin/settings/gpu-slots", `{"value":"0","version":0}`, root), http.StatusBadRequest, "invalid-request")
	require.Contains(t, bad.Detail, "1 to 1024")
	problem(t, g.put("/v1/admin/settings/gpu-slots?tenant=choir", `{"value":"1","version":0}`, root), http.StatusBadRequest, "invalid-request")
	problem(t, g.put("/v1/admin/settings/tier?tenant=Choir!", `{"value":"realtime","version":0}`, root), http.StatusBadRequest, "invalid-request")
	problem(t, g.put("/v1/admin/settings/gpu-slots", `{"value":1}`, root), http.StatusBadRequest, "invalid-request")
	problem(t, g.do(g.request(http.MethodDelete, "/v1/admin/settings/gpu-slots", nil, root)), http.StatusBadRequest, "invalid-request")
	problem(t, g.get("/v1/admin/settings?for=choir", root), http.StatusBadRequest, "invalid-request")
}

func TestAdminOfOneTenantSeesItsSettingsAndChangesNone(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	_, admin := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	_, root := g.key(auth.NewKey{Tenant: auth.EveryTenant, Scopes: auth.Scopes})
	into[resource.Setting](t, g.put("/v1/admin/settings/intake?tenant=choir", `{"value":"paused","version":0}`, root), http.StatusOK)

	seen := into[resource.Settings](t, g.get("/v1/admin/settings", admin), http.StatusOK)
	require.Equal(t, orak.Tenant("choir"), seen.Tenant)
	require.True(t, seen.Live)
	for _, s := range seen.Settings {
		require.True(t, s.PerTenant, s.Name)
	}
	require.Equal(t, "paused", g.setting("?tenant=choir", "intake", admin).Value)
	problem(t, g.get("/v1/admin/settings?tenant=band", admin), http.StatusForbidden, "foreign-tenant")
	problem(t, g.put("/v1/admin/settings/intake", `{"value":"open","version":1}`, admin), http.StatusForbidden, "foreign-tenant")
	problem(t, g.do(g.request(http.MethodDelete, "/v1/admin/settings/intake?version=1&tenant=choir", nil, admin)), http.StatusForbidden, "foreign-tenant")
}

func TestTenantsHaveTheirLimitsAndUsage(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t, func(b *bundle) {
		b.deps.Workflows = b.servers.Client(t, b.servers.Namespace(t))
		b.deps.Paused = func(of orak.Tenant) bool { return of == "band" }
	})
	_, admin := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	g.key(auth.NewKey{Tenant: "band", Scopes: auth.Scopes})
	_, root := g.key(auth.NewKey{Tenant: auth.EveryTenant, Scopes: auth.Scopes})
	into[resource.Setting](t, g.put("/v1/admin/settings/tier?tenant=soloist", `{"value":"realtime","version":0}`, root), http.StatusOK)
	require.Equal(t, http.StatusAccepted, g.upload(wav(2000), admin).status)
	p := progress("trio", orak.StatusDeadLettered)
	_, err := g.deps.Workflows.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: workflows.UploadWorkflowID(p.Upload.ID), TaskQueue: workflows.QueuePipeline,
		TypedSearchAttributes: temporal.NewSearchAttributes(workflows.AttrTenant.ValueSet("trio")),
	}, workflows.TypeProcessUpload)
	require.NoError(t, err)
	g.eventually(func() bool {
		counted, err := g.deps.Workflows.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: "OrakTenant = 'trio'"})
		return err == nil && counted.GetCount() == 1
	}, "visibility has it")

	all := into[resource.Tenants](t, g.get("/v1/admin/tenants", root), http.StatusOK)
	require.Empty(t, all.Unavailable)
	require.Len(t, all.Tenants, 4)
	band, choir, soloist := all.Tenants[0], all.Tenants[1], all.Tenants[2]
	require.True(t, band.Limits.Paused)
	require.Equal(t, 1, band.Keys)
	require.EqualValues(t, 2000, choir.Usage.DayBytes)
	require.Equal(t, 100, choir.Limits.Uploads)
	require.EqualValues(t, 100_000_000, choir.Limits.UploadBytes)
	require.EqualValues(t, 0, *choir.UploadsToday, "no bridge has started its workflow")
	require.Equal(t, 1, soloist.Settings)
	require.Equal(t, orak.Tenant("trio"), all.Tenants[3].Tenant)
	require.EqualValues(t, 1, *all.Tenants[3].UploadsToday)

	own := into[resource.Tenants](t, g.get("/v1/admin/tenants", admin), http.StatusOK)
	require.Len(t, own.Tenants, 1)
	require.Equal(t, orak.Tenant("choir"), own.Tenants[0].Tenant)
}

func TestTenantsWithoutTemporalSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t) // its namespace does not exist
	_, admin := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	own := into[resource.Tenants](t, g.get("/v1/admin/tenants", admin), http.StatusOK)
	require.Equal(t, []resource.Unavailable{{Part: "uploads_today", Dependency: "temporal"}}, own.Unavailable)
	require.Nil(t, own.Tenants[0].UploadsToday)
	require.Equal(t, 1, own.Tenants[0].Keys)
}
