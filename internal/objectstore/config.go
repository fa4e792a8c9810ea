package objectstore

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"orak/internal/secure"
)

// Config selects the bucket of an S3 server and bounds its use.
type Config struct {
	Endpoint       string `help:"S3 server as host:port, without a scheme." default:"127.0.0.1:9000"`
	PublicEndpoint string `help:"The same server as apps and browsers reach it, such as https://s3.example.org: presigned URLs name it. Empty means the endpoint above." default:""`
	Bucket         string `help:"Bucket that holds recordings and results. It is created if it is missing." default:"orak"`
	Region         string `help:"Region that requests are signed for. Most servers other than AWS accept any." default:"us-east-1"`
	Credentials    string `help:"Where the access key is from. keys: the two settings below. aws: as AWS's own tools find it, from AWS_… variables, a web identity, the AWS files with AWS_PROFILE, or the role of the container or machine; it is renewed before it expires." enum:"keys,aws" default:"keys"`
	AccessKey      string `help:"Access key id." default:"orak"`
	SecretKey      string `help:"Secret access key." default:"" secret:""`
	TLS            bool   `help:"Use HTTPS." name:"tls" default:"false"`
	secure.Files
	SSE          string        `name:"sse" help:"Encryption by the server of what is stored from now on. none: as the bucket says. s3: with a key of the server. kms: with a key of its key service." enum:"none,s3,kms" default:"none"`
	SSEKMSKey    string        `name:"sse-kms-key" help:"Id of the key for sse kms. Empty means the bucket's default key."`
	StallTimeout time.Duration `help:"Longest time in which the server neither sends nor accepts a byte; then the connection is closed and the request fails." default:"1m"`
	PartSize     int64         `help:"Size of a part in bytes, 5 MiB to 5 GiB. Larger objects are sent in parts, smaller ones whole. Each running upload keeps at most one part in memory, and only what has arrived." default:"5242880"`
	Parts        int           `help:"Most objects and parts above 64 KiB that are sent at once; further ones wait." default:"32"`
	PartWait     time.Duration `help:"Longest time that an object or part waits for others to be sent; then the put fails, and an upload is answered 503." default:"30s"`
}

// The smallest and largest part that S3 accepts; the last part may be smaller.
const (
	minPartSize = 5 << 20
	maxPartSize = 5 << 30
)

// Validate reports the first invalid setting.
func (c Config) Validate() error {
	_, port, err := net.SplitHostPort(c.Endpoint)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
		return fmt.Errorf("endpoint %q: want host:port, without a scheme", c.Endpoint)
	}
	if c.PublicEndpoint != "" {
		if _, _, err := parsePublic(c.PublicEndpoint); err != nil {
			return err
		}
	}
	if c.Bucket == "" {
		return errors.New("bucket: missing")
	}
	if err := c.Files.ValidateFor(c.TLS); err != nil {
		return err
	}
	if c.Credentials == fromAWS && c.SecretKey != "" {
		return errors.New("secret-key: it is not used with credentials aws; unset it")
	}
	if c.SSEKMSKey != "" && c.SSE != sseKMS {
		return errors.New("sse-kms-key: it needs sse kms")
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

// withDefaults replaces zero values, for callers that do not parse settings.
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
