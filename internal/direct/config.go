package direct

import (
	"errors"
	"fmt"
	"time"
)

// Config bounds direct uploads.
type Config struct {
	TTL              time.Duration `name:"ttl" help:"How long a direct upload may take from its creation to its last byte; at most 24h, since the store drops unfinished parts after a day." default:"24h"`
	URLTTL           time.Duration `name:"url-ttl" help:"How long a presigned URL of a direct upload is valid; callers get new ones until direct-ttl is over." default:"1h"`
	MaxTenantUploads int           `help:"Most direct uploads of one tenant that are open at once; further ones are answered 429. Each API process may let one more pass." default:"1000"`
	Completions      int           `help:"Most direct uploads that are verified at once; further ones wait. Each takes 64 KiB of memory." default:"4"`
	CompleteAfter    time.Duration `help:"A direct upload that is whole for this long is accepted although its client does not say that it is complete." default:"30s"`
	SweepInterval    time.Duration `help:"How often direct uploads are searched for those to complete, and for those that have expired." default:"30s"`
}

// maxTTL is the age at which objectstore.Store.EnsureBucket has parts removed.
const maxTTL = 24 * time.Hour

// Validate reports the first invalid setting.
func (c Config) Validate() error {
	if c.TTL < time.Minute || c.TTL > maxTTL {
		return fmt.Errorf("direct-ttl %v: want 1m to %v", c.TTL, maxTTL)
	}
	if c.URLTTL < time.Second {
		return fmt.Errorf("direct-url-ttl %v: want 1s at least", c.URLTTL)
	}
	if c.MaxTenantUploads <= 0 || c.Completions <= 0 {
		return errors.New("direct-max-tenant-uploads, direct-completions: want more than 0")
	}
	if c.CompleteAfter < 0 || c.SweepInterval <= 0 {
		return errors.New("direct-complete-after: want 0 at least; direct-sweep-interval: want more than 0")
	}
	return nil
}
