package modelserver

import (
	"net/http"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traced makes a span of each request that belongs to a trace, and sends the trace
// context along, so that the model server can continue it. Requests that belong to
// none, such as those for readiness, are sent as they are.
type traced struct{ *http.Transport }

// RoundTrip implements http.RoundTripper. The span ends with the head of the answer.
func (t traced) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return t.Transport.RoundTrip(req)
	}
	ctx, span := otel.Tracer("orak/modelserver").Start(ctx, req.Method+" "+req.URL.Path, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(
			attribute.String("http.request.method", req.Method),
			attribute.String("server.address", req.URL.Hostname()),
			attribute.String("url.full", req.URL.Redacted()),
		))
	defer span.End()
	req = req.Clone(ctx)
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	resp, err := t.Transport.RoundTrip(req)
	switch {
	case err != nil:
		span.SetStatus(codes.Error, "no answer")
	case resp.StatusCode >= http.StatusBadRequest:
		span.SetStatus(codes.Error, "")
		fallthrough
	default:
		span.SetAttributes(attribute.Int("http.response.status_code", resp.StatusCode))
	}
	return resp, err
}
