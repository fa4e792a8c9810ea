package api_test

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/events"
	"orak/internal/auth"
	"orak/internal/kafka"
	"orak/internal/kafka/feed"
)

// withFeed gives a server a feed of its broker.
func withFeed(b *bundle) {
	cl, err := kafka.NewClient(kafka.Config{Brokers: b.broker.ListenAddrs(), ClientID: "topics"}, slog.New(slog.DiscardHandler))
	require.NoError(b.t, err)
	defer cl.Close()
	require.NoError(b.t, kafka.EnsureTopics(b.t.Context(), cl, []events.Topic{{Name: events.TopicLifecycle, Partitions: 2, Retention: time.Hour}}, 1))
	b.deps.Feed = feed.New(feed.Config{MaxBehind: b.cfg.MaxFeedRecords, MaxResumes: b.cfg.MaxFeedResumes, MaxTenantResumes: b.cfg.MaxTenantResumes},
		kafka.Config{Brokers: b.broker.ListenAddrs(), ClientID: "test"}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
}

// followTenant opens the stream of a tenant's events, which goes on after the event with the
// id last.
func (b *bundle) followTenant(of orak.Tenant, last string) (next func() sse, end func()) {
	b.t.Helper()
	headers := []header{tenant(of)}
	if last != "" {
		headers = append(headers, header{"Last-Event-ID", last})
	}
	resp, err := http.DefaultClient.Do(b.request(http.MethodGet, "/v1/events", nil, headers...))
	require.NoError(b.t, err)
	require.Equal(b.t, http.StatusOK, resp.StatusCode)
	require.Equal(b.t, "text/event-stream", resp.Header.Get("Content-Type"))
	b.t.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewReader(resp.Body)
	return func() (e sse) {
		b.t.Helper()
		for {
			line, err := lines.ReadString('\n')
			require.NoError(b.t, err)
			field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch field {
			case "event":
				e.name = value
			case "id":
				e.id = value
			case "data":
				e.data = value
			case "":
				if e.id != "" {
					return e
				}
			}
		}
	}, func() { resp.Body.Close() }
}

// named returns the next event that has a name.
func named(next func() sse) (e sse) {
	for e.name == "" {
		e = next()
	}
	return e
}

// sse is a server-sent event.
type sse struct{ name, id, data string }

func (b *bundle) happens(p orak.Progress) {
	b.t.Helper()
	p.Upload.ContentType, p.Upload.SHA256 = "audio/wav", strings.Repeat("0", 64)
	id, kind, l, err := events.End(p)
	require.NoError(b.t, err)
	e, err := events.NewLifecycle(id, kind, p.UpdatedAt, l)
	require.NoError(b.t, err)
	require.NoError(b.t, b.producer().PublishEvent(b.t.Context(), events.TopicLifecycle, e))
}

func TestTenantFollowsItsUploadsOverReconnections(t *testing.T) {
	t.Parallel()
	b := setup(t, withFeed, func(b *bundle) { b.cfg.Heartbeat = 50 * time.Millisecond })
	next, end := b.followTenant("choir", "")
	at := next()
	require.Empty(t, at.name, "the first id only says where the stream begins")

	discarded, foreign := progress("choir", orak.StatusDiscarded), progress("band", orak.StatusDiscarded)
	b.happens(foreign)
	b.happens(discarded)
	e := named(next)
	require.Equal(t, "upload", e.name)
	var u resource.Upload
	require.NoError(t, json.Unmarshal([]byte(e.data), &u))
	require.Equal(t, discarded.Upload.ID, u.ID)
	require.Equal(t, orak.StatusDiscarded, u.Status)
	require.Equal(t, "/v1/uploads/"+string(u.ID), u.Links.Self)
	end()

	// Another instance goes on where this one ended.
	missed := progress("choir", orak.StatusCanceled)
	b.happens(missed)
	other := b.replica()
	next, end = other.followTenant("choir", e.id)
	require.Empty(t, next().name)
	e = named(next)
	require.NoError(t, json.Unmarshal([]byte(e.data), &u))
	require.Equal(t, missed.Upload.ID, u.ID)
	end()

	next, end = other.followTenant("choir", "from another stream")
	require.Equal(t, "reset", next().name, "the client has to list its uploads")
	end()
	b.eventually(func() bool { return strings.Contains(b.gathered(), "orak_api_watchers 0") }, "no stream is left")
}

func TestTenantsStreamIsRefusedWithoutItsTopic(t *testing.T) {
	t.Parallel()
	problem(t, setup(t).get("/v1/events"), http.StatusServiceUnavailable, "unavailable")
	b := setup(t, withFeed, func(b *bundle) {
		b.cfg.StatusTimeout, b.cfg.MaxTenantWatchers = 300*time.Millisecond, 1
		b.cfg.Heartbeat = 50 * time.Millisecond
	})
	problem(t, b.get("/v1/events", header{"Last-Event-ID", strings.Repeat("x", 9000)}), http.StatusBadRequest, "invalid-request")
	_, end := b.followTenant("choir", "")
	problem(t, b.get("/v1/events", tenant("choir")), http.StatusTooManyRequests, "too-many-streams")
	end()
	b.eventually(func() bool { return strings.Contains(b.gathered(), "orak_api_watchers 0") }, "the stream ended")

	away := setup(t, func(b *bundle) {
		b.cfg.StatusTimeout = 300 * time.Millisecond
		b.deps.Feed = feed.New(feed.Config{MaxBehind: 1, MaxResumes: 1}, kafka.Config{Brokers: []string{"127.0.0.1:1"}, ClientID: "test"}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	})
	problem(t, away.get("/v1/events"), http.StatusServiceUnavailable, "unavailable")
}

// A revoked key ends the streams that it opened.
func TestOpenStreamsEndWithTheirKey(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t, withFeed)
	id, key := g.key(auth.NewKey{Tenant: "choir", Scopes: auth.Scopes})
	session := g.loginWith(key)
	var open []io.Reader
	for _, credential := range []header{key, session.cookie()} {
		resp, err := http.DefaultClient.Do(g.request(http.MethodGet, "/v1/events", nil, credential))
		require.NoError(t, err)
		t.Cleanup(func() { resp.Body.Close() })
		require.Equal(t, http.StatusOK, resp.StatusCode)
		open = append(open, resp.Body)
	}
	require.NoError(t, g.keys.Revoke(t.Context(), id, "ann"))
	for _, stream := range open {
		_, err := io.Copy(io.Discard, stream) // to its end
		require.NoError(t, err)
	}
}
