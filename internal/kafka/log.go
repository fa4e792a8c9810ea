package kafka

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"orak/internal/throttle"
)

// logger writes the client's log to slog. It is throttled, since a client that
// cannot reach its brokers logs that many times a second.
type logger struct {
	log      *slog.Logger
	throttle *throttle.Log
}

var _ kgo.Logger = logger{}

func newLogger(log *slog.Logger) logger { return logger{log, throttle.NewLog(log)} }

// Level implements kgo.Logger. The client's level info is about single
// requests and rebalances, which is debug here.
func (l logger) Level() kgo.LogLevel {
	ctx := context.Background()
	switch {
	case l.log.Enabled(ctx, slog.LevelDebug):
		return kgo.LogLevelInfo
	case l.log.Enabled(ctx, slog.LevelWarn):
		return kgo.LogLevelWarn
	case l.log.Enabled(ctx, slog.LevelError):
		return kgo.LogLevelError
	default:
		return kgo.LogLevelNone
	}
}

// Log implements kgo.Logger.
func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	l.throttle.Log(context.Background(), slogLevel(level), "kafka: "+msg, keyvals...)
}

func slogLevel(level kgo.LogLevel) slog.Level {
	switch level {
	case kgo.LogLevelError:
		return slog.LevelError
	case kgo.LogLevelWarn:
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}
