package bridge

import (
	"context"
	"sync"
	"time"

	"orak"
)

// startsEvery is the interval at which starts are logged. Each start has a line only
// at debug: many a second would push everything else out of a log that rotates, and
// Temporal shows when a workflow was started.
const startsEvery = 10 * time.Second

// starts counts the workflows that were started since they were last logged.
type starts struct {
	mu    sync.Mutex
	count int
	last  orak.UploadID
}

func (s *starts) add(u orak.UploadID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	s.last = u
}

func (s *starts) take() (count int, last orak.UploadID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	count, s.count = s.count, 0
	return count, s.last
}

// logStarts logs starts until ctx ends.
func (b *Bridge) logStarts(ctx context.Context) {
	tick := time.NewTicker(startsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.logStarted(ctx)
		}
	}
}

// logStarted logs what was started since the last time, if anything was.
func (b *Bridge) logStarted(ctx context.Context) {
	if count, last := b.starts.take(); count > 0 {
		b.log.InfoContext(ctx, "workflows started", "count", count, "last_upload_id", last)
	}
}
