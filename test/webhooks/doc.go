// Package webhooks tests deliveries at scale, to receivers of every kind, and with the
// library of Standard Webhooks for JavaScript.
package webhooks
