package api_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"orak"
	"orak/api"
	"orak/api/resource"
	"orak/control"
	"orak/events"
	"orak/internal/auth"
	"orak/internal/kafka"
	"orak/operate/lag"
	"orak/operate/overview"
)

// overseen gives a server what operators look at, on its own broker and namespace.
func overseen(b *bundle, deps overview.Deps) *overview.Overview {
	deps.Kafka = kafka.Config{Brokers: b.broker.ListenAddrs(), ClientID: "test"}
	deps.Lag = lag.Config{Interval: time.Second, Window: 10 * time.Second, Groups: []string{events.GroupBridge}}
	deps.Log, deps.Metrics = b.deps.Log, prometheus.NewRegistry()
	o := overview.New(deps)
	b.t.Cleanup(o.Stop)
	return o
}

func TestAttentionListsWhatNeedsAPerson(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t, operating, func(b *bundle) {
		b.deps.Operations = overseen(b, overview.Deps{Temporal: b.deps.Workflows.(client.Client), Namespace: b.deps.Namespace})
	})
	quiet := into[resource.Attention](t, b.get("/v1/attention"), http.StatusOK)
	require.Empty(t, quiet.Unavailable)
	require.NotNil(t, quiet.Items)
	require.Empty(t, quiet.Items, "there is nothing to do")

	for _, class := range []orak.Class{orak.ClassInput, orak.ClassInput, orak.ClassInternal} {
		p := progress("choir", orak.StatusDeadLettered)
		p.Failure.Class = class
		b.begin(p)
	}
	var found resource.Attention
	b.eventually(func() bool {
		found = into[resource.Attention](t, b.get("/v1/attention"), http.StatusOK)
		return len(found.Items) == 2
	}, "the dead letters are counted")
	require.True(t, slices.IsSortedFunc(found.Items, func(x, y resource.AttentionItem) int {
		return map[string]int{resource.SeverityCritical: 0, resource.SeverityWarning: 1}[x.Severity] - map[string]int{resource.SeverityCritical: 0, resource.SeverityWarning: 1}[y.Severity]
	}))
	require.Equal(t, []string{resource.AttentionDeadLetters, "convert/internal"}, []string{found.Items[0].Kind, found.Items[0].Subject})
	i := slices.IndexFunc(found.Items, func(i resource.AttentionItem) bool { return i.Class == orak.ClassInput })
	require.EqualValues(t, 2, found.Items[i].Count)
	require.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), found.Items[i].Since)
	require.Empty(t, into[resource.Attention](t, b.get("/v1/attention", tenant("band")), http.StatusOK).Items, "they are another tenant's")
}

func TestPausedWebhookNeedsAPersonOfItsTenant(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t, func(b *bundle) {
		b.cfg.MaxTenantWebhooks = 3
		ns := b.servers.Namespace(t)
		b.deps.Workflows = b.servers.Client(t, ns)
		b.deps.Operations = overseen(b, overview.Deps{Temporal: b.servers.Client(t, ns), Namespace: ns})
	})
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	secret := control.WebhookSecret{Key: "a", Salt: make([]byte, 16)}
	for id, pause := range map[string]*control.WebhookPause{"wh1111111111": {At: at, By: "orak", Reason: "it answered 500 for days"}, "wh2222222222": nil} {
		_, err := g.deps.Webhooks.PutWebhook(t.Context(), control.Webhook{
			Stamp: control.Stamp{By: "ann"}, Tenant: "choir", ID: id, URL: "https://app.example.org/hook", CreatedAt: at, CreatedBy: "ann", Secret: secret, Paused: pause,
		})
		require.NoError(t, err)
	}
	_, all := g.key(auth.NewKey{Tenant: auth.EveryTenant, Scopes: auth.Scopes})
	for of, want := range map[string]int{"*": 1, "choir": 1, "band": 0} {
		found := into[resource.Attention](t, g.get("/v1/attention", all, header{"X-Orak-Tenant", of}), http.StatusOK)
		require.Len(t, found.Items, want, of)
		if want == 0 {
			continue
		}
		item := found.Items[0]
		require.Equal(t, []string{resource.AttentionWebhookPaused, "wh1111111111", "choir"}, []string{item.Kind, item.Webhook, string(item.Tenant)})
		require.Equal(t, at, item.Since)
		require.Equal(t, "A webhook of choir is paused: It answered 500 for days.", item.Detail)
	}
}

func TestAttentionNamesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	b := prepare(t) // its namespace does not exist
	operating(b)
	b.deps.Operations = overseen(b, overview.Deps{Temporal: b.servers.Client(t, "no-such-namespace"), Namespace: "no-such-namespace"})
	b.start()
	found := into[resource.Attention](t, b.get("/v1/attention"), http.StatusOK)
	require.NotNil(t, found.Items)
	require.Contains(t, found.Unavailable, resource.Unavailable{Part: "dead_letters", Dependency: "temporal"})
	require.Contains(t, found.Unavailable, resource.Unavailable{Part: "outages", Dependency: "temporal"})
	for _, path := range []string{"queues", "outages", "reconcile"} {
		problem(t, b.get("/v1/"+path), http.StatusServiceUnavailable, "unavailable")
	}
	require.Len(t, into[resource.Topics](t, b.get("/v1/topics"), http.StatusOK).Topics, len(events.Topics()))
	require.Len(t, into[resource.Lag](t, b.get("/v1/lag"), http.StatusOK).Groups, 1)
	require.Len(t, into[resource.Sinks](t, b.get("/v1/sinks"), http.StatusOK).Sinks, 3)
	problem(t, b.get("/v1/lag?group=x"), http.StatusBadRequest, "invalid-request")
	problem(t, b.get("/v1/reconcile?limit=0"), http.StatusBadRequest, "invalid-request")
}

func TestRoutesOfOperatorsWithoutOperationsAreUnavailable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"attention", "queues", "lag", "topics", "outages", "reconcile", "sinks"} {
		problem(t, b.get("/v1/"+path), http.StatusServiceUnavailable, "unavailable")
		problem(t, b.get("/v1/"+path, tenant(resource.EveryTenant)), http.StatusForbidden, "all-tenants-off")
	}
}

func TestOperatorOfOneTenantSeesOnlyItsUploads(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t, func(b *bundle) {
		ns := b.servers.Namespace(t)
		b.deps.Workflows = b.servers.Client(t, ns)
		b.deps.Operations = noted{overseen(b, overview.Deps{Temporal: b.servers.Client(t, ns), Namespace: ns}), make(chan orak.Tenant, 10)}
	})
	_, one := g.key(auth.NewKey{Tenant: "choir", Scopes: []auth.Scope{auth.ScopeOperate}})
	_, all := g.key(auth.NewKey{Tenant: auth.EveryTenant, Scopes: []auth.Scope{auth.ScopeOperate}})
	tenants := g.deps.Operations.(noted).tenants
	for _, c := range []struct {
		headers []header
		want    orak.Tenant
	}{
		{[]header{one}, "choir"},
		{[]header{all, {"X-Orak-Tenant", "*"}}, resource.EveryTenant},
		{[]header{all, {"X-Orak-Tenant", "band"}}, "band"},
	} {
		into[resource.Queues](t, g.get("/v1/queues", c.headers...), http.StatusOK)
		require.Equal(t, c.want, <-tenants)
		into[resource.Attention](t, g.get("/v1/attention", c.headers...), http.StatusOK)
		require.Equal(t, c.want, <-tenants)
	}
	problem(t, g.get("/v1/queues", one, header{"X-Orak-Tenant", "*"}), http.StatusForbidden, "foreign-tenant")
}

// noted notes for which tenants it was asked.
type noted struct {
	api.Operations
	tenants chan orak.Tenant
}

func (a noted) Queues(ctx context.Context, t orak.Tenant) (resource.Queues, error) {
	a.tenants <- t
	return a.Operations.Queues(ctx, t)
}

func (a noted) Attention(ctx context.Context, t orak.Tenant) resource.Attention {
	a.tenants <- t
	return a.Operations.Attention(ctx, t)
}
