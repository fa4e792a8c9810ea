package observe

import (
	"context"
	"net"
	"net/http"

	"orak/internal/listen"
)

// connKey finds a request's connection in its context.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// busy tells the listener that a connection has a request in flight.
func busy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*listen.Conn); ok {
			c.Busy()
		}
		next.ServeHTTP(w, r)
	})
}

// idle tells the listener that a connection awaits its next request.
func idle(c net.Conn, state http.ConnState) {
	if own, ok := c.(*listen.Conn); ok && state == http.StateIdle {
		own.Idle()
	}
}
