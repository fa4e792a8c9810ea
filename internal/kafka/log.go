package kafka

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// logPeriod is how often one message is logged at most: a client that cannot
// reach its brokers says so many times a second.
const logPeriod = 10 * time.Second

// logger writes the client's log to slog, each message of it at most once a
// period, with the count of those held back.
type logger struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	seen map[string]*seen
}

type seen struct {
	last       time.Time
	suppressed int
}

var _ kgo.Logger = (*logger)(nil)

func newLogger(log *slog.Logger) *logger {
	return &logger{log: log, now: time.Now, seen: make(map[string]*seen)}
}

// Level implements kgo.Logger. The client's own info is about single requests
// and rebalances, which is debug to us.
func (l *logger) Level() kgo.LogLevel {
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
func (l *logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	suppressed, ok := l.admit(msg)
	if !ok {
		return
	}
	args := keyvals
	if suppressed > 0 {
		args = append(args[:len(args):len(args)], "suppressed", suppressed)
	}
	l.log.Log(context.Background(), slogLevel(level), "kafka: "+msg, args...)
}

// admit reports whether msg may be logged, and how many like it were held
// back since the last one. The client's messages are constants, so seen stays
// small.
func (l *logger) admit(msg string) (suppressed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	s := l.seen[msg]
	if s == nil {
		l.seen[msg] = &seen{last: now}
		return 0, true
	}
	if now.Sub(s.last) < logPeriod {
		s.suppressed++
		return 0, false
	}
	suppressed = s.suppressed
	s.last, s.suppressed = now, 0
	return suppressed, true
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
