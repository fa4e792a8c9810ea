package webhook

import (
	"errors"
	"fmt"
	"time"

	"orak/internal/kafka/consume"
	"orak/internal/standardwebhooks"
)

// Config says how events are delivered to webhooks.
type Config struct {
	consume.Config `embed:""`
	// Sending is also used by the API, which makes secrets and checks URLs.
	Sending standardwebhooks.Config `embed:""`

	StartTimeout time.Duration `help:"How long one try to start a delivery, to read the control documents or to write a dead letter may take." default:"10s"`
	Slots        int           `help:"Requests to receivers that are underway at once in this process; at least 2." default:"500"`
	PerWebhook   int           `help:"The same for one webhook. One that failed five times in a row has one." default:"10"`
	PerTenant    int           `help:"The same for all webhooks of one tenant." default:"50"`
	RetryFirst   time.Duration `help:"Wait after the first attempt of a delivery that failed; each further one is four times as long, with a fifth of jitter." default:"5s"`
	RetryMax     time.Duration `help:"Longest wait between two attempts, unless the receiver asks for a longer one with Retry-After, up to a day." default:"12h"`
	GiveUpAfter  time.Duration `help:"How long a delivery is tried. One that fails for so long, while no other to the webhook succeeds, pauses the webhook." default:"72h"`
	StopTimeout  time.Duration `help:"How long a stopping process waits for requests that are underway; what is cut is tried again." default:"20s"`
}

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	if err := c.Config.Validate(); err != nil {
		return fmt.Errorf("webhooks %w", err)
	}
	if err := c.Sending.Validate(); err != nil {
		return fmt.Errorf("webhooks %w", err)
	}
	switch {
	case c.StartTimeout <= 0 || c.StopTimeout <= 0:
		return errors.New("webhooks start timeout and stop timeout: want more than 0")
	case c.Slots < 2 || c.PerWebhook < 1 || c.PerTenant < 1:
		return errors.New("webhooks slots: want at least 2; per-webhook and per-tenant: at least 1")
	case c.RetryFirst <= 0 || c.RetryMax < c.RetryFirst:
		return errors.New("webhooks retry first: want more than 0; retry max: at least that")
	case c.GiveUpAfter < time.Second || c.GiveUpAfter > 30*24*time.Hour:
		return errors.New("webhooks give up after: want 1s to 720h")
	default:
		return nil
	}
}
