package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"
)

// Bounds of the requests for an issuer's keys.
const (
	fetchTimeout = 5 * time.Second
	// fetchInterval is the least time between two fetches: a flood of JWTs that name
	// unknown keys causes one each.
	fetchInterval = 10 * time.Second
	maxKeySet     = 256 << 10 // bytes
)

// Errors of issuerKeys.
var (
	errUnknownKey      = errors.New("the JWT names a key that its issuer does not have")
	errKeysUnavailable = errors.New("the issuer's keys cannot be fetched")
)

// issuerKeys are the public keys of an issuer (a JWK set), fetched over HTTP when a JWT
// needs them: again every cfg.Refresh, and for a key that is not known. Where the issuer
// is unavailable, they are used until they are cfg.MaxAge old.
type issuerKeys struct {
	jwkset.Storage // the keys, in memory

	cfg     JWTConfig
	log     *slog.Logger
	now     func() time.Time
	http    *http.Client
	fetches *prometheus.CounterVec
	flight  singleflight.Group

	mu        sync.Mutex
	fetchedAt time.Time // of the keys
	triedAt   time.Time
	lastErr   error // of the last try
}

func newIssuerKeys(cfg JWTConfig, d JWTDeps) *issuerKeys {
	k := &issuerKeys{
		Storage: jwkset.NewMemoryStorage(), cfg: cfg, log: d.Log, now: d.Now,
		http: &http.Client{
			Timeout: fetchTimeout,
			// Without idle connections there is nothing to close.
			Transport:     &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		fetches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orak_auth_jwks_fetches_total", Help: "Fetches of the keys of the issuer of JWTs, by result: ok or failed.",
		}, []string{"result"}),
	}
	k.fetches.WithLabelValues("ok")
	k.fetches.WithLabelValues("failed") // before the first, which is to be seen
	if d.Metrics != nil {
		d.Metrics.MustRegister(k.fetches)
	}
	return k
}

// KeyRead implements jwkset.Storage. The error is errUnknownKey or errKeysUnavailable.
func (k *issuerKeys) KeyRead(ctx context.Context, kid string) (jwkset.JWK, error) {
	key, err := k.Storage.KeyRead(ctx, kid)
	age := k.age()
	if err == nil && age < k.cfg.MaxAge {
		if age >= k.cfg.Refresh {
			k.refresh(ctx) // this request goes on with the keys that there are
		}
		return key, nil
	}
	select {
	case <-ctx.Done():
		return jwkset.JWK{}, fmt.Errorf("%w: %w", errKeysUnavailable, ctx.Err())
	case result := <-k.refresh(ctx):
		if result.Err != nil {
			return jwkset.JWK{}, result.Err
		}
	}
	if key, err = k.Storage.KeyRead(ctx, kid); err != nil {
		return jwkset.JWK{}, errUnknownKey // without the kid, which is part of the credential
	}
	return key, nil
}

func (k *issuerKeys) age() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now().Sub(k.fetchedAt)
}

// refresh fetches the keys, unless that is done already or was within fetchInterval, and
// returns the result of the last fetch. It does not end with the request that ctx is of,
// since others may wait for it.
func (k *issuerKeys) refresh(ctx context.Context) <-chan singleflight.Result {
	return k.flight.DoChan("", func() (any, error) {
		k.mu.Lock()
		recent, err := k.now().Sub(k.triedAt) < fetchInterval, k.lastErr
		k.mu.Unlock()
		if recent {
			return nil, err
		}
		ctx := context.WithoutCancel(ctx)
		if err = k.fetch(ctx); err != nil {
			err = fmt.Errorf("%w: %w", errKeysUnavailable, err)
			k.log.WarnContext(ctx, "cannot fetch the keys of the issuer of JWTs", "url", k.cfg.JWKSURL, "error", err)
		}
		k.note(err)
		return nil, err
	})
}

// note records the result of a fetch.
func (k *issuerKeys) note(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.triedAt, k.lastErr = k.now(), err
	if err != nil {
		k.fetches.WithLabelValues("failed").Inc()
		return
	}
	k.fetches.WithLabelValues("ok").Inc()
	k.fetchedAt = k.triedAt
}

// fetch replaces the keys by those that the issuer has now.
func (k *issuerKeys) fetch(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.cfg.JWKSURL, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := k.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySet+1))
	if err != nil {
		return err
	}
	if len(text) > maxKeySet {
		return fmt.Errorf("more than %d bytes", maxKeySet)
	}
	keys, err := parseKeySet(text)
	if err != nil {
		return err
	}
	return k.KeyReplaceAll(ctx, keys)
}

// parseKeySet returns the public keys of a JWK set that can be used. An issuer may have
// others: symmetric ones, and those of kinds that are not supported.
func parseKeySet(text []byte) ([]jwkset.JWK, error) {
	var set jwkset.JWKSMarshal
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("not a JWK set: %w", err)
	}
	var keys []jwkset.JWK
	for _, described := range set.Keys {
		if key, err := jwkset.NewJWKFromMarshal(described, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{}); err == nil {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("it has no public key that can be used")
	}
	return keys, nil
}
