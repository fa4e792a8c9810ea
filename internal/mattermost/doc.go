// Package mattermost posts messages to the alert webhook: an incoming webhook in
// Mattermost's format, which Slack and many others accept as well.
//
// The URL is a secret, since anybody who knows it can post: it appears in no
// error, no log and no Temporal payload. Redirects are not followed.
//
// A refusal (4xx) is an error like any other and is meant to be retried slowly:
// the usual cause is a webhook that was removed or renamed, and the message is
// still news once an operator has configured the new address. Without an alert
// webhook, messages go to the log at level error, so that a failure is not
// silent where none is configured.
package mattermost
