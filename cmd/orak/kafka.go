package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"orak/internal/app"
	"orak/internal/terminal"
	"orak/operate/clusters"
)

type kafkaCmd struct {
	Status kafkaStatusCmd `cmd:"" help:"Print the clusters of orak.uploads: which is active, and what is left to be read on each."`
	Switch kafkaSwitchCmd `cmd:"" help:"Move producers of orak.uploads to the other cluster."`
}

type kafkaStatusCmd struct {
	Settings app.KafkaConfig `embed:""`

	JSON bool `name:"json" env:"-" help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (kafkaStatusCmd) Help() string {
	return `A place is drained if the bridges have read everything that lies there. A place that cannot be reached is no error of
this command.

Examples:

    orak kafka status
    orak kafka status --json | jq '.places[] | select(.drained | not) | .name'`
}

// Run prints the places.
func (k *kafkaStatusCmd) Run(ctx context.Context, con *console) error {
	con.JSON = k.JSON
	return con.asOutage(ctx, app.KafkaClusters(k.Settings, con.quietLog(), func(c *clusters.Clusters) error {
		s, err := c.Status(ctx)
		switch {
		case err != nil:
			return explainSwitch(err)
		case con.JSON:
			return con.Value(s)
		}
		con.kafkaStatus(s)
		return nil
	}))
}

func (c *console) kafkaStatus(s clusters.Status) {
	c.Print("orak.uploads is announced on %s.", c.Paint(terminal.Bold, string(s.Active)))
	if s.Version > 0 {
		c.Print("  since %s, by %s: %s", s.SwitchedAt.Format(time.RFC3339), terminal.Clean(s.By), terminal.Clean(s.Reason))
	}
	for _, p := range s.Places {
		c.Print("%s", c.Paint(terminal.Bold, string(p.Name)))
		c.Rows([]terminal.Row{
			{Label: "Brokers", Value: strings.Join(p.Brokers, ","), More: otherTopics(p)},
			{Label: "State", Value: stateOfPlace(p), More: terminal.Clean(p.Error)},
			{Label: "Left to read", Value: leftToRead(p), More: readersOf(p)},
			{Label: "Drained", Value: yesNo(p.Drained)},
		})
	}
	if s.Former != nil {
		c.formerPlace(*s.Former)
	}
	if len(s.Places) < 2 {
		c.Print("There is no standby: set kafka-standby-brokers.")
	}
}

// formerPlace prints the main cluster that is no place any more.
func (c *console) formerPlace(p clusters.Place) {
	state := "no place any more"
	if p.Error != "" {
		state = "no place, cannot be checked"
	}
	c.Print("%s", c.Paint(terminal.Bold, string(p.Name)))
	c.Rows([]terminal.Row{
		{Label: "Brokers", Value: strings.Join(p.Brokers, ",")},
		{Label: "State", Value: state, More: terminal.Clean(p.Error)},
		{Label: "Left to read", Value: leftToRead(p), More: readersOf(p)},
	})
	if p.Lag != nil && *p.Lag > 0 {
		c.Print("Left to read on the main cluster, which is no place any more: %s. %s", leftToRead(p), clusters.FormerStep)
	}
}

func otherTopics(p clusters.Place) string {
	if p.Main {
		return "also every other topic"
	}
	return ""
}

func stateOfPlace(p clusters.Place) string {
	switch {
	case !p.Reachable:
		return "unreachable"
	case p.Error != "":
		return "cannot be checked"
	case !p.Topic:
		return "without orak.uploads"
	case p.Active:
		return "active"
	default:
		return "ready"
	}
}

func leftToRead(p clusters.Place) string {
	if p.Lag == nil {
		return ""
	}
	return terminal.Count(int(*p.Lag), "record")
}

func readersOf(p clusters.Place) string {
	if p.Members == nil {
		return ""
	}
	return terminal.Count(*p.Members, "bridge")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

type kafkaSwitchCmd struct {
	Settings app.KafkaConfig `embed:""`

	To     string `arg:"" name:"place" enum:"primary,standby" help:"The place to move producers to: primary or standby."`
	Reason string `env:"-" required:"" placeholder:"WHY" help:"Reason, for the record."`
	By     string `env:"-" placeholder:"NAME" help:"Who switches, for the record; by default the current user."`
	Force  bool   `env:"-" help:"Switch to a place that cannot be reached or checked from here, lacks the topic or has the id of the other, and replace a damaged record of the last switch."`
	consent
	JSON bool `name:"json" env:"-" help:"Print JSON. Needs --yes or --dry-run."`
}

// Help implements kong.HelpProvider.
func (kafkaSwitchCmd) Help() string {
	return `Returns once the store has it. Every process that reaches the store moves within seconds, without a restart; uploads are
taken throughout. Bridges read both clusters, always, so what lies on the other one is still processed; "orak kafka
status" shows when it is drained. The way back is the same command. If a cluster is dead for good, find what it had
alone with "orak replay --from-store".

Examples:

    orak kafka switch standby --reason "primary is down"
    orak kafka switch primary --reason "primary is back" --yes
    orak kafka switch standby --reason drill --dry-run`
}

// Run checks the place, asks, and switches.
func (k *kafkaSwitchCmd) Run(ctx context.Context, con *console) error {
	con.JSON = k.JSON
	if strings.TrimSpace(k.Reason) == "" {
		return usageError(errors.New("--reason: want a reason, for the record"))
	}
	if err := k.checkAsk(con); err != nil {
		return err
	}
	if k.JSON && !k.Yes && !k.DryRun {
		return usageError(errors.New("--json needs --yes or --dry-run"))
	}
	r := clusters.Request{To: clusters.Name(k.To), By: k.Settings.By(byWhom(k.By)), Reason: k.Reason, At: con.Now(), Force: k.Force}
	return con.asOutage(ctx, app.KafkaClusters(k.Settings, con.quietLog(), func(c *clusters.Clusters) error {
		return explainSwitch(k.apply(ctx, con, c, r))
	}))
}

func (k *kafkaSwitchCmd) apply(ctx context.Context, con *console, c *clusters.Clusters, r clusters.Request) error {
	if err := c.Check(ctx, r); err != nil {
		return fmt.Errorf("not switched to %s: %w", r.To, err)
	}
	if k.DryRun {
		return con.wouldSwitch(r)
	}
	if !k.Yes {
		yes, err := con.Ask(ctx, fmt.Sprintf("Announce uploads on %s from now on?", r.To))
		if err != nil || !yes {
			return err
		}
	}
	res, err := c.Switch(ctx, r)
	if err != nil {
		return fmt.Errorf("not switched to %s: %w", r.To, err)
	}
	return con.switched(res)
}

// explainSwitch adds the next step.
func explainSwitch(err error) error {
	var conflict *clusters.Conflict
	switch {
	case errors.As(err, &conflict):
		return fmt.Errorf("%w. Look at it with: orak kafka status", err)
	case errors.Is(err, clusters.ErrSameCluster):
		return fmt.Errorf("%w. Give the brokers of two clusters; if two were made with one id, add --force", err)
	case errors.Is(err, clusters.ErrUnusable):
		return fmt.Errorf("%w. Bring it up and try again, or add --force", err)
	case errors.Is(err, clusters.ErrUnread):
		return fmt.Errorf("%w: uploads would wait there. Give the bridges kafka-standby-brokers, or add --force", err)
	case errors.Is(err, clusters.ErrDamaged):
		return fmt.Errorf("%w. Processes keep the place that they saw last; orak kafka switch --force replaces it", err)
	case errors.Is(err, clusters.ErrNewer):
		return fmt.Errorf("%w. Use that version of this command", err)
	}
	return err
}

func (c *console) wouldSwitch(r clusters.Request) error {
	if c.JSON {
		return c.Value(struct {
			Phase string        `json:"phase"`
			To    clusters.Name `json:"to"`
		}{"plan", r.To})
	}
	c.Print("Would announce uploads on %s.", r.To)
	return nil
}

func (c *console) switched(r clusters.Result) error {
	if c.JSON {
		return c.Value(struct {
			Phase string `json:"phase"`
			clusters.Result
		}{"result", r})
	}
	if !r.Changed {
		c.Print("%s is active already, since %s.", r.Active, r.SwitchedAt.Format(time.RFC3339))
		return nil
	}
	c.Print("%s Uploads are announced on %s (version %d). Every process has it within %.0f s.", c.Paint(terminal.Green, c.Marks.Done), r.Active, r.Version, r.Within)
	c.Print("  What is left on the other place is still processed: orak kafka status")
	if !r.Recorded {
		c.Tell("%s The act is not on orak.audit: %s", c.PaintErr(terminal.Yellow, c.Marks.Note), terminal.Clean(r.Unrecorded))
	}
	return nil
}
