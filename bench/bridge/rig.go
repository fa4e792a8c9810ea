package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/grpc"

	"orak/bridge"
	"orak/events"
	"orak/internal/config"
	"orak/internal/kafka"
	"orak/test/stack"
	"orak/workflows"
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
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{
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

// execute starts a workflow as the bridge does. It is no error if the workflow
// exists already.
func (r *rig) execute(ctx context.Context, rec *kgo.Record, i int) error {
	u := upload(i)
	_, err := r.temporal.ExecuteWorkflow(ctx, workflows.StartOptions(workflows.ProcessUploadInput{Upload: u}), workflows.TypeProcessUpload, workflows.ProcessUploadInput{Upload: u, Origin: events.OriginOf(rec)})
	if _, there := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); there {
		return nil
	}
	return err
}

// announce publishes the events of w in their order.
func (r *rig) announce(ctx context.Context, w workload) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.kafka.Brokers...), kgo.ProducerLinger(5*time.Millisecond))
	if err != nil {
		return err
	}
	defer cl.Close()
	var once sync.Once
	var failed error
	for _, i := range w {
		rec, err := record(i)
		if err != nil {
			return err
		}
		cl.Produce(ctx, rec, func(_ *kgo.Record, err error) {
			if err != nil {
				once.Do(func() { failed = err })
			}
		})
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	return failed
}
