package worker

import (
	"context"
	"fmt"
	"sync"
)

// fatalError keeps the first fatal error of a worker.
type fatalError struct {
	first chan error // gets the error and is closed
	mu    sync.Mutex
	err   error
}

func newFatalError() *fatalError { return &fatalError{first: make(chan error, 1)} }

func (e *fatalError) set(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		e.err = err
		e.first <- err
		close(e.first)
	}
}

// Fatal returns a channel that gets the error for which a queue is no longer
// served, and is then closed: Temporal has refused this worker for good, since the
// namespace is gone or access was revoked. The process should end with that error,
// for its supervisor. It gets one error, however many queues fail, and none when
// the worker is stopped.
func (w *Worker) Fatal() <-chan error { return w.fatal.first }

// Ready returns the fatal error, if there is one. It never blocks.
func (w *Worker) Ready(context.Context) error {
	w.fatal.mu.Lock()
	defer w.fatal.mu.Unlock()
	return w.fatal.err
}

// failed records the fatal error of a queue.
func (w *Worker) failed(queue string, err error) {
	w.log.ErrorContext(context.Background(), "worker was stopped by a fatal error", "queue", queue, "error", err)
	w.fatal.set(fmt.Errorf("serving queue %s: %w", queue, err))
}
