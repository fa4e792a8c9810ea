// Package temporal connects to a Temporal server: it dials with patience,
// logs through slog, traces and measures through OpenTelemetry, and knows how
// to link into the Web UI.
package temporal
