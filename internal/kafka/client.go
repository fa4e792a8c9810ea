package kafka

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"github.com/twmb/franz-go/plugin/kprom"

	"orak/events"
)

// MaxRecord is the largest batch that a client sends and that orak's
// dead-letter topic takes, in bytes. It is twice what Kafka takes by default,
// so that a dead letter always has room for its origin.
const MaxRecord = 2 << 20

// NewClient makes a client that is safe for uploads; see the package comment.
// It connects when it is first used, so brokers that are down are no error
// here. opts come last and win. Tracing uses the OpenTelemetry globals;
// metrics come with the option that Metrics gives. The caller closes it.
func NewClient(cfg Config, log *slog.Logger, opts ...kgo.Opt) (*kgo.Client, error) {
	base := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.ClientID(cfg.ClientID),
		kgo.WithLogger(newLogger(log)),
		kgo.WithHooks(&traceHook{Tracer: NewTracer(cfg.ClientID, "")}),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytesFn(maxBatch),
		kgo.RecordDeliveryTimeout(cmp.Or(cfg.DeliveryTimeout, DefaultDeliveryTimeout)),
	}
	if cfg.TLS {
		base = append(base, kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	if cfg.User != "" {
		base = append(base, kgo.SASL(mechanism(cfg)))
	}
	cl, err := kgo.NewClient(append(base, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("making Kafka client: %w", err)
	}
	return cl, nil
}

// Metrics is the option that counts a client's connections, bytes and errors
// in reg, as orak_kafka_…, labelled with its client id: clients of one process
// need different ids. The metrics go when the client is closed.
func Metrics(reg prometheus.Registerer) kgo.Opt {
	return kgo.WithHooks(kprom.NewMetrics("orak_kafka", kprom.Registerer(reg), kprom.WithClientLabel()))
}

func mechanism(cfg Config) sasl.Mechanism {
	auth := scram.Auth{User: cfg.User, Pass: cfg.Password}
	switch cfg.SASL {
	case "PLAIN":
		return plain.Auth{User: cfg.User, Pass: cfg.Password}.AsMechanism()
	case "SCRAM-SHA-256":
		return auth.AsSha256Mechanism()
	default:
		return auth.AsSha512Mechanism()
	}
}

// maxBatch keeps to what a topic takes: just under Kafka's default of
// message.max.bytes, except for dead letters.
func maxBatch(topic string) int32 {
	if topic == events.TopicDeadLetters {
		return MaxRecord
	}
	return 1_000_000
}
