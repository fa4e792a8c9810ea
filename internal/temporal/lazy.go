package temporal

import (
	"fmt"
	"log/slog"

	"go.temporal.io/sdk/client"
)

// Lazy makes a client that connects at its first use, for a process that can work
// while Temporal is unavailable. The caller closes the client.
func Lazy(cfg Config, log *slog.Logger, tel Telemetry) (client.Client, error) {
	opts, err := options(cfg, log, tel)
	if err != nil {
		return nil, err
	}
	c, err := client.NewLazyClient(opts)
	if err != nil {
		return nil, fmt.Errorf("making Temporal client: %w", err)
	}
	return c, nil
}
