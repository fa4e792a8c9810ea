package api_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/api/resource"
	"orak/events"
	"orak/internal/auth"
	"orak/internal/kafka"
	"orak/internal/kafka/consume"
	"orak/sinks/index"
	"orak/sinks/index/sqlite"
)

// keepIndex starts a member of the group that keeps store.
func (g *guarded) keepIndex(store *sqlite.Store) {
	g.t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	x := index.New(index.Config{
		Config: consume.Config{
			Inflight: 64, CommitInterval: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond, DrainTimeout: 5 * time.Second, SessionTimeout: 10 * time.Second,
		},
		Batch: 20, Linger: time.Millisecond, WriteTimeout: 10 * time.Second, Connections: 1,
	}, index.Deps{
		Kafka: kafka.Config{Brokers: g.broker.ListenAddrs(), ClientID: "test", ReplicationFactor: 1}, Store: store, Publisher: g.producer(), Log: quiet,
		Metrics: prometheus.NewRegistry(),
	})
	require.NoError(g.t, x.Start(g.t.Context()))
	g.t.Cleanup(func() { require.NoError(g.t, x.Stop(g.t.Context())) })
}

// acts returns what a query lists, the latest first, as "ACT BY TENANT".
func (g *guarded) acts(query string, headers ...header) []string {
	g.t.Helper()
	var list []string
	for _, a := range into[resource.ActPage](g.t, g.get("/v1/audit"+query, headers...), http.StatusOK).Acts {
		list = append(list, a.Act+" "+a.By+" "+string(a.Tenant))
	}
	return list
}

func TestAuditListsWhatWasDoneByWhom(t *testing.T) {
	t.Parallel()
	var store *sqlite.Store
	g := setupGuarded(t, func(b *bundle) { store = withIndex(b) })
	g.keepIndex(store)
	id, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes, Name: "choir app"})
	foreign, other := g.key(auth.NewKey{Tenant: "band", Scopes: auth.Scopes})
	_, root := g.key(auth.NewKey{Tenant: auth.EveryTenant, Scopes: auth.Scopes})
	by := "key/" + id

	u := into[resource.Upload](t, g.upload(wav(2000), key), http.StatusAccepted)
	songs := g.do(g.request(http.MethodPost, "/v1/songs", strings.NewReader("id,title,low,high\none,One,A3,E5\n"), key, header{"Content-Type", "text/csv"}))
	require.Equal(t, http.StatusOK, songs.status, string(songs.body))
	require.Equal(t, http.StatusNoContent, g.do(g.request(http.MethodDelete, "/v1/songs/one", nil, key)).status)
	made := into[resource.NewAPIKey](t, g.post("/v1/admin/keys", `{"scopes":["read"]}`, key), http.StatusCreated)
	into[resource.NewAPIKey](t, g.post("/v1/admin/keys/"+made.ID+"/rotate", `{}`, key), http.StatusOK)
	require.Equal(t, http.StatusNoContent, g.do(g.request(http.MethodDelete, "/v1/admin/keys/"+made.ID, nil, key)).status)
	require.Equal(t, http.StatusAccepted, g.do(g.request(http.MethodDelete, "/v1/uploads/"+string(u.ID)+"?by=ann&reason=wrong", nil, key)).status)
	session := g.loginWith(key)

	want := []string{
		"session.begin " + session.session.By + " choir", "upload.erase " + by + " (ann) choir",
		"key.revoke " + by + " choir", "key.rotate " + by + " choir", "key.create " + by + " choir",
		"song.remove " + by + " choir", "songs.import " + by + " choir", "key.create ann choir",
	}
	g.eventually(func() bool { return len(g.acts("", key)) == len(want) }, "the index has every act")
	require.Equal(t, want, g.acts("", key))
	require.Equal(t, want[:7], g.acts("?by="+by, key), "with its sessions")
	require.Equal(t, want[1:2], g.acts("?subject="+string(u.ID), key))
	require.Equal(t, want[1:2], g.acts("?act=upload", key))
	require.Empty(t, g.acts("?to=1h", key))
	require.Len(t, g.acts("?from=1h", key), len(want))
	require.Equal(t, []string{"key.create ann band"}, g.acts("", other))
	require.Len(t, g.acts("", root), len(want)+2)
	require.Equal(t, []string{"key.create ann *"}, slices.DeleteFunc(g.acts("", root), func(a string) bool { return !strings.HasSuffix(a, "*") }))
	require.Equal(t, []string{"key.create ann band"}, g.acts("", root, header{"X-Orak-Tenant", "band"}))
	require.Len(t, g.acts("", root, header{"X-Orak-Tenant", "*"}), len(want)+2)

	var listed []resource.Act
	for token := ""; ; {
		page := into[resource.ActPage](t, g.get("/v1/audit?page_size=3&page_token="+token, key), http.StatusOK)
		listed = append(listed, page.Acts...)
		if token = page.Next; token == "" {
			break
		}
	}
	require.Len(t, listed, len(want))
	require.Equal(t, "wrong", listed[1].Detail)
	require.Equal(t, "choir app", listed[7].Detail)
	require.Equal(t, "songs: 1", listed[6].Detail)

	_, reader := g.key(auth.NewKey{Tenant: "choir", Scopes: []auth.Scope{auth.ScopeRead, auth.ScopeOperate, auth.ScopeUpload}})
	problem(t, g.get("/v1/audit", reader), http.StatusForbidden, "missing-scope")
	for _, query := range []string{"?page_token=AAAA", "?from=yesterday", "?by=%00", "?by=a&by=b", "?act=", "?who=ann", "?page_size=0", "?from=1h&to=2h"} {
		problem(t, g.get("/v1/audit"+query, key), http.StatusBadRequest, "invalid-request")
	}
	require.NotEqual(t, id, foreign)
}

// What cannot be recorded is not done, except what must not depend on Kafka: then the log
// has it.
func TestActIsNotDoneWithoutItsRecord(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t, func(b *bundle) { withIndex(b) })
	_, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	cl, err := kgo.NewClient(kgo.SeedBrokers(g.broker.ListenAddrs()...))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	_, err = kadm.NewClient(cl).DeleteTopic(t.Context(), events.TopicAudit)
	require.NoError(t, err)

	r := g.do(g.request(http.MethodPost, "/v1/songs", strings.NewReader("id,title,low,high\none,One,A3,E5\n"), key, header{"Content-Type", "text/csv"}))
	problem(t, r, http.StatusServiceUnavailable, "unavailable")
	page := into[resource.SongPage](t, g.get("/v1/songs?page_size=200", key), http.StatusOK)
	require.False(t, slices.ContainsFunc(page.Songs, func(s resource.Song) bool { return s.ID == "one" }))
	require.Equal(t, http.StatusServiceUnavailable, g.post("/v1/admin/keys", `{"scopes":["read"]}`, key).status)
	require.Len(t, into[resource.APIKeys](t, g.get("/v1/admin/keys", key), http.StatusOK).Keys, 1)

	session := g.loginWith(key)
	require.True(t, session.session.Authenticated)
	logged := false
	for line := range strings.Lines(g.log.String()) {
		var said struct{ Msg, Act, Tenant string }
		require.NoError(t, json.Unmarshal([]byte(line), &said))
		logged = logged || said.Msg == "operator acted" && said.Act == "session.begin" && orak.Tenant(said.Tenant) == "choir"
	}
	require.True(t, logged)
}

func TestAuditWithoutIndexIsUnavailable(t *testing.T) {
	t.Parallel()
	problem(t, setup(t).get("/v1/audit"), http.StatusServiceUnavailable, "unavailable")
}

// Without credentials, only a server that says so shows all tenants at once.
func TestAuditOfEveryTenantNeedsPermission(t *testing.T) {
	t.Parallel()
	b, _ := setupIndex(t)
	problem(t, b.get("/v1/audit", header{"X-Orak-Tenant", "*"}), http.StatusForbidden, "all-tenants-off")
}
