package standardwebhooks

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Config says where requests may be sent, and how they are signed.
type Config struct {
	Keys          []string      `help:"Keys from which the secrets of webhooks are derived, each as ID=BASE64 of 32 random bytes, such as 2026-01=q83v…; the same for the roles api and webhooks. The first one is for new secrets; keep the others until the webhooks that use them are rotated. Empty: webhooks cannot be created." secret:""`
	Ports         []string      `help:"Ports of receivers that are dialled." default:"443,8443"`
	AllowInsecure bool          `help:"Also send to receivers on this machine, by http or https and to any port. For development: it lets every tenant send requests to what listens here." default:"false"`
	Timeout       time.Duration `help:"How long a receiver may take to answer, 100ms to 30s." default:"15s"`
	PublicURL     string        `help:"URL of the API as receivers reach it, for the links in webhooks, such as https://orak.example.org. Empty: the links are paths."`
}

// maxTimeout bounds an attempt, so that it ends before Temporal takes it for lost.
const maxTimeout = 30 * time.Second

// Validate returns an error for the first setting that cannot work. It does not show keys.
func (c Config) Validate() error {
	if _, err := ParseKeys(c.Keys); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if len(c.Ports) == 0 {
		return errors.New("ports: want at least one")
	}
	for _, text := range c.Ports {
		if n, err := strconv.ParseUint(text, 10, 16); err != nil || n == 0 || strconv.FormatUint(n, 10) != text {
			return fmt.Errorf("ports: %q: want 1 to 65535", text)
		}
	}
	if c.Timeout < 100*time.Millisecond || c.Timeout > maxTimeout {
		return fmt.Errorf("timeout %v: want 100ms to %v", c.Timeout, maxTimeout)
	}
	if c.PublicURL == "" {
		return nil
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("public-url %q: want an http or https URL", c.PublicURL)
	}
	return nil
}
