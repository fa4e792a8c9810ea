package worker

import (
	"context"
	"fmt"
	"sync"
)

// fatalEnd keeps the first fatal error of a worker, for all who ask.
type fatalEnd struct {
	once  sync.Once
	first chan error // holds the error, then it is closed

	mu  sync.Mutex
	err error
}

func newFatalEnd() *fatalEnd { return &fatalEnd{first: make(chan error, 1)} }

func (e *fatalEnd) with(err error) {
	e.once.Do(func() {
		e.mu.Lock()
		e.err = err
		e.mu.Unlock()
		e.first <- err
		close(e.first)
	})
}

// Fatal sends the error for which a queue is no longer served, and is closed
// then. Temporal refused this worker for good: the namespace is gone, or access
// was taken away. The process should end with that error, for its supervisor.
// It sends once, however many queues die; it sends nothing when the worker is
// stopped.
func (w *Worker) Fatal() <-chan error { return w.end.first }

// Ready returns Fatal's error once there is one, to every caller and at once.
func (w *Worker) Ready(context.Context) error {
	w.end.mu.Lock()
	defer w.end.mu.Unlock()
	return w.end.err
}

func (w *Worker) died(queue string, err error) {
	w.log.Error("worker stopped by a fatal error", "queue", queue, "error", err)
	w.end.with(fmt.Errorf("serving queue %s: %w", queue, err))
}
