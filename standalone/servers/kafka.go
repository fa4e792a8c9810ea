package servers

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
)

// kafka is the broker. It never auto-creates a topic: such a topic would be lost
// with its records at a kill -9. Clients create the topics that they need.
type kafka struct {
	port    int
	dir     string
	log     *slog.Logger
	cluster *kfake.Cluster
}

func (k *kafka) start(context.Context) error {
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.Ports(k.port),
		kfake.ClusterID("orak-standalone"),
		kfake.DataDir(k.dir),
		kfake.WithLogger(kafkaLog{k.log}),
	)
	if err != nil {
		return fmt.Errorf("starting the Kafka broker: %w", err)
	}
	k.cluster = cluster
	return nil
}

// stop saves the state that the next start after a kill reads from the logs.
func (k *kafka) stop(context.Context) error {
	k.cluster.Close()
	return nil
}

// kafkaLog writes the broker's log records to a slog.Logger.
type kafkaLog struct{ log *slog.Logger }

var _ kfake.Logger = kafkaLog{}

func (l kafkaLog) Logf(level kfake.LogLevel, format string, args ...any) {
	to := map[kfake.LogLevel]slog.Level{
		kfake.LogLevelError: slog.LevelError,
		kfake.LogLevelWarn:  slog.LevelWarn,
		kfake.LogLevelInfo:  slog.LevelInfo,
	}
	severity, ok := to[level]
	if !ok {
		severity = slog.LevelDebug
	}
	if !l.log.Enabled(context.Background(), severity) {
		return
	}
	l.log.Log(context.Background(), severity, fmt.Sprintf(format, args...))
}
