package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/grpc"

	"orak/bench/uploads"
	"orak/bridge"
	"orak/events"
	"orak/internal/config"
	"orak/internal/kafka"
	"orak/test/stack"
)

// namespace is the one that the servers create.
const namespace = "default"

// rig is a set of fresh servers with their clients.
type rig struct {
	process  *stack.Process
	temporal client.Client
	kafka    kafka.Config
	cl       *kgo.Client
	clock    *clock
	// rtt is the round trip between the starters of workflows and Temporal, and
	// between the consumer and Kafka.
	rtt time.Duration
}

func newRig(ctx context.Context, binary string, rtt time.Duration) (_ *rig, err error) {
	process, err := stack.Launch("servers", stack.Options{Binary: binary})
	if err != nil {
		return nil, err
	}
	r := &rig{
		process: process, clock: newClock(), rtt: rtt,
		kafka: kafka.Config{Brokers: []string{process.Kafka}, ClientID: "bench", ReplicationFactor: 1},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.cl, err = kafka.NewClient(r.kafka, quiet()); err != nil {
		return nil, err
	}
	if err = kafka.EnsureTopics(ctx, r.cl, events.Topics(), 1); err != nil {
		return nil, err
	}
	r.temporal, err = client.DialContext(ctx, client.Options{
		HostPort: process.Temporal, Namespace: namespace, Logger: sdklog.NewStructuredLogger(quiet()),
		ConnectionOptions: client.ConnectionOptions{GrpcCompression: &client.GrpcCompressionNone{}, DialOptions: []grpc.DialOption{
			grpc.WithChainUnaryInterceptor(r.clock.intercept),
			grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
				return distant(rtt)(ctx, "tcp", address)
			}),
		}},
	})
	return r, err
}

// far are the options of a Kafka client at a round trip of rtt.
func (r *rig) far() []kgo.Opt { return []kgo.Opt{kgo.Dialer(distant(r.rtt))} }

// quiet is a log that is written and discarded: writing is part of the
// measurement.
func quiet() *slog.Logger { return slog.New(slog.NewJSONHandler(io.Discard, nil)) }

func (r *rig) close() error {
	if r.temporal != nil {
		r.temporal.Close()
	}
	if r.cl != nil {
		r.cl.Close()
	}
	return r.process.Close()
}

func settings(inflight int) (cfg bridge.Config, err error) {
	if err := config.Defaults(&cfg); err != nil {
		return bridge.Config{}, fmt.Errorf("reading the bridge's defaults: %w", err)
	}
	if inflight > 0 {
		cfg.Inflight = inflight
	}
	return cfg, nil
}

// announce publishes the events of w in their order.
func (r *rig) announce(ctx context.Context, w workload) error {
	return uploads.Announce(ctx, r.kafka.Brokers, events.TopicUploads, w)
}
