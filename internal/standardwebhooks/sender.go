package standardwebhooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	// maxHead and maxBody bound what is read of an answer, in bytes. The body is read
	// only so that the connection can be used again.
	maxHead = 16 << 10
	maxBody = 4 << 10
	// idleConns bounds the connections that are kept, idleFor their time.
	idleConns = 200
	idleFor   = 30 * time.Second
)

// Request is one request to a receiver.
type Request struct {
	URL string
	// ID is the same for each attempt of a delivery.
	ID   string
	Body []byte
	// Secrets sign it, at least one.
	Secrets []Secret
}

// Answer is what is kept of a receiver's answer. Its body is not.
type Answer struct {
	// Status is the HTTP status.
	Status int
	// RetryAfter is the wait that the receiver asks for; 0 if it asks for none.
	RetryAfter time.Duration
}

// ErrTimeout means that the receiver did not answer in time.
var ErrTimeout = errors.New("no answer in time")

// ErrConnection means that there was no whole answer for another reason: no address, no
// connection, no valid certificate, or a connection that was cut.
var ErrConnection = errors.New("no answer")

// Sender sends requests. It is safe for concurrent use.
type Sender struct {
	http    *http.Client
	timeout time.Duration
	now     func() time.Time
}

// NewSender returns a Sender; Close closes its connections. resolver looks names up; nil
// means the system's.
func NewSender(cfg Config, resolver *net.Resolver) *Sender {
	transport := &http.Transport{
		Proxy:       nil, // a proxy would dial for us, unchecked
		DialContext: cfg.guard().dialer(resolver).DialContext,
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12,
		},
		TLSHandshakeTimeout:    dialTimeout,
		DisableCompression:     true,
		MaxIdleConns:           idleConns,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        idleFor,
		MaxResponseHeaderBytes: maxHead,
		Protocols:              new(http.Protocols),
	}
	transport.Protocols.SetHTTP1(true)
	return &Sender{
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		timeout: cfg.Timeout, now: time.Now,
	}
}

// Close closes the connections that wait for their next request.
func (s *Sender) Close() { s.http.CloseIdleConnections() }

// Send makes one attempt. An error is, by errors.Is, ErrForbidden, ErrTimeout or
// ErrConnection; it shows neither the URL nor anything that the receiver sent.
func (s *Sender) Send(ctx context.Context, r Request) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{}, fmt.Errorf("%w: the URL cannot be used", ErrForbidden)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "orak-webhooks")
	sign(req.Header, r.ID, s.now(), r.Body, r.Secrets)
	resp, err := s.http.Do(req)
	if err != nil {
		return Answer{}, reason(ctx, err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxBody) // its status is the answer
	return Answer{Status: resp.StatusCode, RetryAfter: s.retryAfter(resp.Header)}, nil
}

// reason returns the kind of err with no more of its text than people need: that of
// net/http holds the URL.
func reason(ctx context.Context, err error) error {
	var verify *tls.CertificateVerificationError
	var name *net.DNSError
	switch {
	case errors.Is(err, ErrForbidden):
		return ErrForbidden
	case errors.Is(ctx.Err(), context.DeadlineExceeded), isTimeout(err):
		return ErrTimeout
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &verify):
		return fmt.Errorf("%w: the certificate is not valid", ErrConnection)
	case errors.As(err, &name):
		return fmt.Errorf("%w: the name has no address", ErrConnection)
	default:
		return ErrConnection
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// maxRetryAfter bounds what a receiver may ask for.
const maxRetryAfter = 365 * 24 * time.Hour

// retryAfter reads the header, which holds seconds or a date.
func (s *Sender) retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), int(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(s.now())), maxRetryAfter)
}

// Payload is the body of a request, as Standard Webhooks recommends.
type Payload struct {
	Type string `json:"type"`
	// Timestamp is when the event happened, not when it was sent.
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
}
