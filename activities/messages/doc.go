// Package messages words every text that goes to the operators' chat: alerts
// of parked uploads, outages, stalls of the bridge, and the commands that they
// offer. Who sends a message and when is decided elsewhere; what it says is
// decided only here.
//
// A message is Markdown that Mattermost and Slack show alike: no tables, no
// headings, no bold, bare links. Text that callers sent stands in code spans,
// in which nothing is markup and nobody is mentioned.
package messages
