// Package observe lets people see what the service does: logs, metrics,
// traces and the answers to health checks.
//
//	slog  ──► stderr       NewLogger
//	prometheus, OTel ──► /metrics      NewMetrics
//	OTel spans ──► OTLP over HTTP      StartTracing
//	named checks ──► /livez /readyz    NewHealth
//
// All of it is handed to those who need it; nothing here is global but the
// tracer provider and the propagator, which OpenTelemetry's own libraries look
// up. Roles without an HTTP server of their own serve it from an Admin.
package observe
