package servers

import (
	"context"
	"net"
	"testing"

	"orak/test/lifecycle"
)

// Temporal and the store leave goroutines behind, which end with the process.
func TestServersStartOnceAndStop(t *testing.T) {
	lifecycle.Starts(t, func(t *testing.T) lifecycle.Part {
		s := New(Config{DataDir: t.TempDir()}, Options{Only: []Name{Kafka}})
		return lifecycle.Part{Start: s.Start, Stop: s.Stop, Serves: func(ctx context.Context) error {
			c, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addresses().Kafka)
			if err != nil {
				return err
			}
			return c.Close()
		}}
	})
}
