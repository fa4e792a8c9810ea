package kafka_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/test/leaks"
	"orak/test/lifecycle"
)

func TestMain(m *testing.M) { leaks.Main(m) }

func TestClientCloses(t *testing.T) {
	lifecycle.Stops(t, func(t *testing.T) lifecycle.Part {
		cl := newClient(t, config(cluster(t, kfake.SeedTopics(1, "any"))))
		require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "any", Value: []byte("x")}).FirstErr())
		return lifecycle.Closing(cl.Close)
	})
}
