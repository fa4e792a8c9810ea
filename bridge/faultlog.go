package bridge

import (
	"log/slog"
	"sync"
	"time"
)

// faultPeriod is how often one message about an outage is logged at most:
// every record that waits would say the same.
const faultPeriod = 10 * time.Second

// faultLog logs repeated faults once a period, with the count of those held
// back. Its messages are constants.
type faultLog struct {
	mu   sync.Mutex
	last map[string]time.Time
	held map[string]int
}

func newFaultLog() *faultLog {
	return &faultLog{last: make(map[string]time.Time), held: make(map[string]int)}
}

func (f *faultLog) warn(log *slog.Logger, msg string, args ...any) {
	f.mu.Lock()
	now := time.Now()
	if last, ok := f.last[msg]; ok && now.Sub(last) < faultPeriod {
		f.held[msg]++
		f.mu.Unlock()
		return
	}
	f.last[msg] = now
	if held := f.held[msg]; held > 0 {
		args = append(args[:len(args):len(args)], "suppressed", held)
		f.held[msg] = 0
	}
	f.mu.Unlock()
	log.Warn(msg, args...)
}
