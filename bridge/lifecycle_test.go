package bridge_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"orak/bridge"
	"orak/test/lifecycle"
)

func TestBridgeStartsOnceAndStops(t *testing.T) {
	b := setup(t)
	// The client's connection is not the bridge's to close.
	_, err := b.temporal.CheckHealth(b.ctx, &client.CheckHealthRequest{})
	require.NoError(t, err)
	lifecycle.Starts(t, func(*testing.T) lifecycle.Part {
		m := bridge.New(config(), bridge.Deps{
			Kafka: b.kafka, Temporal: b.temporal, Namespace: b.ns, Publisher: b.producer, Log: quiet(),
		})
		return lifecycle.Part{Start: m.Start, Stop: m.Stop, Serves: m.Ready}
	})
}
