package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"orak/api/resource"
	"orak/client"
	"orak/internal/terminal"
)

type topicsCmd struct {
	remote
}

// Help implements kong.HelpProvider.
func (topicsCmd) Help() string {
	return `Prints the topics of orak: how much is written, whether it is spread evenly, which replicas are not in sync, and what may
lose records or stop uploads, each with the command that mends it. It needs the scope operate. Rates are those of the last
seconds, or up to a minute if the console or an earlier call asked as well.

A rise in partitions leaves uploads in order: each is a workflow of its own, whose events wait for no other.

Examples:

    orak topics
    orak topics --json | jq -r '.topics[].risks[]?.mend'`
}

const (
	// topicLooks bounds how often rates are asked for, and topicPause is longer than the
	// server's interval between two looks.
	topicLooks = 4
	topicPause = 2500 * time.Millisecond
)

// Run prints the topics once their rates are known.
func (t *topicsCmd) Run(ctx context.Context, con *console) error {
	cl, err := t.open(con)
	if err != nil {
		return err
	}
	topics, err := measured(ctx, cl, con)
	if err != nil {
		return err
	}
	if con.JSON {
		return con.Value(topics)
	}
	con.topics(topics)
	return nil
}

// measured asks until there are rates, which take the server two looks. If they do not
// come, it returns the topics without.
func measured(ctx context.Context, cl *client.Client, con *console) (topics resource.Topics, err error) {
	spinner := con.NewSpinner(func() string { return "measuring rates" })
	defer spinner.Close()
	for range topicLooks {
		topics, err = cl.Topics(ctx)
		if err != nil || topics.WindowSeconds > 0 {
			return topics, err
		}
		select {
		case <-ctx.Done():
			return topics, ctx.Err()
		case <-time.After(topicPause):
		}
	}
	return topics, nil
}

func (c *console) topics(topics resource.Topics) {
	for i, t := range topics.Topics {
		if i > 0 {
			c.Print("")
		}
		c.topic(t)
	}
}

func (c *console) topic(t resource.Topic) {
	c.Print("%s", c.Paint(terminal.Bold, terminal.Fit(terminal.Clean(t.Name), c.Width)))
	switch {
	case t.Missing:
		c.Print("  %s", c.Paint(terminal.Red, "does not exist; a role of orak creates it when it starts"))
		return
	case t.Error != "":
		c.Print("  %s", c.Paint(terminal.Yellow, terminal.Fit(terminal.Clean(t.Error), c.Width-2)))
		return
	}
	for _, line := range terminal.Wrap(aboutTopic(t), c.Width-2) {
		c.Print("  %s", c.Paint(terminal.Faint, line))
	}
	for _, line := range ailing(t) {
		c.Print("  %s", c.Paint(terminal.Red, terminal.Fit(line, c.Width-2)))
	}
	for _, r := range t.Risks {
		c.Rows([]terminal.Row{
			{Label: "At risk", More: fmt.Sprintf("%s is %s, better %s. %s", terminal.Clean(r.Code), terminal.Clean(r.Have), terminal.Clean(r.Want), terminal.Clean(r.Meaning))},
		})
		if r.Mend != "" {
			c.CommandRow("Mend", terminal.Clean(r.Mend))
		}
	}
}

// aboutTopic says how large and how busy a topic is.
func aboutTopic(t resource.Topic) string {
	var records int64
	leaders := map[int32]bool{}
	for _, p := range t.Partitions {
		records += p.End - p.Start
		if p.Leader >= 0 {
			leaders[p.Leader] = true
		}
	}
	parts := []string{
		terminal.Count(len(t.Partitions), "partition") + " on " + terminal.Count(len(leaders), "leader"),
		terminal.Count(int(records), "record"),
	}
	if t.PerSecond != nil {
		parts = append(parts, fmt.Sprintf("%.1f a second", *t.PerSecond))
	}
	if t.Imbalance != nil {
		parts = append(parts, fmt.Sprintf("the busiest partition %.1f times the mean", *t.Imbalance))
	}
	return strings.Join(parts, ", ")
}

// ailing lists the partitions that lack a leader or a replica.
func ailing(t resource.Topic) (lines []string) {
	for _, p := range t.Partitions {
		switch {
		case p.Error != "":
			lines = append(lines, fmt.Sprintf("partition %d: %s", p.Partition, terminal.Clean(p.Error)))
		case p.Leader < 0:
			lines = append(lines, fmt.Sprintf("partition %d has no leader", p.Partition))
		case p.InSync < p.Replicas:
			lines = append(lines, fmt.Sprintf("partition %d: %d of %d replicas in sync", p.Partition, p.InSync, p.Replicas))
		}
	}
	return lines
}
