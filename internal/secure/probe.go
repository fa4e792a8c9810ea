package secure

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// probeFor bounds a probe.
const probeFor = 5 * time.Second

// http2 begins an HTTP/2 connection: the preface, and settings without an entry. The
// server answers with its own settings.
const http2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"

// ProbeHTTP2 opens a connection as an HTTP/2 client does, without a request. cfg is nil
// for a connection without TLS. It reports whether the server answered, and returns a
// *WrongSetting if cfg, or the certificate of either side, prevents that.
func (s Settings) ProbeHTTP2(ctx context.Context, address string, cfg *tls.Config) (answered bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, probeFor)
	defer cancel()
	if cfg == nil {
		return s.probePlain(ctx, address)
	}
	cfg = cfg.Clone()
	cfg.NextProtos = []string{"h2"}
	conn, err := (&tls.Dialer{Config: cfg}).DialContext(ctx, "tcp", address)
	if err == nil {
		_, err = greet(ctx, conn)
	}
	if w := s.Explain(err); w != nil {
		return false, w
	}
	return err == nil, nil
}

// probePlain finds out whether a server that does not answer speaks TLS instead.
func (s Settings) probePlain(ctx context.Context, address string) (answered bool, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return false, nil
	}
	const alert = 21 // the type of a TLS record
	if first, err := greet(ctx, conn); err == nil && first != alert {
		return true, nil
	}
	if !SpeaksTLS(ctx, address) {
		return false, nil
	}
	return false, &WrongSetting{Name: s.TLS, Reason: "the server requires TLS"}
}

// speakFor bounds the handshake of SpeaksTLS. Some servers take it for the beginning of a
// long request, and wait for the rest.
const speakFor = 2 * time.Second

// SpeaksTLS reports whether a handshake comes as far as the server's certificate. It
// takes 2 seconds at most.
func SpeaksTLS(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, speakFor)
	defer cancel()
	seen := false
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, VerifyConnection: func(tls.ConnectionState) error {
		seen = true
		return nil
	}}
	conn, err := (&tls.Dialer{Config: cfg}).DialContext(ctx, "tcp", address)
	if err == nil {
		conn.Close()
	}
	var unverified *tls.CertificateVerificationError
	return seen || errors.As(err, &unverified)
}

// greet sends the beginning of an HTTP/2 connection, and returns the first byte of the
// answer. It closes conn.
func greet(ctx context.Context, conn net.Conn) (byte, error) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	_, werr := conn.Write([]byte(http2))
	var first [1]byte
	_, err := io.ReadFull(conn, first[:]) // after a failed write, too: there may be an alert
	if err != nil {
		return 0, errors.Join(err, werr)
	}
	return first[0], nil
}
