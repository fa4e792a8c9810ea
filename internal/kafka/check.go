package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orak/internal/secure"
)

// prefix begins the names of the settings.
const prefix = "kafka-"

// checkFor bounds Check.
const checkFor = 8 * time.Second

// Check returns a *secure.WrongSetting if a broker can be reached but not used with these
// settings: TLS, certificates, credentials, and no other can be used. It returns nil if one
// can be used, or if none can be reached. It takes 8 seconds at most.
//
// A client reports wrong credentials as a time-out, since it tries again for as long as it
// may. Check sends one request to one broker after the other, without another try.
func Check(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, checkFor)
	defer cancel()
	cl, err := NewClient(cfg, slog.New(slog.DiscardHandler), kgo.DialTimeout(checkFor/2))
	if err != nil {
		return err
	}
	defer cl.Close()
	ask := kmsg.NewPtrMetadataRequest()
	ask.Topics = []kmsg.MetadataRequestTopic{} // none
	var first error
	for i, broker := range cl.SeedBrokers() {
		if i >= len(cfg.Brokers) {
			break
		}
		_, err := broker.Request(ctx, ask)
		if err == nil {
			return nil
		}
		if wrong := cfg.explain(ctx, cfg.Brokers[i], err); first == nil {
			first = wrong
		}
	}
	return first
}

// refusedToken is the client's error for a broker that answers a token with an error.
const refusedToken = "unexpected data in oauth response"

// closedInDial is in the client's error for a connection that ends in the TLS handshake.
const closedInDial = "immediately after a dial"

// closedAfterRequest is in the client's error for a connection that ends in the first
// request after the broker told what it supports. A proxy whose broker is away ends it
// before that.
const closedAfterRequest = "immediately after a request was issued"

// explain returns nil if err does not tell more than that a broker is unavailable.
func (c Config) explain(ctx context.Context, address string, err error) error {
	tls := secure.Settings{Prefix: prefix, Address: prefix + "brokers", Host: prefix + "brokers", TLS: prefix + "tls"}
	if wrong := tls.Explain(err); wrong != nil {
		return wrong
	}
	var (
		dial   *net.OpError
		closed *kgo.ErrFirstReadEOF
	)
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed), c.SASL == mechanismOAuth && strings.Contains(err.Error(), refusedToken):
		return c.refused(err)
	case errors.Is(err, kerr.UnsupportedSaslMechanism), errors.Is(err, kerr.IllegalSaslState):
		return &secure.WrongSetting{Name: prefix + "sasl", Reason: "the brokers do not accept this mechanism here", Err: err}
	case ctx.Err() != nil, errors.As(err, &dial) && dial.Op == "dial":
		return nil
	case errors.As(err, &closed) && c.TLS && strings.Contains(err.Error(), closedInDial) && speaksPlain(ctx, address):
		return &secure.WrongSetting{Name: prefix + "tls", Reason: "the broker does not speak TLS", Err: err}
	case errors.Is(err, io.EOF) && closed == nil && mechanism(c) != nil:
		return c.refused(err) // closed while it authenticated, twice
	case !c.TLS && secure.SpeaksTLS(ctx, address):
		return &secure.WrongSetting{Name: prefix + "tls", Reason: "the broker requires TLS", Err: err}
	case closed != nil && mechanism(c) == nil && strings.Contains(err.Error(), closedAfterRequest):
		return &secure.WrongSetting{Name: prefix + "user", Reason: "the broker closes the connection, as brokers do that require SASL", Err: err}
	}
	return nil
}

// plainFor bounds speaksPlain.
const plainFor = 2 * time.Second

// speaksPlain reports whether a broker answers a request without TLS. It takes 2 seconds at
// most.
func speaksPlain(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, plainFor)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	const id = 0x6f72616b // any number; the answer repeats it
	if _, err := conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, kmsg.NewPtrApiVersionsRequest(), id)); err != nil {
		return false
	}
	var head [8]byte // the length, and the number of the request
	_, err = io.ReadFull(conn, head[:])
	return err == nil && binary.BigEndian.Uint32(head[4:]) == id
}

// refused explains a broker that does not accept the credentials.
func (c Config) refused(err error) error {
	switch {
	case c.OAuthTokenFile != "":
		return &secure.WrongSetting{Name: prefix + "oauth-token-file", Reason: "the brokers refuse the token", Err: err}
	case c.OAuthTokenURL != "":
		return &secure.WrongSetting{Name: prefix + "oauth-token-url", Reason: "the brokers refuse the tokens of this endpoint", Err: err}
	default:
		return &secure.WrongSetting{Name: prefix + "password", Reason: fmt.Sprintf("the brokers refuse it, or %suser %q, for %s", prefix, c.User, c.SASL), Err: err}
	}
}
