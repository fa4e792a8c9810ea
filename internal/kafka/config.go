package kafka

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// Config are the settings of the connection to Kafka and of the topics.
type Config struct {
	Brokers           []string      `help:"Addresses of some of the Kafka brokers, host:port, separated by commas; the others are discovered through them." default:"127.0.0.1:9092"`
	ClientID          string        `help:"Client id of this process in the logs and quotas of the brokers; each client appends its role." default:"orak" name:"client-id"`
	ReplicationFactor int16         `help:"Copies of each partition of a topic that orak creates; -1 means the default of the brokers." default:"-1"`
	DeliveryTimeout   time.Duration `help:"How long a record may wait for Kafka before its send fails; at least 1s." default:"2m"`
	TLS               bool          `help:"Use TLS and verify the brokers' certificates against the system's roots." name:"tls"`
	User              string        `help:"User for SASL; empty means no authentication."`
	Password          string        `help:"Password for SASL." secret:""`
	SASL              string        `help:"SASL mechanism: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN." default:"SCRAM-SHA-512" enum:"SCRAM-SHA-512,SCRAM-SHA-256,PLAIN" name:"sasl"`
}

// DefaultDeliveryTimeout is used if DeliveryTimeout is 0.
const DefaultDeliveryTimeout = 2 * time.Minute

// Validate returns an error for the first setting that is invalid.
func (c Config) Validate() error {
	if len(c.Brokers) == 0 {
		return errors.New("kafka brokers: want at least one host:port")
	}
	for _, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			return fmt.Errorf("kafka brokers: %w", err)
		}
	}
	if c.ReplicationFactor == 0 || c.ReplicationFactor < -1 {
		return errors.New("kafka replication factor: want 1 or more, or -1")
	}
	if c.DeliveryTimeout != 0 && c.DeliveryTimeout < time.Second {
		return errors.New("kafka delivery timeout: want at least 1s")
	}
	if (c.User == "") != (c.Password == "") {
		return errors.New("kafka user and password: want both or neither")
	}
	return nil
}
