package api

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"orak"
	"orak/internal/objectstore"
)

// errLate is the cause for which a context ended: the handler took too long.
var errLate = errors.New("the request took too long")

// deadline bounds the time that a handler works. The time in which it waits for its
// client does not count: a slow sender is bounded by BodyTimeout. An answer that is
// streamed after the handler has returned is not bounded either.
type deadline struct {
	limit time.Duration
	timer *time.Timer

	mu   sync.Mutex
	over bool
}

// withDeadline returns a context that ends with the cause errLate when the handler
// has worked for limit.
func withDeadline(ctx context.Context, limit time.Duration) (context.Context, *deadline) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &deadline{limit: limit, timer: time.AfterFunc(limit, func() { cancel(errLate) })}
}

// pause stops the clock while the handler waits for its client; resume restarts it.
func (d *deadline) pause() { d.timer.Stop() }

func (d *deadline) resume() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		d.timer.Reset(d.limit)
	}
}

// end stops the clock when the handler has returned.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	d.timer.Stop()
}

// timely is a Store that reports an outage of the store when a call fails after the
// request's deadline: then the request was waiting for the store.
type timely struct{ Store }

func (t timely) Put(ctx context.Context, key string, body io.Reader, opts objectstore.PutOptions) (objectstore.Info, error) {
	info, err := t.Store.Put(ctx, key, body, opts)
	return info, inTime(ctx, err)
}

func (t timely) Get(ctx context.Context, key string) (io.ReadCloser, objectstore.Info, error) {
	r, info, err := t.Store.Get(ctx, key)
	return r, info, inTime(ctx, err)
}

func (t timely) GetRangeOf(ctx context.Context, info objectstore.Info, offset, length int64) (io.ReadCloser, error) {
	r, err := t.Store.GetRangeOf(ctx, info, offset, length)
	return r, inTime(ctx, err)
}

func (t timely) Stat(ctx context.Context, key string) (objectstore.Info, error) {
	info, err := t.Store.Stat(ctx, key)
	return info, inTime(ctx, err)
}

func (t timely) Delete(ctx context.Context, key string) error {
	return inTime(ctx, t.Store.Delete(ctx, key))
}

func inTime(ctx context.Context, err error) error {
	if err == nil || !errors.Is(context.Cause(ctx), errLate) {
		return err
	}
	return &orak.Fault{
		Class: orak.ClassDependency, Dependency: orak.DependencyStore, Message: "The object store did not answer in time.", Err: err,
	}
}
