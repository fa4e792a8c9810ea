package servers

import (
	"context"
	"fmt"
	"log/slog"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// temporalLog writes the server's log records to a slog.Logger.
type temporalLog struct {
	log   *slog.Logger
	fatal func(msg string)
}

var (
	_ log.Logger     = temporalLog{}
	_ log.WithLogger = temporalLog{}
)

func (l temporalLog) Debug(msg string, tags ...tag.Tag) { l.write(slog.LevelDebug, msg, tags) }
func (l temporalLog) Info(msg string, tags ...tag.Tag)  { l.write(slog.LevelInfo, msg, tags) }
func (l temporalLog) Warn(msg string, tags ...tag.Tag)  { l.write(slog.LevelWarn, msg, tags) }
func (l temporalLog) Error(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

// DPanic panics only in development builds of the server.
func (l temporalLog) DPanic(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

func (l temporalLog) Panic(msg string, tags ...tag.Tag) {
	l.write(slog.LevelError, msg, tags)
	panic(msg)
}

// Fatal ends the process; the server relies on that.
func (l temporalLog) Fatal(msg string, tags ...tag.Tag) {
	l.write(slog.LevelError, msg, tags)
	for _, t := range tags {
		msg += fmt.Sprintf(" %s=%v", t.Key(), t.Value())
	}
	l.fatal(msg)
}

func (l temporalLog) With(tags ...tag.Tag) log.Logger {
	return temporalLog{log: l.log.With(pairs(tags)...), fatal: l.fatal}
}

func (l temporalLog) write(level slog.Level, msg string, tags []tag.Tag) {
	if !l.log.Enabled(context.Background(), level) {
		return
	}
	l.log.Log(context.Background(), level, msg, pairs(tags)...)
}

// pairs are the keys and values of tags.
func pairs(tags []tag.Tag) []any {
	var kvs []any
	for _, t := range tags {
		kvs = append(kvs, t.Key(), t.Value())
	}
	return kvs
}
