package messages

import (
	"fmt"
	"strings"
	"time"

	"orak"
)

// The texts of workflows in the Temporal Web UI. Summaries are one line; together with
// what an encrypting codec adds, they stay below the 400 bytes that Temporal takes.

// maxSummarized bounds ids in a summary, and maxSummarizedFilename the names of files, each
// rune of which may have 4 bytes.
const (
	maxSummarized         = 40
	maxSummarizedFilename = 30
)

// UploadSummary says what a recording is: its file, tenant and size.
func UploadSummary(u orak.Upload) string {
	return recording(u, maxSummarizedFilename, maxSummarized) + sized(u.Size)
}

// recording names a recording by its file, or its id, and its tenant.
func recording(u orak.Upload, mostOfName, mostOfTenant int) string {
	name := codeSpan(u.Filename, mostOfName)
	if u.Filename == "" {
		name = codeSpan(string(u.ID), maxShownID)
	}
	return name + " of " + codeSpan(string(u.Tenant), mostOfTenant)
}

func sized(bytes int64) string {
	switch {
	case bytes <= 0:
		return "" // not known
	case bytes < 1_000_000:
		return fmt.Sprintf(", %.1f kB", float64(bytes)/1e3)
	default:
		return fmt.Sprintf(", %.1f MB", float64(bytes)/1e6)
	}
}

// stands says in words where an upload with a status stands.
var stands = map[orak.Status]string{
	orak.StatusQueued:       "Queued",
	orak.StatusConverting:   "Being converted",
	orak.StatusAnalyzing:    "Being analyzed",
	orak.StatusPublishing:   "Being published",
	orak.StatusDeadLettered: "Parked: it waits for a decision",
	orak.StatusCompleted:    "Completed",
	orak.StatusDiscarded:    "Discarded by an operator",
	orak.StatusExpired:      "Expired without a decision",
	orak.StatusCanceled:     "Canceled",
	orak.StatusErased:       "Erased",
}

// UploadDetails says in Markdown what an upload is and where it stands. expires is when
// it expires unless somebody decides; zero unless it is parked.
func UploadDetails(p orak.Progress, expires time.Time) string {
	var b page
	state, ok := stands[p.Status]
	if !ok {
		state = codeSpan(string(p.Status), maxShownID)
	}
	b.addf("**%s**, since %s\n\n", state, stamp(p.UpdatedAt))
	u := p.Upload
	b.addf("- Recording: %s%s", recording(u, maxShownFilename, maxShownTenant), sized(u.Size))
	if u.ContentType != "" {
		b.addf(", %s", codeSpan(u.ContentType, maxShownID))
	}
	if !u.ReceivedAt.IsZero() {
		b.addf(", received %s", stamp(u.ReceivedAt))
	}
	b.WriteByte('\n')
	if f := p.Failure; f != nil {
		b.addf("- Failed: %s\n", failed(*f))
	}
	if f := p.First; f != nil {
		b.addf("- Failed first: %s\n", failed(*f))
	}
	if p.Cycle > 0 {
		b.addf("- Run again by operators: %s\n", plural(p.Cycle, "time"))
	}
	if p.Restarts > 0 {
		b.addf("- Restarted by reconciliation: %s\n", plural(p.Restarts, "time"))
	}
	if !expires.IsZero() {
		b.addf("- Expires %s unless somebody decides: %s\n", stamp(expires), codeSpan("orak dlq show "+string(u.ID)+tenantFlag(u.Tenant), 2*maxShownFilename))
	}
	return b.String()
}

// failed words a failure.
func failed(f orak.Failure) string {
	return fmt.Sprintf("%s (%s) after %s: %s", codeSpan(string(f.Stage), maxShownID), codeSpan(string(f.Class), maxShownID),
		plural(f.Attempts, "attempt"), codeSpan(f.Message, maxShownMessage))
}

// AlertSummary says which uploads a digest of alerts is about.
func AlertSummary(s orak.Stage, c orak.Class) string {
	return "Uploads for which " + codeSpan(string(s), maxSummarized) + " failed (" + codeSpan(string(c), maxSummarized) + ")"
}

// OutageSummary says which outage a digest is about.
func OutageSummary(d orak.Dependency) string { return unavailable(d) }

// OutageDetails says in Markdown what is known of an outage.
func OutageDetails(d Down, posted bool) string {
	if d.Count == 0 {
		return "No outage is known.\n"
	}
	var b page
	b.addf("**%s** since %s\n\n", unavailable(d.Dependency), stamp(d.FirstAt))
	b.addf("- %s failed, the last at %s\n", plural(d.Count, "attempt"), stamp(d.LastAt))
	if d.Message != "" {
		b.addf("- Last error: %s\n", codeSpan(d.Message, maxShownMessage))
	}
	if posted {
		b.WriteString("- Operators have a message\n")
	}
	b.addf("- %s\n", effect(d.Dependency))
	return b.String()
}

// AlertDetails says in Markdown what a digest of alerts knows.
func AlertDetails(pending int, posted bool, first, last time.Time) string {
	var b page
	b.addf("**%s for the next message**\n", plural(pending, "upload"))
	if !first.IsZero() {
		b.addf("\n- First seen %s, last seen %s\n", stamp(first), stamp(last))
	}
	if posted {
		b.WriteString("- Operators have a message\n")
	}
	return b.String()
}

// ErasureSummary says what is erased. The name of a file is not in it.
func ErasureSummary(t orak.Tenant, id orak.UploadID) string {
	return "Erasure of " + codeSpan(string(id), maxSummarized) + " of " + codeSpan(string(t), maxSummarized)
}

// ErasureDetails says who asked for an erasure, and why.
func ErasureDetails(by, reason string, at time.Time) string {
	text := "Requested by " + codeSpan(by, maxShownFilename) + " at " + stamp(at)
	if reason != "" {
		text += ": " + codeSpan(reason, maxShownMessage)
	}
	return text
}

// DeliverySummary says what is delivered to which webhook.
func DeliverySummary(eventType, webhook string) string {
	return codeSpan(eventType, maxSummarized) + " to " + codeSpan(webhook, maxSummarized)
}

// DeliveryDetails says in Markdown what is delivered, and until when it is tried.
func DeliveryDetails(eventType, eventID, webhook, tenant string, until time.Time) string {
	return fmt.Sprintf("**%s**\n\n- Event: %s\n- Tenant: %s\n- It is tried until %s; the pending activity has the last attempt: %s lists all\n", DeliverySummary(eventType, webhook),
		codeSpan(eventID, 2*maxShownFilename), codeSpan(tenant, maxShownTenant), stamp(until), codeSpan("orak webhooks deliveries "+webhook, maxShownFilename))
}

// ReconcileDetails says in Markdown how far a reconciliation is. Each count has a name,
// such as "examined".
func ReconcileDetails(step string, gaveUp []string) string {
	text := "**Step " + codeSpan(step, maxShownID) + "**\n"
	if len(gaveUp) > 0 {
		text += "\n- Gave up, the next run repeats them: " + codeSpan(strings.Join(gaveUp, ", "), maxShownFilename) + "\n"
	}
	return text
}

// LakeDetails says in Markdown how far a compaction of the lake is.
func LakeDetails(examined, compacted, replaced, removed int, erasedRows int64) string {
	return fmt.Sprintf("%s examined so far; %d written for %d, %d removed; %s of erased uploads left out\n",
		plural(examined, "file"), compacted, replaced, removed, plural(int(erasedRows), "row"))
}

// page collects a text. It writes to nothing but memory, which workflowcheck cannot tell
// of fmt.Fprintf.
type page struct{ strings.Builder }

func (p *page) addf(format string, args ...any) { p.WriteString(fmt.Sprintf(format, args...)) }
