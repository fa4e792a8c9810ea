package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"orak"
	"orak/events"
)

// AlertKind says what an Alert tells.
type AlertKind string

// The kinds of alerts.
const (
	// AlertDeadLettered says that an upload was dead-lettered.
	AlertDeadLettered AlertKind = ""
	// AlertExpiring says that an upload has been parked for so long that it
	// expires soon, at Alert.ExpiresAt.
	AlertExpiring AlertKind = "expiring"
)

// Alert says that an upload was dead-lettered, or that one expires soon.
type Alert struct {
	Kind AlertKind `json:"kind,omitempty"`
	// ID is the id of the event that says the same; a repeat has the same.
	// There is no event of an upload that expires soon: its ID ends in
	// "/expiring".
	ID       string        `json:"id"`
	Stage    orak.Stage    `json:"stage"`
	Class    orak.Class    `json:"class"`
	UploadID orak.UploadID `json:"upload_id"`
	Tenant   orak.Tenant   `json:"tenant"`
	Filename string        `json:"filename,omitempty"`
	Message  string        `json:"message"`
	At       time.Time     `json:"at"`
	// ExpiresAt is there with AlertExpiring alone.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// WorkflowID is what the commands of the message name.
	WorkflowID string `json:"workflow_id"`
}

// AlertGroup is what one message tells: the alerts of one stage and class
// since the message before.
type AlertGroup struct {
	Stage orak.Stage `json:"stage"`
	Class orak.Class `json:"class"`
	// Count is at least len(Samples).
	Count   int       `json:"count"`
	FirstAt time.Time `json:"first_at"`
	LastAt  time.Time `json:"last_at"`
	// Samples are the first alerts of the group, MaxSamples at most.
	Samples []Alert `json:"samples"`
}

// MaxSamples is how many uploads an alert message names.
const MaxSamples = 3

// RaiseAlert hands an alert to the digest of its stage and class.
func (a *Activities) RaiseAlert(ctx context.Context, in Alert) error {
	if err := a.deps.Alerter.Raise(ctx, in); err != nil {
		return fmt.Errorf("raising alert: %w", err)
	}
	return nil
}

// PostAlert posts one message for a group of alerts. Where the other side
// says how long to wait, the next attempt waits so.
func (a *Activities) PostAlert(ctx context.Context, g AlertGroup) error {
	err := a.deps.Notifier.Post(ctx, a.message(g))
	if err == nil {
		a.metrics.alertsPosted.Inc()
		return nil
	}
	a.metrics.alertsFailed.Inc()
	a.log.ErrorContext(ctx, "alert not posted; it is tried again",
		"stage", string(g.Stage), "class", string(g.Class), "count", g.Count, "error", err)
	if f := (*orak.Fault)(nil); errors.As(err, &f) && f.RetryAfter > 0 {
		return temporal.NewApplicationErrorWithOptions(clip(f.Error(), maxCause), string(f.Class),
			temporal.ApplicationErrorOptions{NextRetryDelay: min(f.RetryAfter, maxRetryAfter)})
	}
	return fmt.Errorf("posting alert: %w", err)
}

// message is Markdown that Mattermost and Slack show alike: no tables, no
// headings, bare links. What callers sent stands in code spans, in which
// nothing is markup and nobody is mentioned.
func (a *Activities) message(g AlertGroup) string {
	var b strings.Builder
	fmt.Fprintf(&b, ":rotating_light: %s dead-lettered: `%s` failed (`%s`)\n", count(g.Count), g.Stage, g.Class)
	fmt.Fprintf(&b, "First seen %s, last seen %s.\n", stamp(g.FirstAt), stamp(g.LastAt))
	for _, s := range g.Samples {
		fmt.Fprintf(&b, "- %s: %s\n", subject(s), codeSpan(s.Message, orak.MaxMessage))
	}
	if rest := g.Count - len(g.Samples); rest > 0 {
		fmt.Fprintf(&b, "- and %d more\n", rest)
	}
	if len(g.Samples) == 0 || g.Samples[0].WorkflowID == "" {
		// They failed before there was a workflow.
		fmt.Fprintf(&b, "The records are in the topic `%s`, bytes untouched.\n", events.TopicDeadLetters)
		return b.String()
	}
	query := fmt.Sprintf("OrakStatus='%s' AND OrakStage='%s' AND OrakFailure='%s'", orak.StatusDeadLettered, g.Stage, g.Class)
	if url := a.deps.Links.QueryURL(query); url != "" {
		fmt.Fprintf(&b, "All of them: %s\n", url)
	}
	fmt.Fprintf(&b, "Once the cause is mended:\n```\n%s\n```\n", strings.Join(a.commands(g.Samples[0], query), "\n"))
	return b.String()
}

// commands reprocess: the first upload, in the three tools, and then all.
func (a *Activities) commands(s Alert, query string) []string {
	ns := ""
	if a.deps.Namespace != "" && a.deps.Namespace != "default" {
		ns = " --namespace " + a.deps.Namespace
	}
	return []string{
		"orak dlq show " + string(s.UploadID),
		"orak dlq reprocess " + string(s.UploadID),
		"temporal workflow signal" + ns + " --workflow-id " + s.WorkflowID + " --name reprocess",
		"tctl" + ns + " workflow signal --workflow_id " + s.WorkflowID + " --name reprocess",
		"temporal workflow signal" + ns + ` --query "` + query + `" --name reprocess --reason mended --yes`,
	}
}

func count(n int) string {
	if n == 1 {
		return "1 upload"
	}
	return fmt.Sprintf("%d uploads", n)
}

// subject names the upload of an alert, as far as it is known.
func subject(a Alert) string {
	var parts []string
	if a.UploadID != "" {
		parts = append(parts, codeSpan(string(a.UploadID), 40))
	}
	if a.Filename != "" {
		parts = append(parts, codeSpan(a.Filename, 120))
	}
	if a.Tenant != "" {
		parts = append(parts, "of tenant "+codeSpan(string(a.Tenant), 63))
	}
	if len(parts) == 0 {
		return "a record"
	}
	return strings.Join(parts, " ")
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
