package temporal

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc/codes"

	"orak/internal/secure"
)

// prefix begins the names of the settings, and of the variables.
const prefix = "temporal-"

// settings names the settings in errors.
func settings() secure.Settings {
	return secure.Settings{Prefix: prefix, Address: prefix + "address", Host: prefix + "tls-server-name", TLS: prefix + "tls"}
}

// tlsConfig returns nil for a connection without TLS.
func (c Config) tlsConfig() (*tls.Config, error) {
	if !c.TLS {
		return nil, nil
	}
	t, err := c.Client(prefix)
	if err != nil {
		return nil, err
	}
	t.ServerName = c.TLSServerName
	return t, nil
}

// secured adds TLS and credentials to the options of a client.
func secured(o *client.Options, cfg Config) error {
	t, err := cfg.tlsConfig()
	if err != nil {
		return err
	}
	o.ConnectionOptions.TLS = t
	if cfg.APIKey != "" {
		o.Credentials = client.NewAPIKeyStaticCredentials(cfg.APIKey)
	}
	return nil
}

// checkFor bounds the request of Check. The server answers it in milliseconds.
const checkFor = 3 * time.Second

// Check returns a *secure.WrongSetting if the server can be reached but not used with
// these settings: TLS, certificates, credentials. It returns nil if the server is not
// reachable. It takes 8 seconds at most.
func Check(ctx context.Context, cfg Config) error {
	t, err := cfg.tlsConfig()
	if err != nil {
		return err
	}
	if answered, err := settings().ProbeHTTP2(ctx, cfg.Address, t); err != nil || !answered {
		return err
	}
	c, err := Lazy(cfg, slog.New(slog.DiscardHandler), Telemetry{})
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, checkFor)
	defer cancel()
	// Not GetSystemInfo, which Temporal answers without credentials.
	_, err = c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: cfg.Namespace})
	return cfg.denied(err)
}

// denied explains an answer that refuses the caller.
func (c Config) denied(err error) error {
	switch {
	case !isRefusal(err):
		return nil
	case c.APIKey == "" && c.Cert != "":
		return &secure.WrongSetting{Name: prefix + "tls-cert", Reason: fmt.Sprintf("Temporal does not let its holder use the namespace %s", c.Namespace), Err: err}
	case c.APIKey == "":
		return &secure.WrongSetting{Name: prefix + "api-key", Reason: "Temporal requires credentials", Err: err}
	default:
		return &secure.WrongSetting{Name: prefix + "api-key", Reason: fmt.Sprintf("Temporal refuses it for the namespace %s", c.Namespace), Err: err}
	}
}

// isRefusal reports whether an answer of Temporal refuses the caller.
func isRefusal(err error) bool {
	code := serviceerror.ToStatus(err).Code()
	return code == codes.Unauthenticated || code == codes.PermissionDenied
}

// Open is Lazy for a command of an operator, which should learn of wrong settings
// instead of waiting. It returns a *secure.WrongSetting for them.
func Open(ctx context.Context, cfg Config, log *slog.Logger, tel Telemetry) (client.Client, error) {
	if err := Check(ctx, cfg); err != nil {
		return nil, err
	}
	return Lazy(cfg, log, tel)
}
