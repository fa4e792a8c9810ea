package objectstore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"
	"github.com/prometheus/client_golang/prometheus"
)

// Info describes a stored object.
type Info struct {
	Key string
	// Size is in bytes.
	Size int64
	// ContentType and Metadata are empty in a listing: S3 does not return them.
	ContentType string
	Metadata    map[string]string
	ETag        string
	// SHA256 is the digest that the server has compared with the whole object, in
	// lower-case hex; "" unless Stat returned it.
	SHA256     string
	ModifiedAt time.Time
}

// Store is one bucket. It is safe for concurrent use.
type Store struct {
	cfg  Config
	core minio.Core
	// public signs requests that others send.
	public *minio.Client
	// sse is how the server encrypts; nil leaves it to the bucket.
	sse encrypt.ServerSide
	log *slog.Logger
	// buffers hold what was read of bodies and is not sent yet.
	buffers *buffers
	// slots bounds the bodies that are being sent.
	slots   chan struct{}
	metrics *metrics
	closer  func()

	lifecycleOnce sync.Once
}

// Option configures a Store.
type Option func(*Store)

// WithLogger sets the logger; the default discards.
func WithLogger(log *slog.Logger) Option { return func(s *Store) { s.log = log } }

// WithMetrics registers the metrics of the store.
func WithMetrics(reg prometheus.Registerer) Option {
	return func(s *Store) { reg.MustRegister(s.metrics.sending, s.metrics.gaveUp, s.metrics.buffered) }
}

// tries is the number of attempts of a request: enough for a brief failure, and
// few enough that a waiting caller learns of an outage.
const tries = 3

// New makes a Store without connecting. Call EnsureBucket before use. An error is a
// *secure.WrongSetting for a file that cannot be read.
func New(cfg Config, opts ...Option) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("checking the store's configuration: %w", err)
	}
	tls, err := cfg.Client(prefix)
	if err != nil {
		return nil, err
	}
	sse, err := cfg.encryption()
	if err != nil {
		return nil, err
	}
	transport := newTransport(cfg.StallTimeout)
	transport.TLSClientConfig = tls
	creds := cfg.credentials()
	client, err := minio.NewCore(cfg.Endpoint, &minio.Options{
		Creds:      creds,
		Secure:     cfg.TLS,
		Region:     cfg.Region,
		Transport:  transport,
		MaxRetries: tries,
	})
	if err != nil {
		return nil, fmt.Errorf("making the S3 client: %w", err)
	}
	public, err := newPublic(cfg, creds)
	if err != nil {
		return nil, fmt.Errorf("making the signer of S3 requests: %w", err)
	}
	s := &Store{
		cfg:     cfg,
		core:    *client,
		public:  public,
		sse:     sse,
		log:     slog.New(slog.DiscardHandler),
		slots:   make(chan struct{}, cfg.Parts),
		metrics: newMetrics(),
		closer:  transport.CloseIdleConnections,
	}
	for _, o := range opts {
		o(s)
	}
	s.buffers = newBuffers(int(cfg.PartSize), s.metrics.buffered)
	return s, nil
}

func newTransport(stall time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &impatient{Conn: c, stall: stall}, nil
		},
		// As many as the uploads of one process take at once with their markers, which
		// are written beside them and removed later: a new connection costs a round trip.
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       min(30*time.Second, stall/2), // before the connection itself times out
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: stall,
		ExpectContinueTimeout: 5 * time.Second,
		// A transport that requests gzip would decompress recordings.
		DisableCompression: true,
	}
}

// Close closes idle connections, so that an embedded server need not wait for
// them. The Store remains usable.
func (s *Store) Close() { s.closer() }

// Stat describes an object; an absent one is fs.ErrNotExist.
func (s *Store) Stat(ctx context.Context, key string) (Info, error) {
	oi, err := s.core.StatObject(ctx, s.cfg.Bucket, key, minio.StatObjectOptions{Checksum: true})
	if err != nil {
		return Info{}, fmt.Errorf("looking at object %s: %w", key, classify(ctx, err))
	}
	return infoOf(oi), nil
}

// Delete removes an object; an absent one is not an error.
func (s *Store) Delete(ctx context.Context, key string) error {
	err := s.core.RemoveObject(ctx, s.cfg.Bucket, key, minio.RemoveObjectOptions{})
	if err == nil {
		return nil
	}
	if err = classify(ctx, err); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("deleting object %s: %w", key, err)
}

// List lists the objects whose keys begin with prefix, in the order of their keys.
// It ends after an error.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return s.ListAfter(ctx, prefix, "")
}

// ListAfter is List from the first key after the given one, which need not exist;
// "" lists all.
func (s *Store) ListAfter(ctx context.Context, prefix, after string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		opts := minio.ListObjectsOptions{Prefix: prefix, StartAfter: after, Recursive: true}
		for oi := range s.core.ListObjectsIter(ctx, s.cfg.Bucket, opts) {
			if oi.Err != nil {
				yield(Info{}, fmt.Errorf("listing %s: %w", prefix, classify(ctx, oi.Err)))
				return
			}
			if !yield(infoOf(oi), nil) {
				return
			}
		}
		// minio-go ends a canceled listing like a complete one.
		if err := ctx.Err(); err != nil {
			yield(Info{}, fmt.Errorf("listing %s: %w", prefix, err))
		}
	}
}

// Ping reports whether the bucket is reachable and exists.
func (s *Store) Ping(ctx context.Context) error {
	ok, err := s.core.BucketExists(ctx, s.cfg.Bucket)
	if err != nil {
		return fmt.Errorf("looking for bucket %s: %w", s.cfg.Bucket, classify(ctx, err))
	}
	if !ok {
		return fmt.Errorf("looking for bucket %s: %w", s.cfg.Bucket, unavailable(errors.New("the bucket is missing")))
	}
	return nil
}

func infoOf(oi minio.ObjectInfo) Info {
	meta := make(map[string]string, len(oi.UserMetadata))
	for name, value := range oi.UserMetadata {
		meta[strings.ToLower(name)] = value // header names are case-insensitive
	}
	return Info{
		Key: oi.Key, Size: oi.Size, ContentType: oi.ContentType, Metadata: meta,
		ETag: oi.ETag, SHA256: digestOf(oi.ChecksumSHA256), ModifiedAt: oi.LastModified.UTC(),
	}
}

// digestOf returns a checksum as lower-case hex. That of an object of several parts
// is a digest of digests, which says little.
func digestOf(checksum string) string {
	sum, err := base64.StdEncoding.DecodeString(checksum)
	if err != nil || len(sum) != sha256.Size {
		return ""
	}
	return hex.EncodeToString(sum)
}
