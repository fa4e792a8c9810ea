package api

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"orak/events"
	"orak/internal/objectstore"
	"orak/internal/outbox"
	"orak/workflows"
)

// Store keeps recordings, markers and results. Objects are whole or absent: a
// Put whose body fails stores nothing, and its error wraps the body's. The
// bucket exists.
type Store interface{ outbox.Store }

var _ Store = (*objectstore.Store)(nil)

// Publisher sends events to Kafka; nil means that all in-sync replicas have
// the event, an error never that it was not sent. PublishEventAsync does not
// block, is not bound by ctx (which gives the trace), and calls done exactly
// once, from any goroutine and perhaps before it returns.
type Publisher interface {
	PublishEvent(ctx context.Context, topic string, e events.Event) error
	PublishEventAsync(ctx context.Context, topic string, e events.Event, done func(error))
}

// Workflows is what is asked of Temporal; client.Client is one.
type Workflows interface {
	DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error)
	ListWorkflow(ctx context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error)
	UpdateWorkflow(ctx context.Context, options client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)
	GetWorkflowHistory(ctx context.Context, workflowID, runID string, isLongPoll bool, filter enumspb.HistoryEventFilterType) client.HistoryEventIterator
}

var _ Workflows = (client.Client)(nil)

// Sniffer decides from the first bytes of a file what it is.
type Sniffer struct {
	// Len is how many bytes Sniff wants; it is given fewer only of a file
	// that has no more.
	Len int
	// Sniff gives the media type; ok is false for what is not taken.
	Sniff func(head []byte) (mediaType string, ok bool)
	// Accepted lists what is taken, for the answer to what is not.
	Accepted []string
}

// OutageReporter is told of errors that keep uploads from being stored or
// announced, and finds out whether they are a dependency's. It neither blocks
// nor fails.
type OutageReporter interface{ Report(err error) }

// Deps are what a Server works with. All but WorkflowURL, Namespace, Tracing
// and Outages are required.
type Deps struct {
	Store     Store
	Events    Publisher
	Workflows Workflows
	// Payloads decodes with the data converter that Workflows was made with.
	Payloads workflows.Payloads
	Media    Sniffer
	Outages  OutageReporter
	// WorkflowURL links to a workflow in the Temporal Web UI; nil where none
	// is configured.
	WorkflowURL func(workflowID, runID string) string
	// Namespace is Temporal's, for the commands that operators paste; empty
	// means the one that their tools take by themselves.
	Namespace string
	// Live and Ready answer /livez and /readyz. They see requests without
	// bodies. Metrics are served elsewhere: the API's port is public.
	Live, Ready http.Handler
	Log         *slog.Logger
	Metrics     prometheus.Registerer
	// Tracing makes the spans; nil traces nothing, but still passes on the
	// caller's trace context.
	Tracing trace.TracerProvider
}
