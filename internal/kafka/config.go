package kafka

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"orak/internal/secure"
)

// Config are the settings of the connection to Kafka and of the topics.
type Config struct {
	Brokers           []string      `help:"Addresses of some of the Kafka brokers, host:port, separated by commas; the others are discovered through them." default:"127.0.0.1:9092"`
	UploadsBrokers    []string      `help:"Addresses of some brokers of the cluster that has the topic orak.uploads (its place primary); empty means the main cluster, that of kafka-brokers. Credentials and TLS are those of the main cluster." name:"uploads-brokers"`
	StandbyBrokers    []string      `help:"Addresses of some brokers of the cluster that stands in for the topic orak.uploads (its place standby), to which orak kafka switch moves producers; it may be the main cluster. Credentials and TLS are those of the main cluster. Empty means none." name:"standby-brokers"`
	SwitchInterval    time.Duration `help:"Interval at which each process looks in the store which place of orak.uploads is active, if there is a standby; 500ms to 1m." default:"2s" name:"switch-interval"`
	ClientID          string        `help:"Client id of this process in the logs and quotas of the brokers; each client appends its role." default:"orak" name:"client-id"`
	ReplicationFactor int16         `help:"Copies of each partition of a topic that orak creates; -1 means the default of the brokers." default:"-1"`
	Partitions        int32         `help:"Partitions of each topic of events that orak creates; at least 1. No more processes than partitions share the work of a role. Topics that exist are not changed; orak topics tells those that have fewer." default:"12"`
	DeliveryTimeout   time.Duration `help:"How long a record may wait for Kafka before its send fails; at least 1s." default:"2m"`
	TLS               bool          `help:"Use TLS." name:"tls"`
	secure.Files
	User     string `help:"User for SASL; empty means no authentication, except with OAUTHBEARER."`
	Password string `help:"Password for SASL." secret:""`
	SASL     string `help:"SASL mechanism. OAUTHBEARER takes its tokens from oauth-token-file or from oauth-token-url." default:"SCRAM-SHA-512" enum:"SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER" name:"sasl"`

	OAuthTokenFile    string   `name:"oauth-token-file" help:"File with the token for OAUTHBEARER. It is read for each authentication, so that another program can renew it."`
	OAuthTokenURL     string   `name:"oauth-token-url" help:"Token endpoint for OAUTHBEARER (OAuth 2.0 client credentials): an https address, or http on this machine. Its certificate must come from the system's authorities."`
	OAuthClientID     string   `name:"oauth-client-id" help:"Client id for the token endpoint."`
	OAuthClientSecret string   `name:"oauth-client-secret" help:"Client secret for the token endpoint." secret:""`
	OAuthScopes       []string `name:"oauth-scopes" help:"Scopes to ask the token endpoint for, separated by commas."`
}

// maxPartitions is more than any group of orak can use, and a typing error away from a
// cluster that is busy with nothing else.
const maxPartitions = 10_000

// DefaultDeliveryTimeout is used if DeliveryTimeout is 0.
const DefaultDeliveryTimeout = 2 * time.Minute

// Validate returns an error for the first setting that is invalid.
func (c Config) Validate() error {
	if err := c.validateClusters(); err != nil {
		return err
	}
	if c.ReplicationFactor == 0 || c.ReplicationFactor < -1 {
		return errors.New("kafka replication factor: want 1 or more, or -1")
	}
	if c.Partitions < 0 || c.Partitions > maxPartitions {
		return fmt.Errorf("kafka partitions: want 1 to %d", maxPartitions)
	}
	if c.DeliveryTimeout != 0 && c.DeliveryTimeout < time.Second {
		return errors.New("kafka delivery timeout: want at least 1s")
	}
	if (c.User == "") != (c.Password == "") {
		return errors.New("kafka user and password: want both or neither")
	}
	if err := c.Files.ValidateFor(c.TLS); err != nil {
		return err
	}
	return c.validateOAuth()
}

func (c Config) validateOAuth() error {
	some := c.OAuthTokenFile != "" || c.OAuthTokenURL != "" || c.OAuthClientID != "" || c.OAuthClientSecret != "" || len(c.OAuthScopes) > 0
	switch {
	case c.SASL != mechanismOAuth && some:
		return errors.New("oauth-…: they need sasl OAUTHBEARER")
	case c.SASL != mechanismOAuth:
		return nil
	case c.User != "":
		return errors.New("user: OAUTHBEARER has none")
	case !c.TLS:
		return errors.New("sasl OAUTHBEARER: it needs tls, since tokens would be sent in clear")
	case (c.OAuthTokenFile == "") == (c.OAuthTokenURL == ""):
		return errors.New("sasl OAUTHBEARER: want either oauth-token-file or oauth-token-url")
	case c.OAuthTokenURL == "":
		return nil
	case c.OAuthClientID == "" || c.OAuthClientSecret == "":
		return errors.New("oauth-token-url: it needs oauth-client-id and oauth-client-secret")
	}
	u, err := url.Parse(c.OAuthTokenURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return errors.New("oauth-token-url: want an https address, or http on this machine")
	}
	return nil
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// mechanismOAuth authenticates with tokens (RFC 7628).
const mechanismOAuth = "OAUTHBEARER"
