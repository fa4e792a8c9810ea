package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// forward publishes a service's port on an address of this machine until ctx ends. A
// connection to a service that does not answer is closed, as Docker's proxy does.
func forward(ctx context.Context, published, target string) error {
	listener, err := net.Listen("tcp", published)
	if err != nil {
		return fmt.Errorf("publishing %s: %w", target, err)
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	go accept(ctx, listener, target)
	return nil
}

func accept(ctx context.Context, listener net.Listener, target string) {
	for ctx.Err() == nil {
		conn, err := listener.Accept()
		if err != nil {
			// Out of file descriptors, or closed: wait, and see whether ctx has ended.
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		go pipe(ctx, conn, target)
	}
}

// pipe copies both ways until both sides have ended.
func pipe(ctx context.Context, client net.Conn, target string) {
	defer client.Close()
	dialer := net.Dialer{Timeout: 5 * time.Second}
	server, err := dialer.DialContext(ctx, "tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	stop := context.AfterFunc(ctx, func() { client.Close(); server.Close() })
	defer stop()

	var both sync.WaitGroup
	both.Go(func() { half(server, client) })
	both.Go(func() { half(client, server) })
	both.Wait()
}

// half copies one direction, and passes its end on.
func half(to, from net.Conn) {
	// An error of either side ends both.
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		from.Close()
		return
	}
	if conn, ok := to.(*net.TCPConn); ok {
		_ = conn.CloseWrite() // it may already be closed
	}
}
