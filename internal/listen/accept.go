package listen

import (
	"errors"
	"log/slog"
	"net"
	"slices"
	"syscall"
	"time"
)

// Bounds of the pause after a failed accept, and of how often it is logged.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
	logEvery = 30 * time.Second
)

// acceptPatiently waits where accepting fails for a reason that passes. A lack
// of descriptors is met by closing a connection that has no request in flight:
// whatever took the others, this server can give one back.
func (l *Listener) acceptPatiently() (net.Conn, error) {
	pause, failures := minPause, 0
	var logged time.Time
	for {
		nc, err := l.Listener.Accept()
		if err == nil {
			if failures > 0 {
				l.opts.Log.Info("connections are accepted again", slog.String("listener", l.opts.Name), slog.Int("failures", failures))
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
			l.opts.Log.Warn("connection could not be accepted; trying again", slog.String("listener", l.opts.Name), slog.Any("error", err))
		}
		if noDescriptors(err) && l.evict() {
			continue
		}
		if !l.pause(pause) {
			return nil, errClosed
		}
		pause = min(2*pause, maxPause)
	}
}

func (l *Listener) evict() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.evictLocked()
}

// pause waits; false says that the listener was closed.
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

// passes tells what accept(2) says may be tried again from a listener that is
// closed or broken.
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
