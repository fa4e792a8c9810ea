// Package mattermost posts messages to an incoming webhook in Mattermost's
// format, which Slack and many others take as well.
//
// The webhook's URL is a secret, since whoever knows it can post: it stands
// in no error, no log and no Temporal payload. Redirects are not followed.
//
// A refusal (4xx) is an error like any other and is meant to be tried again,
// slowly: the usual cause is a webhook that was removed or renamed, and the
// message is still news once an operator has put the new address in. Without
// a webhook, messages go to the log at error level, so that a failure is not
// silent on a stack on which nobody configured one.
package mattermost
