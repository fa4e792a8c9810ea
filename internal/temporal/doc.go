// Package temporal connects to a Temporal server: it dials with retries, logs
// through slog, traces and measures through OpenTelemetry, and makes links into the
// Web UI.
package temporal
