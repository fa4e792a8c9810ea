package kafka_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/events"
	"orak/internal/kafka"
)

func dialer(n *network) kgo.Opt { return kgo.Dialer(n.dial) }

func TestConfigIsValidated(t *testing.T) {
	t.Parallel()
	good := kafka.Config{Brokers: []string{"a:1"}, ReplicationFactor: -1}
	require.NoError(t, good.Validate())
	for name, spoil := range map[string]func(*kafka.Config){
		"no brokers":        func(c *kafka.Config) { c.Brokers = nil },
		"broker of no port": func(c *kafka.Config) { c.Brokers = []string{"a"} },
		"no copies":         func(c *kafka.Config) { c.ReplicationFactor = 0 },
		"short delivery":    func(c *kafka.Config) { c.DeliveryTimeout = time.Millisecond },
		"half a login":      func(c *kafka.Config) { c.User = "u" },
	} {
		c := good
		spoil(&c)
		require.Error(t, c.Validate(), name)
	}
}

func TestClientAuthenticatesBySASL(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		c := cluster(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "orak", "secret"))
		cfg := config(c)
		cfg.User, cfg.Password, cfg.SASL = "orak", "secret", mechanism
		require.NoError(t, newClient(t, cfg).Ping(ctx), mechanism)
		cfg.Password = "wrong"
		require.Error(t, newClient(t, cfg).Ping(ctx), mechanism)
	}
}

func TestMetricsAreUnregisteredWithTheirClient(t *testing.T) {
	t.Parallel()
	c, _, ctx := setup(t)
	reg := prometheus.NewRegistry()
	for range 2 {
		cl, err := kafka.NewClient(config(c), slog.New(slog.DiscardHandler), kafka.Metrics(reg))
		require.NoError(t, err)
		require.NoError(t, kafka.NewProducer(cl).Publish(ctx, record("k", "v")))
		families, err := reg.Gather()
		require.NoError(t, err)
		require.NotEmpty(t, families)
		for _, f := range families {
			require.True(t, strings.HasPrefix(f.GetName(), "orak_kafka_"), f.GetName())
		}
		cl.Close()
	}
}

func TestOutageIsLoggedOncePerPeriod(t *testing.T) {
	t.Parallel()
	c, _, ctx := setup(t)
	var out logBuffer
	cable := new(network)
	cable.set(false)
	cl, err := kafka.NewClient(config(c), slog.New(slog.NewTextHandler(&out, nil)), dialer(cable))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	for range 20 {
		require.Error(t, cl.Ping(ctx))
	}
	require.Equal(t, 1, strings.Count(out.String(), "unable to open connection"), out.String())
}

func TestTopicsHaveTheirNames(t *testing.T) {
	t.Parallel()
	var names []string
	for _, topic := range events.Topics() {
		names = append(names, topic.Name)
	}
	require.Equal(t, []string{"orak.uploads", "orak.lifecycle", "orak.dead-letters", "orak.control", "orak.audit"}, names)
}
