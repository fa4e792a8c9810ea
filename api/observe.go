package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"orak"
	"orak/internal/auth"
)

// HeaderRequestID names the request in logs and problems.
const HeaderRequestID = "X-Request-Id"

// exchange is a request that is being handled.
type exchange struct {
	id  string
	log *slog.Logger
	// upload is set once the id is known, for the log.
	upload orak.UploadID
	tenant orak.Tenant
	// caller, and the credential that it had, are set by Server.permitted.
	caller     auth.Caller
	credential auth.Request
	// subject is what an operator made, for the log: it is not in the path.
	subject string
}

const localExchange = "orak.exchange"

func exchangeOf(c *fiber.Ctx) *exchange { return c.Locals(localExchange).(*exchange) }

// observe wraps every request: it sets the request id and the span, logs and measures
// the request, and turns errors into problems.
//
// Handlers get their context from c.UserContext(). It is derived from work and not
// tied to the connection: fasthttp does not report disconnects.
func (s *Server) observe(work context.Context, c *fiber.Ctx) error {
	began := time.Now()
	ctx := propagation.TraceContext{}.Extract(work, headers{c})
	ctx, span := s.tracer.Start(ctx, c.Method(), trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	limit := s.cfg.RequestTimeout
	if completes(c.Method(), c.Path()) {
		limit = s.cfg.StoreTimeout
	}
	ctx, late := withDeadline(ctx, limit)
	defer late.end()
	bodyOf(c).late = late
	c.SetUserContext(ctx)
	x := &exchange{id: requestID(c.Get(HeaderRequestID))}
	x.log = s.log.With("request_id", x.id)
	c.Locals(localExchange, x)
	c.Set(HeaderRequestID, x.id)
	c.Set(fiber.HeaderVary, vary)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")

	err := s.guarded(c)
	if bodyOf(c).awaited() {
		return nil // the request is handled again once its body is sent
	}
	if err != nil {
		writeProblem(c.Context(), asRefusal(fromFiber(err)), x.id)
	}
	compress(c)
	s.report(c, x, span, err, time.Since(began))
	return nil
}

// step begins a span of a request, and returns the function that ends it.
func (s *Server) step(ctx context.Context, name string) (context.Context, func(error)) {
	ctx, span := s.tracer.Start(ctx, name)
	return ctx, func(err error) {
		if err != nil && err != io.EOF {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// guarded runs the handlers and turns a panic into an error.
func (s *Server) guarded(c *fiber.Ctx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{value: v, stack: debug.Stack()}
		}
	}()
	return c.Next()
}

type panicked struct {
	value any
	stack []byte
}

// Error leaves out the stack, which is logged separately.
func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func (s *Server) report(c *fiber.Ctx, x *exchange, span trace.Span, err error, took time.Duration) {
	status, route := c.Response().StatusCode(), routeOf(c)
	s.metrics.served(trace.ContextWithSpan(c.UserContext(), span), route, c.Method(), status, took)
	span.SetName(c.Method() + " " + route)
	// Neither the path nor the query: both may name people.
	span.SetAttributes(attribute.String("http.request.method", c.Method()), attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
	attrs := []any{"method", c.Method(), "route", route, "status", status, "duration_ms", float64(took.Microseconds()) / 1000}
	if x.tenant != "" {
		attrs = append(attrs, "tenant", x.tenant)
	}
	if x.upload != "" {
		attrs = append(attrs, "upload_id", x.upload)
	}
	if sc := span.SpanContext(); sc.HasTraceID() {
		attrs = append(attrs, "trace_id", sc.TraceID().String())
	}
	if err != nil {
		attrs = append(attrs, "error", err)
	}
	if p := (*panicked)(nil); errors.As(err, &p) {
		attrs = append(attrs, "stack", string(p.stack))
	}
	level := slog.LevelInfo
	switch {
	case status >= 500:
		level = slog.LevelError
		span.SetStatus(codes.Error, "")
	case isProbe(route):
		level = slog.LevelDebug
	}
	x.log.Log(c.UserContext(), level, "request served", attrs...)
}

// fromFiber turns Fiber's own errors into refusals.
func fromFiber(err error) error {
	var fe *fiber.Error
	if !errors.As(err, &fe) {
		return err
	}
	switch fe.Code {
	case fiber.StatusNotFound:
		return refuse(codeNotFound, "No resource has this path.")
	case fiber.StatusMethodNotAllowed:
		return refuse(codeMethodNotAllowed, "The header Allow lists the methods of this resource.")
	case fiber.StatusRequestTimeout:
		return refuse(codeTimeout, "The request did not arrive in time.")
	case fiber.StatusRequestEntityTooLarge:
		return refuse(codeTooLarge, "The request is too large.")
	case fiber.StatusRequestHeaderFieldsTooLarge:
		return refuse(codeHeaderTooLarge, "The head of the request is too large.")
	default:
		if fe.Code >= 500 && fe.Code != fiber.StatusBadGateway { // Fiber's code for a broken connection
			return err
		}
		return refuse(codeInvalidRequest, "The request could not be parsed.").because(fe)
	}
}

// unparsed answers what fasthttp could not parse as a request. The connection ends
// after the answer.
func (s *Server) unparsed(c *fiber.Ctx, err error) error {
	id := requestID("")
	r := asRefusal(fromFiber(err))
	s.log.DebugContext(c.UserContext(), "request could not be parsed", "request_id", id, "error", err)
	writeProblem(c.Context(), r, id)
	s.metrics.served(c.UserContext(), routeNone, "", c.Response().StatusCode(), 0)
	return nil
}

const maxRequestID = 128

// requestID returns the caller's id if it is safe to log, or else a new one.
func requestID(given string) string {
	if given == "" || len(given) > maxRequestID || strings.IndexFunc(given, unsafeInID) >= 0 {
		return strings.ToLower(rand.Text())
	}
	return given
}

func unsafeInID(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}

const routeNone = "none"

// routeOf returns the template of the route, so that no id becomes a label.
func routeOf(c *fiber.Ctx) string {
	if p := c.Route().Path; p != "/" && p != "" {
		return p
	}
	return routeNone
}

func isProbe(route string) bool {
	return route == "/livez" || route == "/readyz"
}

// headers adapts the headers of a request to the trace propagator.
type headers struct{ c *fiber.Ctx }

var _ propagation.TextMapCarrier = headers{}

func (h headers) Get(key string) string { return h.c.Get(key) }
func (h headers) Set(key, value string) { h.c.Set(key, value) }
func (h headers) Keys() []string        { return nil }
