package consume_test

import (
	"testing"

	"orak/internal/kafka/consume"
	"orak/test/lifecycle"
)

func TestConsumerStartsOnceAndStops(t *testing.T) {
	b := setupFake(t)
	lifecycle.Starts(t, func(*testing.T) lifecycle.Part {
		c := consume.New(config(), b.deps(nil), b.once)
		return lifecycle.Part{Start: c.Start, Stop: c.Stop, Serves: c.Ready}
	})
}
