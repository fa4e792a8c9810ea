package messages

import (
	"fmt"
	"strings"
	"time"

	"orak"
)

// Down reports that a dependency was found unavailable.
type Down struct {
	Dependency orak.Dependency `json:"dependency"`
	// Count is the number of attempts that failed of it, between FirstAt and
	// LastAt.
	Count   int       `json:"count"`
	FirstAt time.Time `json:"first_at"`
	LastAt  time.Time `json:"last_at"`
	// Message is that of the last one; see orak.Fault.
	Message string `json:"message"`
}

// Outage is the content of one message about an outage.
type Outage struct {
	Down
	// Repeated marks a reminder: an earlier message reported the outage.
	Repeated bool `json:"repeated,omitempty"`
	// OverAt is when it was found to be over; zero while it goes on.
	OverAt time.Time `json:"over_at,omitzero"`
}

// OutageText words one message about an outage.
func OutageText(o Outage) string {
	var b strings.Builder
	lasted := o.LastAt.Sub(o.FirstAt).Round(time.Second)
	switch {
	case !o.OverAt.IsZero():
		fmt.Fprintf(&b, ":white_check_mark: %s again: the outage is over. It lasted %s, from %s to %s, and was met by %s.\n",
			serves(o.Dependency), lasted, stamp(o.FirstAt), stamp(o.LastAt), tries(o.Count))
		b.WriteString("What waited goes on by itself; nothing is to be done.\n")
		return b.String()
	case o.Repeated:
		fmt.Fprintf(&b, ":repeat: %s for %s, since %s; met by %s.\n", away(o.Dependency), lasted, stamp(o.FirstAt), tries(o.Count))
	default:
		fmt.Fprintf(&b, ":rotating_light: %s since %s; met by %s so far.\n", away(o.Dependency), stamp(o.FirstAt), tries(o.Count))
	}
	if o.Message != "" {
		fmt.Fprintf(&b, "The last said: %s\n", codeSpan(o.Message, orak.MaxMessage))
	}
	b.WriteString(waits(o.Dependency) + "\n")
	fmt.Fprintf(&b, "What to look at: docs/runbooks/outages.md, section %s. A message follows when it is over.\n", codeSpan(string(o.Dependency), 40))
	return b.String()
}

func tries(n int) string {
	if n == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}

// titles are the dependencies in the words of messages.
var titles = map[orak.Dependency]string{
	orak.DependencyStore:       "The object store",
	orak.DependencyKafka:       "Kafka",
	orak.DependencyTemporal:    "Temporal",
	orak.DependencyModelServer: "The model server",
	orak.DependencyWebhook:     "The webhook of the alerts",
	orak.DependencyConverter:   "The converter (ffmpeg, or its scratch disk)",
}

func title(d orak.Dependency) string {
	if t, ok := titles[d]; ok {
		return t
	}
	return codeSpan(string(d), 40)
}

func away(d orak.Dependency) string {
	if d == orak.DependencyWorkflows {
		return "Workflow tasks fail"
	}
	return title(d) + " is away"
}

func serves(d orak.Dependency) string {
	if d == orak.DependencyWorkflows {
		return "Every workflow goes on"
	}
	return title(d) + " serves"
}

// waits says what an outage means for uploads.
func waits(d orak.Dependency) string {
	switch d {
	case orak.DependencyStore:
		return "Uploads in hand wait; none is lost, and they go on by themselves. New ones are refused with 503: their senders try again."
	case orak.DependencyWorkflows:
		return "The uploads of these workflows stand still until a worker runs whose code can go on with them; none is lost. All others go on."
	case orak.DependencyWebhook:
		return "Alerts wait, and are posted once it serves; uploads go on meanwhile."
	default:
		return "Uploads wait; none is lost, and they go on by themselves."
	}
}

// FailingWorkflowsText words the report of n workflows, 1 at least, whose workflow
// task fails; first names one of them and the cause.
func FailingWorkflowsText(n int, first string) string {
	if n == 1 {
		return "1 workflow cannot go on: " + first
	}
	return fmt.Sprintf("%d workflows cannot go on, such as %s", n, first)
}
