package kafka

import (
	"context"
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
// settings: TLS, certificates, credentials. It returns nil if one can be used, or if none
// can be reached. It takes 8 seconds at most.
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
	for i, broker := range cl.SeedBrokers() {
		_, err := broker.Request(ctx, ask)
		if err == nil || i >= len(cfg.Brokers) {
			return nil
		}
		if wrong := cfg.explain(ctx, cfg.Brokers[i], err); wrong != nil {
			return wrong
		}
	}
	return nil
}

// refusedToken is the client's error for a broker that answers a token with an error.
const refusedToken = "unexpected data in oauth response"

// closedInDial is in the client's error for a connection that ends in the TLS handshake.
const closedInDial = "immediately after a dial"

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
	case errors.As(err, &closed) && c.TLS && strings.Contains(err.Error(), closedInDial):
		return &secure.WrongSetting{Name: prefix + "tls", Reason: "the broker does not speak TLS", Err: err}
	case errors.Is(err, io.EOF) && closed == nil && mechanism(c) != nil:
		return c.refused(err) // closed while it authenticated, twice
	case !c.TLS && secure.SpeaksTLS(ctx, address):
		return &secure.WrongSetting{Name: prefix + "tls", Reason: "the broker requires TLS", Err: err}
	case closed != nil && mechanism(c) == nil:
		return &secure.WrongSetting{Name: prefix + "user", Reason: "the broker closes the connection, as brokers do that require SASL", Err: err}
	}
	return nil
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
