// Package throttle logs a message that repeats at most once a period, or once an outage.
package throttle

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Period is the time between two log lines with the same message.
const Period = 10 * time.Second

// Log writes each message at most once a Period; the next line with the same
// message has the number of those that were left out as "suppressed".
// Attributes do not tell messages apart. Messages must be constants, since
// Log keeps every one that it has seen. It is safe for concurrent use.
type Log struct {
	log *slog.Logger

	mu       sync.Mutex
	messages map[string]*message
}

type message struct {
	logged     time.Time
	suppressed int
}

// NewLog returns a Log that writes to log.
func NewLog(log *slog.Logger) *Log {
	return &Log{log: log, messages: make(map[string]*message)}
}

// WarnContext logs at level warn.
func (l *Log) WarnContext(ctx context.Context, msg string, args ...any) {
	l.Log(ctx, slog.LevelWarn, msg, args...)
}

// Log logs at level. What the level suppresses is not counted.
func (l *Log) Log(ctx context.Context, level slog.Level, msg string, args ...any) {
	if !l.log.Enabled(ctx, level) {
		return
	}
	suppressed, ok := l.admit(msg)
	if !ok {
		return
	}
	if suppressed > 0 {
		args = append(args[:len(args):len(args)], "suppressed", suppressed)
	}
	l.log.Log(ctx, level, msg, args...)
}

// admit reports whether msg may be logged now, and how many were left out
// since it last was.
func (l *Log) admit(msg string) (suppressed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	m := l.messages[msg]
	if m == nil {
		m = &message{}
		l.messages[msg] = m
	}
	if now.Sub(m.logged) < Period {
		m.suppressed++
		return 0, false
	}
	suppressed = m.suppressed
	m.logged, m.suppressed = now, 0
	return suppressed, true
}
