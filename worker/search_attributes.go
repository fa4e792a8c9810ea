package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"orak/workflows"
)

// RegisterSearchAttributes registers the search attributes of our workflows that
// are missing, and returns once queries can use them. It may run repeatedly, and in
// several processes at once.
func RegisterSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	missing, err := missingAttributes(ctx, c, namespace)
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		return awaitAttributes(ctx, c, namespace) // they may have been registered just now
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	// Another process may have registered them first.
	if e := (*serviceerror.AlreadyExists)(nil); err != nil && !errors.As(err, &e) {
		return fmt.Errorf("adding search attributes: %w", err)
	}
	return awaitAttributes(ctx, c, namespace)
}

func attributeNames() []string {
	return []string{
		workflows.AttrStatus.GetName(), workflows.AttrStage.GetName(),
		workflows.AttrFailure.GetName(), workflows.AttrTenant.GetName(),
		workflows.AttrWebhook.GetName(),
	}
}

func missingAttributes(ctx context.Context, c client.Client, namespace string) (map[string]enumspb.IndexedValueType, error) {
	have, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("listing search attributes: %w", err)
	}
	missing := map[string]enumspb.IndexedValueType{}
	for _, name := range attributeNames() {
		switch t, ok := have.GetCustomAttributes()[name]; {
		case !ok:
			missing[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
		case t != enumspb.INDEXED_VALUE_TYPE_KEYWORD:
			return nil, fmt.Errorf("search attribute %s exists with type %s, want Keyword: remove it, or use another namespace", name, t)
		}
	}
	return missing, nil
}

// awaitAttributes returns once the server, which caches search attributes, knows
// all of them. A workflow task that runs before is retried.
func awaitAttributes(ctx context.Context, c client.Client, namespace string) error {
	query := strings.Join(attributeNames(), " = 'x' AND ") + " = 'x'"
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		_, last = c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: query})
		return struct{}{}, last
	}, backoff.WithBackOff(backoff.NewConstantBackOff(100*time.Millisecond)), backoff.WithMaxElapsedTime(0))
	if err != nil {
		return fmt.Errorf("waiting for search attributes: %w", errors.Join(ctx.Err(), last))
	}
	return nil
}
