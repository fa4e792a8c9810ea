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
func (w Writer) OutageText(o Outage) string {
	if o.Dependency == formerAlertWebhook {
		o.Dependency = orak.DependencyAlertWebhook
	}
	var b strings.Builder
	lasted := o.LastAt.Sub(o.FirstAt).Round(time.Second)
	switch {
	case !o.OverAt.IsZero():
		fmt.Fprintf(&b, ":white_check_mark: %s again. The outage lasted %s, from %s to %s; %s failed.\n",
			available(o.Dependency), lasted, stamp(o.FirstAt), stamp(o.LastAt), plural(o.Count, "attempt"))
		b.WriteString("What waited continues by itself; there is nothing to do.\n")
		return b.String()
	case o.Repeated:
		fmt.Fprintf(&b, ":repeat: Reminder: %s for %s, since %s; %s failed.\n", unavailable(o.Dependency), lasted, stamp(o.FirstAt), plural(o.Count, "attempt"))
	default:
		fmt.Fprintf(&b, ":rotating_light: %s since %s; %s failed so far.\n", unavailable(o.Dependency), stamp(o.FirstAt), plural(o.Count, "attempt"))
	}
	if o.Message != "" {
		fmt.Fprintf(&b, "Last error: %s\n", codeSpan(o.Message, orak.MaxMessage))
	}
	b.WriteString(effect(o.Dependency) + "\n")
	if url := w.Console.Home(); url != "" {
		fmt.Fprintf(&b, "What is affected: %s\n", url)
	}
	fmt.Fprintf(&b, "What to look at: docs/runbooks/outages.md, section %s. Another message follows when the outage is over.\n", codeSpan(string(o.Dependency), 40))
	return b.String()
}

// formerAlertWebhook is the name of orak.DependencyAlertWebhook in outages that
// an earlier version reported.
const formerAlertWebhook orak.Dependency = "webhook"

// titles name the dependencies in messages.
var titles = map[orak.Dependency]string{
	orak.DependencyStore:        "The object store",
	orak.DependencyKafka:        "Kafka",
	orak.DependencyTemporal:     "Temporal",
	orak.DependencyModelServer:  "The model server",
	orak.DependencyAlertWebhook: "The alert webhook",
	orak.DependencyConverter:    "The converter (ffmpeg, or its scratch disk)",
}

func title(d orak.Dependency) string {
	if t, ok := titles[d]; ok {
		return t
	}
	return codeSpan(string(d), 40)
}

func unavailable(d orak.Dependency) string {
	if d == orak.DependencyWorkflows {
		return "Workflow tasks have failed"
	}
	return title(d) + " has been unavailable"
}

func available(d orak.Dependency) string {
	if d == orak.DependencyWorkflows {
		return "All workflows make progress"
	}
	return title(d) + " is available"
}

// effect says what an outage means for uploads.
func effect(d orak.Dependency) string {
	switch d {
	case orak.DependencyStore:
		return "Uploads in progress wait and continue by themselves; none is lost. New uploads are refused with 503, and their senders try again."
	case orak.DependencyWorkflows:
		return "The uploads of these workflows stand still until a worker runs code that can continue them; none is lost. All other uploads continue."
	case orak.DependencyAlertWebhook:
		return "Alerts wait and are posted once it is available; uploads continue meanwhile."
	default:
		return "Uploads wait and continue by themselves; none is lost."
	}
}

// FailingWorkflowsText words the report of n workflows, 1 at least, whose workflow
// task fails; first names one of them and the cause.
func FailingWorkflowsText(n int, first string) string {
	if n == 1 {
		return "1 workflow cannot continue: " + first
	}
	return fmt.Sprintf("%d workflows cannot continue, for example %s", n, first)
}

// StallText words the report that a consumer of events, such as "bridge", makes no
// progress on a Kafka cluster, whose name is empty if there is only one; stall says in which
// partitions.
func (c Console) StallText(consumer, cluster string, stall fmt.Stringer) string {
	waiting := "Events wait"
	if consumer == "bridge" {
		waiting = "Uploads wait"
	}
	where := ""
	if cluster != "" {
		where = " on the cluster " + codeSpan(cluster, 40)
	}
	text := fmt.Sprintf(":rotating_light: The %s has stalled%s: %s. %s; none is lost.", consumer, where, stall, waiting)
	if url := c.Home(); url != "" {
		text += " What is affected: " + url
	}
	return text
}
