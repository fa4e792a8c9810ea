package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"orak/control"
	"orak/events"
	"orak/internal/kafka"
)

// controlled starts a broker with the control topic, without a store.
func controlled(t *testing.T, also ...string) (environ []string) {
	t.Helper()
	return append(also, broker(t, kafka.Config{})...)
}

// broker is controlled with a login and options of the broker.
func broker(t *testing.T, cfg kafka.Config, opts ...kfake.Opt) (environ []string) {
	t.Helper()
	cluster, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1))...)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	cfg.Brokers, cfg.ClientID = cluster.ListenAddrs(), "test"
	cl, err := kafka.NewClient(cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, events.Topics(), 1))
	return []string{
		"COLUMNS=80", "LANG=C.UTF-8", "ORAK_S3_ENDPOINT=127.0.0.1:1", "ORAK_CONTROL_LOAD_WAIT=200ms",
		"ORAK_KAFKA_BROKERS=" + strings.Join(cluster.ListenAddrs(), ","),
	}
}

func listed(t *testing.T, environ []string, args ...string) map[string]liveSetting {
	t.Helper()
	got := orakRunEnv(t.Context(), environ, append([]string{"settings", "list", "--json"}, args...)...)
	require.Equal(t, exitOK, got.code, got.err)
	var shown liveSettings
	require.NoError(t, json.Unmarshal([]byte(got.out), &shown))
	require.True(t, shown.Live)
	values := make(map[string]liveSetting)
	for _, s := range shown.Settings {
		values[strings.Trim(s.Name+" "+string(s.Tenant), " ")] = s
	}
	return values
}

func TestSettingsAreSetAndUnset(t *testing.T) {
	t.Parallel()
	environ := controlled(t, "ORAK_GPU_SLOTS=3")
	before := listed(t, environ)
	require.Equal(t, "3", before["gpu-slots"].Value)
	require.Equal(t, sourceFlag, before["gpu-slots"].Source)
	require.Equal(t, "168h0m0s", before["park-for"].Value)
	require.Equal(t, sourceDefault, before["park-for"].Source)
	require.Equal(t, "open", before["intake"].Value)
	require.Len(t, before, len(control.Settings()))

	got := orakRunEnv(t.Context(), environ, "settings", "set", "gpu-slots", "1", "--by", "ann")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "gpu-slots is 1 (version ")
	got = orakRunEnv(t.Context(), environ, "settings", "set", "intake", "paused", "--for", "choir", "--by", "bob")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "intake is paused for choir")

	after := listed(t, environ)
	require.Equal(t, "1", after["gpu-slots"].Value)
	require.Equal(t, "ann", after["gpu-slots"].By)
	require.WithinDuration(t, time.Now(), after["gpu-slots"].At, time.Minute)
	require.Equal(t, "paused", after["intake choir"].Value)
	require.Equal(t, "open", after["intake"].Value)
	require.Equal(t, "paused", listed(t, environ, "--for", "choir")["intake choir"].Value)

	got = orakRunEnv(t.Context(), environ, "settings", "unset", "gpu-slots", "--json")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, `"unset":true`)
	require.Equal(t, "3", listed(t, environ)["gpu-slots"].Value)
}

// The name is what a person says; the login is what Kafka has verified.
func TestChangesNameTheLoginAtKafka(t *testing.T) {
	t.Parallel()
	login := kafka.Config{User: "ops", Password: "secret", SASL: "SCRAM-SHA-256"}
	environ := append(broker(t, login, kfake.EnableSASL(), kfake.Superuser(login.SASL, login.User, login.Password)),
		"ORAK_KAFKA_USER=ops", "ORAK_KAFKA_PASSWORD=secret", "ORAK_KAFKA_SASL=SCRAM-SHA-256")
	got := orakRunEnv(t.Context(), environ, "settings", "set", "gpu-slots", "1", "--by", "ann")
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, "kafka/ops (ann)", listed(t, environ)["gpu-slots"].By)
	got = orakRunEnv(t.Context(), environ, "keys", "create", "--by", "ann", "--json")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, `"kafka/ops (ann)"`)
}

func TestSecondOperatorIsTold(t *testing.T) {
	t.Parallel()
	environ := controlled(t)
	got := orakRunEnv(t.Context(), environ, "settings", "set", "gpu-slots", "4", "--by", "ann", "--json")
	require.Equal(t, exitOK, got.code, got.err)
	var did struct{ Version int64 }
	require.NoError(t, json.Unmarshal([]byte(got.out), &did))
	got = orakRunEnv(t.Context(), environ, "settings", "set", "gpu-slots", "5", "--by", "bob", "--if-version", fmt.Sprint(did.Version))
	require.Equal(t, exitOK, got.code, got.err)
	got = orakRunEnv(t.Context(), environ, "settings", "set", "gpu-slots", "6", "--by", "ann", "--if-version", fmt.Sprint(did.Version))
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "setting/gpu-slots was changed by bob at ")
	require.Equal(t, "5", listed(t, environ)["gpu-slots"].Value)
}

func TestBadSettingsAreRefusedBeforeAnythingIsConnected(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"gpu-slots: want a whole number from 1 to 1024": {"set", "gpu-slots", "0"},
		"tier: want standard, realtime or backfill":     {"set", "tier", "gold", "--for", "choir"},
		"there is no setting called":                    {"set", "gpu", "1"},
		"applies everywhere, not to one tenant":         {"unset", "park-for", "--for", "choir"},
		"--for":                                         {"list", "--for", "../x"},
	} {
		got := orakRunEnv(t.Context(), []string{"ORAK_KAFKA_BROKERS=127.0.0.1:1"}, append([]string{"settings"}, args...)...)
		require.Equal(t, exitUsage, got.code, args)
		require.Contains(t, got.err, want)
	}
}

func TestSettingsAsPeopleSeeThem(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 11, 55, 0, 0, time.Local)
	shown := liveSettings{
		Status: control.Status{SnapshotAt: at.UTC(), Refused: map[string]string{"setting/park-for": "park-for: want a duration from 1m0s to 2160h0m0s"}},
		Settings: inEffect([]control.Assignment{
			{Name: "alert-routes", Value: "input=quality,internal=on-call", By: "ann", At: at, Version: 3},
			{Name: "gpu-slots", Value: "1", By: "ann", At: at, Version: 12},
			{Name: "intake", Tenant: "choir", Value: "paused", By: "bob\x1b[2J", At: at, Version: 15},
		}, map[string]liveSetting{
			"gpu-slots":       {Name: "gpu-slots", Value: "2", Source: sourceDefault},
			"bridge-inflight": {Name: "bridge-inflight", Value: "32", Source: sourceFlag},
		}),
	}
	for name, columns := range map[string]int{"settings": 80, "settings_narrow": 48} {
		con, out, errs := testConsole(columns)
		con.liveSettings(shown)
		golden(t, name, out.String()+errs.String())
	}
}
