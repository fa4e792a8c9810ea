package bridge_test

import (
	"testing"

	"orak/bridge"
	"orak/test/lifecycle"
)

func TestBridgeStartsOnceAndStops(t *testing.T) {
	b := setup(t)
	lifecycle.Starts(t, func(*testing.T) lifecycle.Part {
		m := bridge.New(config(), bridge.Deps{
			Kafka: b.kafka, Temporal: b.temporal, Namespace: b.ns, Publisher: b.producer, Log: quiet(),
		})
		return lifecycle.Part{Start: m.Start, Stop: m.Stop, Serves: m.Ready}
	})
}
