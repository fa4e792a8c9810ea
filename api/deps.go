package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"orak"
	"orak/control"
	"orak/events"
	"orak/internal/auth"
	"orak/internal/direct"
	"orak/internal/objectstore"
	"orak/internal/resumable"
	"orak/internal/standardwebhooks"
	"orak/sinks/index"
	"orak/songs"
	"orak/web"
	"orak/workflows"
)

// Store keeps recordings, markers and results. Objects are whole or absent: a
// Put whose body fails stores nothing, and its error wraps the body's. The
// bucket exists.
type Store interface {
	direct.Store
	resumable.Store
	// GetRangeOf opens length bytes of the object that info describes, from offset
	// on; one that has replaced it since is objectstore.ErrChanged.
	GetRangeOf(ctx context.Context, info objectstore.Info, offset, length int64) (io.ReadCloser, error)
}

var _ Store = (*objectstore.Store)(nil)

// Publisher sends events to Kafka. nil means that all in-sync replicas have the
// event; an error does not mean that it was not sent. PublishEventAsync does not
// block, takes only the trace from ctx, and calls done exactly once, from any
// goroutine and possibly before it returns.
type Publisher interface {
	PublishEvent(ctx context.Context, topic string, e events.Event) error
	PublishEventAsync(ctx context.Context, topic string, e events.Event, done func(error))
	// PublishAct records an act that no event tells of.
	PublishAct(ctx context.Context, a events.Act) error
}

// Workflows is the part of Temporal's client that the API uses.
type Workflows interface {
	DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error)
	ListWorkflow(ctx context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error)
	CountWorkflow(ctx context.Context, request *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error)
	UpdateWorkflow(ctx context.Context, options client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)
	ExecuteWorkflow(ctx context.Context, options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
	GetWorkflowHistory(ctx context.Context, workflowID, runID string, isLongPoll bool, filter enumspb.HistoryEventFilterType) client.HistoryEventIterator
	WorkflowService() workflowservice.WorkflowServiceClient
}

var _ Workflows = (client.Client)(nil)

// Sniffer determines the media type of a file from its first bytes.
type Sniffer struct {
	// Len is the number of bytes that Sniff gets; fewer if the file is shorter.
	Len int
	// Sniff returns the media type; ok is false if it is not accepted.
	Sniff func(head []byte) (mediaType string, ok bool)
	// Accepted lists the accepted media types, for refusals.
	Accepted []string
}

// OutageReporter receives errors of storing and announcing uploads, and reports
// those of dependencies. It neither blocks nor fails.
type OutageReporter interface{ Report(err error) }

// Index is the part of index.Store that the API uses. Its errors are those of
// index.Store. Uploads are accepted without it.
type Index interface {
	Get(ctx context.Context, t orak.Tenant, id orak.UploadID) (index.Upload, error)
	Some(ctx context.Context, t orak.Tenant, ids []orak.UploadID) ([]index.Upload, error)
	List(ctx context.Context, q index.Query) (index.Page, error)
	Similar(ctx context.Context, s index.Search) ([]index.Neighbor, error)
	Acts(ctx context.Context, q index.ActQuery) (index.ActPage, error)
	PutSongs(ctx context.Context, t orak.Tenant, list []songs.Song) error
	Songs(ctx context.Context, t orak.Tenant, after songs.ID, limit int) ([]songs.Song, error)
	RemoveSong(ctx context.Context, t orak.Tenant, id songs.ID) error
}

var _ Index = (index.Store)(nil)

// Webhooks are the webhooks that are in effect, and change them. Errors are those of
// control.Writer.
type Webhooks interface {
	// Sync returns once every change is known that was made before the call.
	Sync(ctx context.Context) error
	// Webhooks returns those of a tenant, or of control.EveryTenant.
	Webhooks(t orak.Tenant) []control.Webhook
	Webhook(t orak.Tenant, id string) (h control.Webhook, ok bool)
	PutWebhook(ctx context.Context, h control.Webhook) (control.Webhook, error)
	RemoveWebhook(ctx context.Context, h control.Webhook, by string) error
}

// Feed follows what happens to the uploads of a tenant; see feed.Feed.
type Feed interface {
	Follow(ctx context.Context, t orak.Tenant, after string, every time.Duration, each func(events.Followed) error) error
}

// Deps are the dependencies of a Server. All but Bucket, ActiveCluster, Codec, MaxTenantUploads, Paused, Limits,
// Keys, WorkflowURL, TemporalUI, Namespace, Tracing, Console, Index, Webhooks, Feed, Operations, Settings and Outages are required.
type Deps struct {
	Store Store
	// Bucket is closed once the bucket exists; the outbox is not searched before. nil
	// means that it exists.
	Bucket <-chan struct{}
	Events Publisher
	// ActiveCluster returns the cluster to which Events sends what goes to orak.uploads now;
	// nil means that it is always the same.
	ActiveCluster func() string
	Workflows     Workflows
	// Payloads decodes with the data converter that Workflows was made with.
	Payloads workflows.Payloads
	// Codec is the client's payload codec, for /v1/codec; nil if it has none.
	Codec   converter.PayloadCodec
	Media   Sniffer
	Outages OutageReporter
	// Callers authenticates requests.
	Callers auth.Authenticator
	// Keys manages the API keys; nil answers with 503.
	Keys *auth.Keys
	// Index answers lists, searches and songs; nil answers them with 503.
	Index Index
	// Webhooks answers the routes of webhooks; nil answers them with 503. Sending makes
	// their secrets and judges their URLs, and GiveUpAfter is how long a delivery that
	// is asked for is tried.
	Webhooks    Webhooks
	Sending     standardwebhooks.Config
	GiveUpAfter time.Duration
	// Feed answers the stream of a tenant's events; nil answers it with 503.
	Feed Feed
	// Operations answers what operators look at; nil answers it with 503.
	Operations Operations
	// Settings answers the routes of settings; nil answers them with 503.
	// SettingDefaults are the values of those that have a flag, of this process, by name.
	Settings        Settings
	SettingDefaults map[string]string
	// MaxTenantUploads is that of a tenant, instead of Config.MaxTenantUploads, and
	// Paused says that its uploads are refused. They are asked at each upload; nil
	// leaves the Config, and refuses none.
	MaxTenantUploads func(orak.Tenant) int
	Paused           func(orak.Tenant) bool
	// Limits are those of a tenant, instead of the Config's; nil leaves the Config.
	Limits func(orak.Tenant) TenantLimits
	// WorkflowURL links to a workflow in the Temporal Web UI; nil if none is
	// configured.
	WorkflowURL func(workflowID, runID string) string
	// Console is the page that is served where no route is, if Config.Console has it; nil
	// serves none.
	Console *web.Pages
	// TemporalUI is the address of the Temporal Web UI; "" if none is configured.
	TemporalUI string
	// Namespace is the Temporal namespace in the commands that operators paste;
	// "" leaves it to the default of their tools.
	Namespace string
	// Live and Ready answer /livez and /readyz. They get requests without bodies.
	// Metrics are served elsewhere, since the port of the API is public.
	Live, Ready http.Handler
	Log         *slog.Logger
	Metrics     prometheus.Registerer
	// Tracing makes the spans; with nil there are none, but the trace context of
	// callers is still passed on.
	Tracing trace.TracerProvider
}
