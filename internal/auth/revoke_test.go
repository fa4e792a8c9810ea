package auth_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"orak/control"
	"orak/events"
	"orak/internal/auth"
	"orak/internal/kafka"
)

// process starts a View, as a process of its own has it.
func process(t *testing.T, cfg kafka.Config) *control.View {
	t.Helper()
	v := control.NewView(control.Config{MaxDocuments: 100, MaxBytes: 1 << 20, LoadWait: time.Second}, control.Deps{
		Kafka: cfg, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	require.NoError(t, v.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, v.Stop(context.Background())) })
	require.NoError(t, v.AwaitLoaded(t.Context()))
	return v
}

func TestRevokedKeyEndsInEveryProcessWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cfg := kafka.Config{Brokers: c.ListenAddrs(), ClientID: "test", ReplicationFactor: 1}
	cl, err := kafka.NewClient(cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, events.Topics(), 1))
	here, there := process(t, cfg), process(t, cfg)
	keys := auth.NewKeys(here, control.NewWriter(cfg, here, slog.New(slog.DiscardHandler)))

	changed := make(chan struct{}, 100)
	go there.Watch(t.Context(), func() { changed <- struct{}{} })
	answers := func(credential string) error {
		_, err := auth.Required{Keys: there}.Authenticate(t.Context(), auth.Request{Authorization: []string{"Bearer " + credential}})
		return err
	}
	// await waits until the other process admits the credential, or denies it, and
	// returns the time since began.
	await := func(began time.Time, credential string, admitted bool) time.Duration {
		timeout := time.After(10 * time.Second)
		for (answers(credential) == nil) != admitted {
			select {
			case <-changed:
			case <-timeout:
				require.Fail(t, "the other process has not noticed")
			}
		}
		return time.Since(began)
	}
	var slowest time.Duration
	for range 5 {
		made, credential, err := keys.Create(t.Context(), auth.NewKey{Tenant: "choir", Scopes: []auth.Scope{auth.ScopeUpload}}, "ann")
		require.NoError(t, err)
		await(time.Now(), credential, true)
		caller, err := auth.Required{Keys: there}.Authenticate(t.Context(), auth.Request{Authorization: []string{"Bearer " + credential}})
		require.NoError(t, err)
		token, err := caller.Mint(auth.TokenOptions{Tenant: "choir", Life: time.Minute}, time.Now())
		require.NoError(t, err)
		require.NoError(t, answers(token.Bearer))
		session, err := caller.BeginSession(time.Hour, time.Now())
		require.NoError(t, err)
		resume := func() error { _, err := auth.Required{Keys: there}.Resume(t.Context(), session.Cookie); return err }
		require.NoError(t, resume())

		began := time.Now()
		_, rotated, err := keys.Rotate(t.Context(), made.ID, 0, "ann")
		require.NoError(t, err)
		slowest = max(slowest, await(began, credential, false))
		require.Error(t, answers(token.Bearer), "a token ends with its secret")
		require.Error(t, resume(), "and so does a session")
		require.NoError(t, answers(rotated))
		began = time.Now()
		require.NoError(t, keys.Revoke(t.Context(), made.ID, "ann"))
		slowest = max(slowest, await(began, rotated, false))
	}
	t.Logf("noticed within %v", slowest)
	require.Less(t, slowest, 2*time.Second)
}
