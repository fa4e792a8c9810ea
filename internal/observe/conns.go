package observe

import (
	"context"
	"net"
	"net/http"

	"orak/internal/listen"
)

// connKey is the context key of a request's connection.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// busy marks the connection as having a request in flight.
func busy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*listen.Conn); ok {
			c.Busy()
		}
		next.ServeHTTP(w, r)
	})
}

// idle marks a connection that waits for its next request.
func idle(c net.Conn, state http.ConnState) {
	if own, ok := c.(*listen.Conn); ok && state == http.StateIdle {
		own.Idle()
	}
}
