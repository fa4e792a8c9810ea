package objectstore

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Config says which bucket of which S3 server to use.
type Config struct {
	Endpoint     string        `help:"S3 server as host:port, without a scheme." default:"127.0.0.1:9000"`
	Bucket       string        `help:"Bucket that holds recordings and results. It is created where it is missing." default:"orak"`
	Region       string        `help:"Region that requests are signed for. Most servers other than AWS take any." default:"us-east-1"`
	AccessKey    string        `help:"Access key id." default:"orak"`
	SecretKey    string        `help:"Secret access key." default:"" secret:""`
	TLS          bool          `help:"Speak HTTPS to the server." name:"tls" default:"false"`
	StallTimeout time.Duration `help:"How long the server may neither send nor take a byte, before the connection is given up and the request counts as failed." default:"1m"`
	PartSize     int64         `help:"Size in bytes of the parts in which larger objects are sent, 5 MiB to 5 GiB; smaller ones are sent whole. Each upload that is received keeps at most this much in memory, and only what has arrived." default:"5242880"`
	Parts        int           `help:"How many objects or parts above 64 KiB may be sent at once; further ones wait." default:"32"`
	PartWait     time.Duration `help:"How long an object or part may wait for the others to be sent; after that the put fails, and an upload is answered 503." default:"30s"`
}

// The least and the largest part that S3 takes; the last part may be smaller.
const (
	minPartSize = 5 << 20
	maxPartSize = 5 << 30
)

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	_, port, err := net.SplitHostPort(c.Endpoint)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
		return fmt.Errorf("endpoint %q: want host:port, without a scheme", c.Endpoint)
	}
	if c.Bucket == "" {
		return errors.New("bucket: missing")
	}
	if c.PartSize < minPartSize || c.PartSize > maxPartSize {
		return fmt.Errorf("part-size %d: want %d to %d bytes", c.PartSize, minPartSize, maxPartSize)
	}
	if c.StallTimeout <= 0 {
		return fmt.Errorf("stall-timeout %v: want more than 0", c.StallTimeout)
	}
	if c.PartWait <= 0 {
		return fmt.Errorf("part-wait %v: want more than 0", c.PartWait)
	}
	if c.Parts < 1 {
		return fmt.Errorf("parts %d: want 1 at least", c.Parts)
	}
	return nil
}

// withDefaults fills what was left zero, for callers that write a Config by
// hand.
func (c Config) withDefaults() Config {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.StallTimeout == 0 {
		c.StallTimeout = time.Minute
	}
	if c.PartSize == 0 {
		c.PartSize = 5 << 20
	}
	if c.Parts == 0 {
		c.Parts = 32
	}
	if c.PartWait == 0 {
		c.PartWait = 30 * time.Second
	}
	return c
}
