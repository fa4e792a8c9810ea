// Package startstop lets a part of a process start once and stop any number of
// times, from any goroutine.
//
//	new ──► starting ──► running ──► stopped
//	 ▲          │ failed               ▲
//	 └──────────┘      Stop, from any ─┘
package startstop

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Errors of Start.
var (
	ErrStarted = errors.New("it was started or stopped before")
	ErrStopped = errors.New("it was stopped while it started")
)

// grace is how long Stop waits for stop after the end of its context.
const grace = time.Second

// Once guards one start and one stop of a part. It must not be copied; the zero value
// is ready to use.
type Once struct {
	mu    sync.Mutex
	state state
	// cancelStart ends a start that is underway; started is closed when it has ended.
	cancelStart context.CancelFunc
	started     chan struct{}
	runs        bool // start succeeded
	// cut ends the context of a stop that is underway; stopped is closed when it has
	// ended, with err.
	cut     context.CancelFunc
	stopped chan struct{}
	err     error
}

type state int

const (
	fresh state = iota
	starting
	running
	stopping
)

// Start calls start, whose context also ends with Stop. If the part was started or
// stopped before, it returns ErrStarted without a call. A failed start must leave
// nothing running; it may be tried again.
func (o *Once) Start(ctx context.Context, start func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o.mu.Lock()
	if o.state != fresh {
		o.mu.Unlock()
		return ErrStarted
	}
	o.state, o.cancelStart, o.started = starting, cancel, make(chan struct{})
	o.mu.Unlock()

	err := start(ctx)

	o.mu.Lock()
	defer o.mu.Unlock()
	defer close(o.started)
	o.runs = err == nil
	switch {
	case o.state == stopping:
		return errors.Join(ErrStopped, err)
	case err != nil:
		o.state = fresh
	default:
		o.state = running
	}
	return err
}

// Stop cancels a start that is underway. If the part runs, it calls stop once, with a
// context that ends with that of any caller, and returns the error of stop. If stop
// takes more than a second longer than ctx, Stop returns the error of ctx; stop
// continues, and a later call waits for it. Once everything has ended, Stop returns
// nil.
func (o *Once) Stop(ctx context.Context, stop func(context.Context) error) error {
	o.mu.Lock()
	if o.state != stopping {
		o.state, o.stopped = stopping, make(chan struct{})
		var bounded context.Context
		bounded, o.cut = context.WithCancel(ctx)
		go o.shutDown(bounded, o.started, stop)
	}
	o.mu.Unlock()
	select {
	case <-o.stopped:
		return o.take()
	case <-ctx.Done():
	}
	o.cut()
	select {
	case <-o.stopped:
		if err := o.take(); err != nil {
			return errors.Join(ctx.Err(), err)
		}
		return nil
	case <-time.After(grace):
		return ctx.Err()
	}
}

func (o *Once) shutDown(ctx context.Context, started <-chan struct{}, stop func(context.Context) error) {
	defer close(o.stopped)
	defer o.cut()
	if started == nil {
		return
	}
	o.cancelStart()
	<-started
	if o.runs {
		o.err = stop(ctx)
	}
}

// take returns the error of stop to the first caller.
func (o *Once) take() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.err
	o.err = nil
	return err
}
