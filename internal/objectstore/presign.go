package objectstore

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// MaxPresigned is the longest time for which S3 accepts a presigned URL.
const MaxPresigned = 7 * 24 * time.Hour

// Presigned is a request that its holder may send to the store without credentials.
// It is a secret until it expires.
type Presigned struct {
	Method string
	// URL names Config.PublicEndpoint, or else Config.Endpoint.
	URL string
	// Header must be sent as it is, beside a Content-Length of the signed size.
	Header http.Header
	// Until is when the store stops accepting it: a store's session token that expires
	// before takes with it what it has signed.
	Until time.Time
}

// PresignPut permits one PUT of exactly size bytes to key, until the given time has
// passed; the store refuses another length, and with fs.ErrExist's status 412 a
// second object. With sha256, the digest in lower-case hex, it also refuses other
// bytes. It sends no request. A PUT that began in time may end later.
func (s *Store) PresignPut(ctx context.Context, key string, size int64, sha256 string, valid time.Duration) (Presigned, error) {
	send := http.Header{"If-None-Match": {"*"}}
	if sha256 != "" {
		sum, err := hex.DecodeString(sha256)
		if err != nil {
			return Presigned{}, fmt.Errorf("signing a PUT of %s: the digest: %w", key, err)
		}
		send.Set(headerChecksum, base64.StdEncoding.EncodeToString(sum))
	}
	if s.sse != nil {
		s.sse.Marshal(send)
	}
	return s.presign(ctx, key, size, valid, nil, send)
}

// PresignPart permits the PUT of one part of exactly size bytes, as often as its
// holder wants until the given time has passed: the last one counts. number is from
// 1 to 10,000.
func (s *Store) PresignPart(ctx context.Context, m Multipart, number int, size int64, valid time.Duration) (Presigned, error) {
	query := url.Values{"partNumber": {strconv.Itoa(number)}, "uploadId": {m.ID}}
	return s.presign(ctx, m.Key, size, valid, query, http.Header{})
}

// headerChecksum has the SHA-256 of an object in base64; the store compares the
// bytes with it.
const headerChecksum = "X-Amz-Checksum-Sha256"

func (s *Store) presign(ctx context.Context, key string, size int64, valid time.Duration, query url.Values, send http.Header) (Presigned, error) {
	signed := send.Clone()
	signed.Set("Content-Length", strconv.FormatInt(size, 10))
	valid = min(valid, MaxPresigned)
	until, err := s.signedUntil(valid)
	if err != nil {
		return Presigned{}, fmt.Errorf("signing a PUT of %s: %w", key, err)
	}
	u, err := s.public.PresignHeader(ctx, http.MethodPut, s.cfg.Bucket, key, valid, query, signed)
	if err != nil {
		return Presigned{}, fmt.Errorf("signing a PUT of %s: %w", key, err)
	}
	return Presigned{Method: http.MethodPut, URL: u.String(), Header: send, Until: until}, nil
}

// signedUntil is when what is signed now for a time ends: then, or with the key that signs.
func (s *Store) signedUntil(valid time.Duration) (time.Time, error) {
	until := time.Now().UTC().Add(valid)
	key, err := s.public.GetCreds()
	if err != nil {
		return time.Time{}, fmt.Errorf("getting the access key: %w", err)
	}
	if e := key.Expiration; !e.IsZero() && e.Before(until) {
		until = e.UTC()
	}
	return until, nil
}

// parsePublic checks Config.PublicEndpoint.
func parsePublic(endpoint string) (host string, tls bool, err error) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil:
		return "", false, fmt.Errorf("public-endpoint: %w", err)
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.User != nil, u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		return "", false, errors.New("public-endpoint: want http://host or https://host, with a port if need be, and nothing else")
	}
	return u.Host, u.Scheme == "https", nil
}

// newPublic makes the client that signs for callers. It sends no request: the region
// is known.
func newPublic(cfg Config, creds *credentials.Credentials) (*minio.Client, error) {
	host, tls := cfg.Endpoint, cfg.TLS
	if cfg.PublicEndpoint != "" {
		var err error
		if host, tls, err = parsePublic(cfg.PublicEndpoint); err != nil {
			return nil, err
		}
	}
	return minio.New(host, &minio.Options{
		Creds: creds, Secure: tls, Region: cfg.Region,
	})
}
