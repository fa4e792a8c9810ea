package listen

import (
	"context"
	"errors"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// The bounds of the pause after a failed accept, and the interval of its log.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
	logEvery = 30 * time.Second
)

// acceptPatiently accepts a connection, and retries after transient failures. If the
// process has no free file descriptor, it closes a connection without a request in
// flight, whatever has taken the others.
func (l *Listener) acceptPatiently() (net.Conn, error) {
	pause := backoff.ExponentialBackOff{InitialInterval: minPause, Multiplier: 2, MaxInterval: maxPause}
	pause.Reset()
	failures := 0
	var logged time.Time
	for {
		nc, err := l.Listener.Accept()
		if err == nil {
			if failures > 0 {
				l.opts.Log.InfoContext(context.Background(), "accepting connections again", "listener", l.opts.Name, "failures", failures)
			}
			return nc, nil
		}
		if !passes(err) {
			return nil, err
		}
		failures++
		l.metrics.failed.Inc()
		if time.Since(logged) > logEvery {
			logged = time.Now()
			l.opts.Log.WarnContext(context.Background(), "connection could not be accepted; trying again", "listener", l.opts.Name, "error", err)
		}
		if noDescriptors(err) && l.evict() {
			continue
		}
		if !l.pause(pause.NextBackOff()) {
			return nil, errClosed
		}
	}
}

func (l *Listener) evict() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.evictLocked()
}

// pause waits, and returns false if the listener is closed first.
func (l *Listener) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-l.ended:
		return false
	case <-timer.C:
		return true
	}
}

// passes reports whether a failure of accept(2) is transient, unlike that of a closed
// or broken listener.
func passes(err error) bool {
	var no syscall.Errno
	if !errors.As(err, &no) {
		var netErr net.Error
		return errors.As(err, &netErr) && netErr.Timeout()
	}
	return noDescriptors(err) || slices.Contains([]syscall.Errno{
		syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EINTR, syscall.EAGAIN, syscall.EPERM, syscall.EPROTO,
		syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ENOPROTOOPT, syscall.EOPNOTSUPP,
	}, no)
}

func noDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
