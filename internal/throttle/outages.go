package throttle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Outages logs when something that is tried again and again begins to fail, and when it
// works again, and not the tries between. It is safe for concurrent use.
type Outages struct {
	log *slog.Logger

	mu   sync.Mutex
	open map[string]*outage
}

type outage struct {
	began time.Time
	tries int
}

// NewOutages returns Outages that are logged to log.
func NewOutages(log *slog.Logger) *Outages {
	return &Outages{log: log, open: make(map[string]*outage)}
}

// Report takes the result of a try: nil if it worked. What is tried is told apart by msg,
// which says that it failed, and by args, the attributes; both must be of a closed set.
// The first error of an outage is logged at level warn, and the end of the outage at info.
// A try that was canceled says nothing.
func (o *Outages) Report(ctx context.Context, err error, msg string, args ...any) {
	if errors.Is(err, context.Canceled) {
		return
	}
	if err != nil {
		if o.begins(msg, args) {
			o.log.WarnContext(ctx, msg, append(args[:len(args):len(args)], "error", err)...)
		}
		return
	}
	if over := o.ends(msg, args); over != nil {
		o.log.InfoContext(ctx, "works again", append(args[:len(args):len(args)], "failed_with", msg, "lasted", time.Since(over.began).Round(time.Second), "failures", over.tries)...)
	}
}

func keyOf(msg string, args []any) string { return fmt.Sprintln(append([]any{msg}, args...)...) }

// begins counts an error, and reports whether it is the first of an outage.
func (o *Outages) begins(msg string, args []any) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := keyOf(msg, args)
	known := o.open[key]
	if known == nil {
		o.open[key] = &outage{began: time.Now(), tries: 1}
		return true
	}
	known.tries++
	return false
}

// ends returns the outage that is over; nil if there was none.
func (o *Outages) ends(msg string, args []any) *outage {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := keyOf(msg, args)
	known := o.open[key]
	delete(o.open, key)
	return known
}
