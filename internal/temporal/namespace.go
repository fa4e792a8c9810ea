package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
)

// EnsureNamespace registers the namespace with the configured retention if it is
// missing, and returns once the server takes requests for it. It does not change an
// existing namespace.
func EnsureNamespace(ctx context.Context, cfg Config, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, cfg.DialTimeout)
	defer cancel()
	c, err := Lazy(cfg, log, Telemetry{})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = retry(ctx, func() (struct{}, error) {
		if err := Check(ctx, cfg); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, ensure(ctx, c, cfg, log)
	})
	return err
}

// ensure succeeds once the namespace can be used. After its registration the server
// needs some time.
func ensure(ctx context.Context, c client.Client, cfg Config, log *slog.Logger) error {
	// Not Describe: it finds the namespace before other requests can use it.
	_, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: cfg.Namespace})
	if err == nil {
		return nil
	}
	if missing := (*serviceerror.NamespaceNotFound)(nil); !errors.As(err, &missing) {
		return fmt.Errorf("finding namespace %s: %w", cfg.Namespace, err)
	}
	_, err = c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        cfg.Namespace,
		WorkflowExecutionRetentionPeriod: durationpb.New(cfg.Retention),
	})
	if exists := (*serviceerror.NamespaceAlreadyExists)(nil); errors.As(err, &exists) {
		return fmt.Errorf("registering namespace %s: not usable yet", cfg.Namespace)
	}
	if err != nil {
		return fmt.Errorf("registering namespace %s: %w", cfg.Namespace, err)
	}
	log.InfoContext(ctx, "namespace registered", "namespace", cfg.Namespace, "retention", cfg.Retention)
	return fmt.Errorf("registering namespace %s: not usable yet", cfg.Namespace)
}

// Retention returns how long the namespace keeps closed workflows.
func Retention(ctx context.Context, c client.Client, namespace string) (time.Duration, error) {
	found, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return 0, fmt.Errorf("describing namespace %s: %w", namespace, err)
	}
	return found.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(), nil
}
