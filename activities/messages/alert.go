package messages

import (
	"fmt"
	"strings"
	"time"

	"orak"
)

// Bounds of what others wrote, in runes. They keep a message below the 4,000
// runes that Slack recommends, and so below Mattermost's 16,383.
const (
	maxShownID       = 40
	maxShownFilename = 120
	maxShownTenant   = 63
	maxShownMessage  = 300
)

// Writer words the messages that depend on the deployment.
type Writer struct {
	// Links links to the list of workflows that a visibility query finds; empty
	// where no Web UI is configured.
	Links interface{ QueryURL(query string) string }
	// Console links to the pages on which dead letters are decided.
	Console Console
	// Namespace is the Temporal namespace that the commands name.
	Namespace string
	// AllTenants says that the API lists the dead letters of all tenants at
	// once, so that a command can decide for all.
	AllTenants bool
	// DeadLetterTopic is where the records of dead letters are.
	DeadLetterTopic string
}

// AlertText words one message for a group of alerts. query is the visibility query
// that finds all uploads of the group.
func (w Writer) AlertText(g AlertGroup, query string) string {
	var b strings.Builder
	switch {
	case !g.ResolvedAt.IsZero():
		resolved(&b, g)
		return b.String()
	case g.News():
		w.deadLettered(&b, g)
		w.expiring(&b, g)
	default:
		w.reminder(&b, g)
	}
	w.whatToDo(&b, g, query)
	return b.String()
}

func (w Writer) deadLettered(b *strings.Builder, g AlertGroup) {
	if g.Count == 0 {
		return
	}
	fmt.Fprintf(b, ":rotating_light: %s dead-lettered: %s\n", plural(g.Count, "upload"), cause(g))
	fmt.Fprintf(b, "First seen %s, last seen %s.%s\n", stamp(g.FirstAt), stamp(g.LastAt), inTotal(g.Parked))
	w.samples(b, g.Count, g.Samples)
}

func (w Writer) expiring(b *strings.Builder, g AlertGroup) {
	e := g.Expiring
	if e.Count == 0 {
		return
	}
	verb := "expire"
	if e.Count == 1 {
		verb = "expires"
	}
	fmt.Fprintf(b, ":hourglass_flowing_sand: %s %s soon: %s\n", plural(e.Count, "parked upload"), verb, cause(g))
	fmt.Fprintf(b, "The first expires at %s and is then failed for good: reprocess or discard it before.%s\n", stamp(e.FirstAt), inTotal(g.Parked))
	w.samples(b, e.Count, e.Samples)
}

func (w Writer) reminder(b *strings.Builder, g AlertGroup) {
	fmt.Fprintf(b, ":repeat: Reminder: still parked: %s\n", cause(g))
	fmt.Fprintf(b, "First seen %s, last seen %s.%s\n", stamp(g.FirstAt), stamp(g.LastAt), inTotal(g.Parked))
	if g.Parked == nil {
		return
	}
	w.samples(b, g.Parked.Count, g.Parked.alerts())
}

func resolved(b *strings.Builder, g AlertGroup) {
	fmt.Fprintf(b, ":white_check_mark: Resolved, no upload is parked any more: %s\n", cause(g))
	were := "were"
	if g.Count == 1 {
		were = "was"
	}
	fmt.Fprintf(b, "%s %s decided. It lasted %s, from %s to %s.\n",
		plural(g.Count, "upload"), were, lasted(g.ResolvedAt.Sub(g.FirstAt)), stamp(g.FirstAt), stamp(g.ResolvedAt))
}

func (w Writer) samples(b *strings.Builder, total int, shown []Alert) {
	for _, s := range shown {
		fmt.Fprintf(b, "- %s", subject(s))
		if s.Message != "" {
			fmt.Fprintf(b, ": %s", codeSpan(s.Message, maxShownMessage))
		}
		if url := w.Console.DeadLetter(s.UploadID, s.Tenant); url != "" && s.named() {
			fmt.Fprintf(b, " Decide: %s", url)
		}
		b.WriteByte('\n')
	}
	if rest := total - len(shown); rest > 0 && len(shown) > 0 {
		fmt.Fprintf(b, "- and %d more\n", rest)
	}
}

// whatToDo ends a message: a link to all uploads of the group, advice, and
// commands to paste.
func (w Writer) whatToDo(b *strings.Builder, g AlertGroup, query string) {
	one, ok := sample(g)
	if !ok {
		// They failed before there was a workflow.
		fmt.Fprintf(b, "The records are in the topic `%s`, unchanged.\n", w.DeadLetterTopic)
		return
	}
	if url := w.Console.DeadLetters(); url != "" {
		fmt.Fprintf(b, "Decide on all of them: %s\n", url)
	}
	if url := w.Links.QueryURL(query); url != "" {
		fmt.Fprintf(b, "All of them in Temporal: %s\n", url)
	}
	fmt.Fprintf(b, "%s\n```\n%s\n```\n", advice(g.Class), strings.Join(w.commands(g, one, query), "\n"))
}

// advice says where to begin, by the class of the failure.
func advice(c orak.Class) string {
	switch c {
	case orak.ClassInput:
		return "The recordings are the cause: inform their owners and discard the uploads, or reprocess them once this step is fixed."
	case orak.ClassTransient:
		return "Look for workers that are short of memory, disk or time; then reprocess."
	case orak.ClassModel:
		return "The analysis fails on these recordings; reprocess them after a fix."
	case orak.ClassOverload, orak.ClassDependency:
		return "Repair what this step could not reach for so long; then reprocess."
	default:
		return "This is a defect of the service: the worker's log has the cause. Reprocess once the fix is deployed."
	}
}

// cause names the group.
func cause(g AlertGroup) string {
	return codeSpan(string(g.Stage), maxShownID) + " failed (" + codeSpan(string(g.Class), maxShownID) + ")"
}

func inTotal(p *ParkedUploads) string {
	switch {
	case p == nil:
		return ""
	case p.Count == 0:
		return " No upload is parked now."
	case p.Count == 1:
		return " 1 upload is parked in total."
	default:
		return fmt.Sprintf(" %d uploads are parked in total.", p.Count)
	}
}

// plural returns n with the noun in the right number.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// subject names the upload of an alert, as far as it is known.
func subject(a Alert) string {
	var parts []string
	if a.UploadID != "" {
		parts = append(parts, codeSpan(string(a.UploadID), maxShownID))
	}
	if a.Filename != "" {
		parts = append(parts, codeSpan(a.Filename, maxShownFilename))
	}
	if a.Tenant != "" {
		parts = append(parts, "of tenant "+codeSpan(string(a.Tenant), maxShownTenant))
	}
	if len(parts) == 0 {
		return "a record"
	}
	return strings.Join(parts, " ")
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// lasted formats a duration in its two largest units.
func lasted(d time.Duration) string {
	d = max(d, 0)
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%d s", int(d/time.Second))
	}
}
