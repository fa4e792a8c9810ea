package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"

	"orak"
	"orak/activities"
	"orak/control"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/kafka/consume"
	"orak/internal/kafka/deadletter"
	"orak/internal/startstop"
	"orak/workflows"
)

// Documents are the webhooks that are in effect.
type Documents interface {
	// Sync returns once every change is known that was made before the call.
	Sync(ctx context.Context) error
	Webhooks(t orak.Tenant) []control.Webhook
	Webhook(t orak.Tenant, id string) (h control.Webhook, ok bool)
}

var _ Documents = (*control.View)(nil)

// Writer changes a webhook.
type Writer interface {
	PutWebhook(ctx context.Context, h control.Webhook) (control.Webhook, error)
}

var _ Writer = (*control.Writer)(nil)

// Deps is what the Sink works with. Alerter, Resolver, Metrics and KafkaOpts are optional.
type Deps struct {
	// Kafka is how the sink makes its own client, a member of the group.
	Kafka     kafka.Config
	KafkaOpts []kgo.Opt
	Temporal  client.Client
	// Namespace is that of Temporal.
	Namespace string
	// Version is that of the worker; zero for none.
	Version   sdkworker.DeploymentOptions
	Documents Documents
	Writer    Writer
	Publisher deadletter.Publisher
	Alerter   deadletter.Alerter
	// Notifier gets the message that a webhook was paused.
	Notifier activities.Notifier
	// Resolver looks the receivers' names up; nil means the system's.
	Resolver *net.Resolver
	Log      *slog.Logger
	Metrics  prometheus.Registerer
}

// Sink is one member of the group orak-webhooks, and a worker of the queue of the same
// name. It is started once.
type Sink struct {
	cfg      Config
	deps     Deps
	log      *slog.Logger
	metrics  *metrics
	courier  *courier
	consumer *consume.Consumer
	letters  deadletter.Writer
	// temporal and documents are what records may have to wait for.
	temporal, documents *consume.Dependency

	life startstop.Once
	stop func()
}

// name is the sink's in metrics, and what its clients add to their id.
const name = "webhooks"

// maxRefusals is how often Temporal has to refuse a record's delivery before the record
// counts as being at fault.
const maxRefusals = 3

// New makes a Sink; nothing is connected before Start. cfg must be valid.
func New(cfg Config, deps Deps) (*Sink, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	log := deps.Log.With("component", name)
	m := newMetrics(deps.Metrics)
	c, err := newCourier(cfg, deps, m, log)
	if err != nil {
		return nil, err
	}
	s := &Sink{cfg: cfg, deps: deps, log: log, metrics: m, courier: c}
	group := consume.Deps{
		Name: name, Group: events.GroupWebhooks, Topics: []string{events.TopicLifecycle},
		Kafka: deps.Kafka, KafkaOpts: deps.KafkaOpts, Log: deps.Log, Metrics: deps.Metrics,
	}
	if deps.Alerter != nil {
		group.Stalled = deps.Alerter.Stalled
	}
	s.consumer = consume.New(cfg.Config, group, s.handle)
	depend := consume.DependencyConfig{Timeout: cfg.StartTimeout, Overloaded: overloaded}
	s.temporal = s.consumer.Dependency(string(orak.DependencyTemporal), depend)
	s.documents = s.consumer.Dependency("control", depend)
	s.letters = deadletter.Writer{
		Publisher: deps.Publisher, Alerter: deps.Alerter, Kafka: s.consumer.Dependency(string(orak.DependencyKafka), depend), Alerts: s.temporal,
		Written: m.buried, Log: log,
	}
	return s, nil
}

// overloaded reports whether a dependency says that it has too much to do, or cannot be
// reached.
func overloaded(err error) bool {
	var exhausted *serviceerror.ResourceExhausted
	var unavailable *serviceerror.Unavailable
	var fault *orak.Fault
	return errors.As(err, &exhausted) || errors.As(err, &unavailable) ||
		errors.As(err, &fault) && (fault.Class == orak.ClassDependency || fault.Class == orak.ClassOverload)
}

// Start begins to deliver, and joins the group. Temporal must be reachable, with the search
// attributes; Kafka need not be: the sink waits for it, and Ready says so. After an error
// nothing keeps running, and Start may be called again.
func (s *Sink) Start(ctx context.Context) error {
	return s.life.Start(ctx, func(ctx context.Context) error {
		stop, err := s.courier.serve(s.deps.Temporal, s.cfg)
		if err != nil {
			return fmt.Errorf("serving queue %s: %w", workflows.QueueWebhooks, err)
		}
		s.stop = stop
		if err := s.consumer.Start(ctx); err != nil {
			stop()
			return err
		}
		return nil
	})
}

// Stop leaves the group as consume.Consumer.Stop promises, and then lets the requests that
// are underway end, for at most the stop timeout. Every call waits for the end.
func (s *Sink) Stop(ctx context.Context) error {
	return s.life.Stop(ctx, func(ctx context.Context) error {
		err := s.consumer.Stop(ctx)
		s.stop()
		return err
	})
}

// Ready reports why the sink cannot do its work now: consume.Consumer.Ready fails, or
// Temporal does not answer within ctx.
func (s *Sink) Ready(ctx context.Context) error {
	if err := s.consumer.Ready(ctx); err != nil {
		return err
	}
	if _, err := s.deps.Temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("reaching Temporal: %w", err)
	}
	return nil
}

// handle is the consume.Handler. The offset is committed once every delivery of the event
// is started.
func (s *Sink) handle(ctx context.Context, d *consume.Delivery) error {
	e, err := readEvent(d.Record)
	if errors.Is(err, events.ErrUnknownType) {
		s.metrics.events.WithLabelValues("skipped").Inc()
		return nil
	}
	if err != nil {
		return s.refuse(ctx, d, orak.AsFault(err))
	}
	if !d.Retry(ctx, s.documents, "reading the control documents", s.deps.Documents.Sync) {
		return consume.ErrGivenUp
	}
	body, err := e.body(s.cfg.Sending.PublicURL)
	if err != nil {
		return s.refuse(ctx, d, &orak.Fault{Class: orak.ClassInternal, Message: "The event has no form for webhooks.", Err: err})
	}
	concerned := false
	for _, h := range s.deps.Documents.Webhooks(e.Upload.Tenant) {
		if !e.concerns(h, d.Record.Timestamp) {
			continue
		}
		concerned = true
		if err := s.start(ctx, d, e.delivery(h, body, s.cfg.GiveUpAfter)); err != nil {
			return err
		}
	}
	result := "unwanted"
	if concerned {
		result = "started"
	}
	s.metrics.events.WithLabelValues(result).Inc()
	return nil
}

// start starts a delivery once, however often it is called; while Temporal is unavailable
// it waits.
func (s *Sink) start(ctx context.Context, d *consume.Delivery, in activities.WebhookDelivery) error {
	refusals := 0
	var refused error
	done := d.Retry(ctx, s.temporal, "starting a delivery", func(ctx context.Context) error {
		err := s.courier.start(ctx, in, false)
		var invalid *serviceerror.InvalidArgument
		if refusals++; errors.As(err, &invalid) && refusals >= maxRefusals {
			refused, err = err, nil
		}
		return err
	})
	switch {
	case !done:
		return consume.ErrGivenUp
	case refused != nil:
		return s.refuse(ctx, d, &orak.Fault{Class: orak.ClassInternal, Message: "Temporal refused the delivery to a webhook.", Err: refused})
	}
	return nil
}

// refuse buries the record.
func (s *Sink) refuse(ctx context.Context, d *consume.Delivery, f *orak.Fault) error {
	if !s.letters.Write(ctx, d, deadletter.Of(d.Record, f, time.Now().UTC())) {
		return consume.ErrGivenUp
	}
	return nil
}
