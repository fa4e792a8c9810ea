package lag_test

import (
	"log/slog"
	"testing"
	"time"

	"orak/operate/lag"
	"orak/test/leaks"
	"orak/test/lifecycle"
)

func TestMain(m *testing.M) { leaks.Main(m) }

func TestMonitorStartsOnceAndStops(t *testing.T) {
	lifecycle.Starts(t, func(t *testing.T) lifecycle.Part {
		w := newWorld(t)
		m := lag.NewMonitor(lag.Config{Interval: time.Second, Window: time.Minute, Groups: []string{group}}, w.cfg, own(), slog.New(slog.DiscardHandler), nil)
		return lifecycle.Part{Start: m.Start, Stop: m.Stop}
	})
}
