package certs

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Demand is the server's side of TLS: it presents server, and demands a certificate of
// clients unless that is nil. A certificate of the serial revoked is refused.
func Demand(server Pair, clients *Authority, revoked string) *tls.Config {
	cfg := &tls.Config{Certificates: []tls.Certificate{server.Certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}}
	if clients == nil {
		return cfg
	}
	cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, clients.Pool()
	cfg.VerifyConnection = func(s tls.ConnectionState) error {
		if s.PeerCertificates[0].SerialNumber.String() == revoked {
			return errors.New("the certificate was revoked")
		}
		return nil
	}
	return cfg
}

// Front ends TLS in front of a server that has none, and returns its address, host:port.
func Front(t testing.TB, target string, cfg *tls.Config) (address string) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	require.NoError(t, err)
	f := &front{target: target, open: map[net.Conn]bool{}}
	f.running.Go(func() { f.accept(l) })
	t.Cleanup(func() {
		l.Close()
		f.close()
		f.running.Wait()
	})
	return l.Addr().String()
}

type front struct {
	target  string
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]bool
}

func (f *front) accept(l net.Listener) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", f.target)
		if err != nil || !f.keep(in, out) {
			in.Close()
			continue
		}
		f.running.Go(func() { f.pass(in, out) })
		f.running.Go(func() { f.pass(out, in) })
	}
}

func (f *front) keep(conns ...net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range conns {
		if f.closed {
			c.Close()
		}
		f.open[c] = true
	}
	return !f.closed
}

func (f *front) pass(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
}

func (f *front) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for c := range f.open {
		c.Close()
	}
}
