package servers

import (
	"context"
	"fmt"

	"github.com/temporalio/ui-server/v2/server"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// webUI is Temporal's Web UI.
type webUI struct {
	port         int
	temporalPort int

	server *server.Server
	done   chan error
}

func (w *webUI) start(ctx context.Context) error {
	w.server = server.NewServer(server_options.WithConfigProvider(&config.Config{
		Host:                Host,
		Port:                w.port,
		TemporalGRPCAddress: address(w.temporalPort),
		DefaultNamespace:    Namespace,
		EnableUI:            true,
		HideLogs:            true,
		// No requests to the internet.
		DisableNewsFetch: true,
		// Loopback is plain HTTP: without this the buttons are refused.
		CORS: config.CORS{CookieInsecure: true},
	}))
	w.done = make(chan error, 1)
	go func() { w.done <- w.server.Start() }()
	if err := waitHTTP(ctx, w.url()+"/healthz", w.done); err != nil {
		return fmt.Errorf("starting the Temporal Web UI: %w", err)
	}
	return nil
}

func (w *webUI) stop(context.Context) error {
	w.server.Stop()
	return nil
}

func (w *webUI) url() string { return "http://" + address(w.port) }
