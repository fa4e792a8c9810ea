package kafka

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// Config says how Kafka is reached and how records are kept safe.
type Config struct {
	Brokers           []string      `help:"Addresses of some of the Kafka brokers, host:port, separated by commas; the others are learned from them." default:"127.0.0.1:9092"`
	ClientID          string        `help:"Name by which the brokers log and meter this process; each client adds its role." default:"orak" name:"client-id"`
	ReplicationFactor int16         `help:"Copies of each partition of a topic that orak creates; -1 takes the brokers' own default." default:"-1"`
	DeliveryTimeout   time.Duration `help:"How long a record may wait for Kafka before its send fails and the sender has to decide; at least 1s." default:"2m"`
	TLS               bool          `help:"Speak TLS to the brokers and verify their certificates against the system's roots." name:"tls"`
	User              string        `help:"User for SASL (SCRAM-SHA-512 unless --kafka-sasl says otherwise); empty means no authentication."`
	Password          string        `help:"Password for SASL." secret:""`
	SASL              string        `help:"SASL mechanism: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN." default:"SCRAM-SHA-512" enum:"SCRAM-SHA-512,SCRAM-SHA-256,PLAIN" name:"sasl"`
}

// DefaultDeliveryTimeout stands in for a DeliveryTimeout of 0.
const DefaultDeliveryTimeout = 2 * time.Minute

// Validate reports the first setting that cannot work.
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
