package kafka

import (
	"cmp"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"github.com/twmb/franz-go/plugin/kprom"

	"orak/events"
)

// MaxRecord is the largest batch, in bytes, that a client sends and that the topic
// of dead letters accepts. It is twice Kafka's default limit, so that a dead letter
// always has room for its origin.
const MaxRecord = 2 << 20

// NewClient returns a client with settings that lose no record; see the package
// comment. It connects on first use, so that it does not fail while the brokers are
// down; an error is a *secure.WrongSetting of a file that cannot be read. opts override
// its settings. It traces with the OpenTelemetry globals; for
// metrics, add the option Metrics. The caller closes it.
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
		t, err := cfg.Client(prefix)
		if err != nil {
			return nil, err
		}
		base = append(base, kgo.DialTLSConfig(t))
	}
	if m := mechanism(cfg); m != nil {
		base = append(base, kgo.SASL(m))
	}
	cl, err := kgo.NewClient(append(base, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("making Kafka client: %w", err)
	}
	return cl, nil
}

// Metrics returns the option that counts a client's connections, bytes and errors
// in reg, as orak_kafka_…, labelled with its client id: the clients of a process
// need different ids. The metrics are unregistered when the client is closed.
func Metrics(reg prometheus.Registerer) kgo.Opt {
	return kgo.WithHooks(kprom.NewMetrics("orak_kafka", kprom.Registerer(reg), kprom.WithClientLabel()))
}

// mechanism returns nil for a client that does not authenticate by SASL.
func mechanism(cfg Config) sasl.Mechanism {
	auth := scram.Auth{User: cfg.User, Pass: cfg.Password}
	switch {
	case cfg.SASL == mechanismOAuth:
		return oauth.Oauth(newTokens(cfg).auth)
	case cfg.User == "":
		return nil
	}
	switch cfg.SASL {
	case "PLAIN":
		return plain.Auth{User: cfg.User, Pass: cfg.Password}.AsMechanism()
	case "SCRAM-SHA-256":
		return auth.AsSha256Mechanism()
	default:
		return auth.AsSha512Mechanism()
	}
}

// maxBatch returns the largest batch that a topic accepts: just under Kafka's
// default of message.max.bytes, except for dead letters.
func maxBatch(topic string) int32 {
	if topic == events.TopicDeadLetters {
		return MaxRecord
	}
	return 1_000_000
}
