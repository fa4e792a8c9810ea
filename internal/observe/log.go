package observe

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

// Config has the settings of a process's log.
type Config struct {
	Level  string `help:"The lowest level that is logged." enum:"debug,info,warn,error" default:"info"`
	Format string `help:"Form of a log line. auto is text on a terminal and JSON elsewhere." enum:"auto,text,json" default:"auto"`
}

// NewLogger makes a logger that writes to w, one line for each record. It is safe
// for concurrent use.
func NewLogger(cfg Config, w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level(cfg.Level)}
	if cfg.Format == "text" || cfg.Format != "json" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

// Logger is NewLogger for callers that have c and need nothing else of this
// package.
func (c Config) Logger(w io.Writer) *slog.Logger { return NewLogger(c, w) }

// level returns info for an unknown name, which package config has refused before.
func level(name string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo
	}
	return l
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
