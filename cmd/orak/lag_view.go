package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"orak/internal/terminal"
	"orak/operate/lag"
)

// lag prints the groups. short omits the partitions that are not behind.
func (c *console) lag(shown lagLook, short bool) {
	if shown.Cluster != "" {
		c.Print("cluster %s", c.Paint(terminal.Bold, shown.Cluster))
	}
	if shown.Error != "" {
		c.Print("  cannot be asked")
		return
	}
	for i, g := range shown.Groups {
		if g.Err != nil {
			continue // printed with the other errors
		}
		if i > 0 {
			c.Print("")
		}
		c.lagGroup(g, short)
	}
	for _, hot := range shown.Hot {
		c.Print("")
		c.hot(hot)
	}
	if len(shown.Groups) == 0 {
		c.Print("There are no consumer groups.")
	}
}

func (c *console) lagGroup(g lag.GroupReport, short bool) {
	c.Print("%s  %s", c.Paint(terminal.Bold, terminal.Fit(terminal.Clean(g.Group), c.Width-10)), c.Paint(lagColor(g.Status), string(g.Status)))
	about := fmt.Sprintf("%s, %s, %s behind", strings.ToLower(terminal.Clean(g.State)), terminal.Count(g.Members, "member"), terminal.Count(int(g.Lag), "record"))
	if g.Lag > 0 && g.Seconds != nil {
		about += ", the oldest for " + brief(*g.Seconds)
	}
	for _, line := range terminal.Wrap(about, c.Width-2) {
		c.Print("  %s", c.Paint(terminal.Faint, line))
	}
	topic, hidden := "", 0
	worst := int64(1)
	for _, p := range g.Partitions {
		worst = max(worst, p.Lag)
	}
	for _, p := range g.Partitions {
		if short && p.Lag == 0 && p.Lost == 0 {
			hidden++
			continue
		}
		if p.Topic != topic {
			topic = p.Topic
			c.Print("")
			c.Print("  %s", terminal.Fit(terminal.Clean(topic), c.Width-2))
			c.Print("%s", c.Paint(terminal.Faint, strings.TrimRight(c.lagRow("part", "committed", "end", "lag", "age", "status"), " ")))
		}
		c.Print("%s", c.lagLine(p, worst))
		if p.Lost > 0 {
			c.Print("        %s", terminal.Fit(fmt.Sprintf("%s deleted before they were read", terminal.Count(int(p.Lost), "record")), c.Width-8))
		}
	}
	if hidden > 0 {
		c.Print("  %s", c.Paint(terminal.Faint, terminal.Count(hidden, "partition")+" with nothing behind"))
	}
}

func (c *console) lagLine(p lag.PartitionReport, worst int64) string {
	committed, age := c.Marks.Dash, c.Marks.Dash
	if p.Committed != nil {
		committed = strconv.FormatInt(*p.Committed, 10)
	}
	if p.Lag == 0 {
		age = ""
	} else if p.Seconds != nil {
		age = brief(*p.Seconds)
	}
	style := lagColor(p.Status)
	room := c.Width - terminal.Width(c.lagRow("", "", "", "", "", "")) - 1
	line := c.lagRow(strconv.Itoa(int(p.Partition)), committed, strconv.FormatInt(p.End, 10), strconv.FormatInt(p.Lag, 10), age, string(p.Status))
	bar := c.lagBar(p.Lag, worst, room)
	if bar == "" && p.Status == lag.StatusOK {
		return strings.TrimRight(line, " ")
	}
	return strings.TrimRight(c.Paint(style, line)+" "+c.Paint(style, bar), " ")
}

// lagRow returns a line of the table, on narrow terminals without offsets.
func (c *console) lagRow(part, committed, end, lag, age, status string) string {
	if c.Width < 64 {
		return fmt.Sprintf("  %4s %9s %8s  %-7s", part, lag, age, status)
	}
	return fmt.Sprintf("  %4s %12s %12s %9s %8s  %-7s", part, committed, end, lag, age, status)
}

// lagBar draws n of most in at most room columns; more than 0 is at least one.
func (c *console) lagBar(n, most int64, room int) string {
	if n <= 0 || room < 1 {
		return ""
	}
	length := int(float64(n) / float64(most) * float64(room))
	return strings.Repeat(c.Marks.Full, min(max(length, 1), room))
}

func (c *console) hot(h lag.Hot) {
	c.Print("%s  %s", c.Paint(terminal.Bold, terminal.Fit(terminal.Clean(h.Topic), c.Width-14)), "hottest")
	if h.Records == 0 {
		c.Print("  no records")
		return
	}
	for _, line := range terminal.Wrap(fmt.Sprintf("the last %s, since %s", terminal.Count(int(h.Records), "record"), h.Since.Local().Format("2006-01-02 15:04:05")), c.Width-2) {
		c.Print("  %s", c.Paint(terminal.Faint, line))
	}
	width := min(40, c.Width-24)
	line := func(name string, n int64) {
		row := fmt.Sprintf("  %s %11d %5.1f %%", terminal.Pad(terminal.Fit(terminal.Clean(name), width), width), n, 100*float64(n)/float64(h.Records))
		c.Print("%s", strings.TrimRight(row+" "+c.lagBar(n, h.Records, c.Width-terminal.Width(row)-1), " "))
	}
	for _, k := range h.Keys {
		name := "key " + k.Key
		if k.Key == "" {
			name = "no key"
		}
		line(name, k.Count)
	}
	for _, p := range h.Partitions {
		line(fmt.Sprintf("partition %d", p.Partition), p.Records)
	}
}

// lagHints print how to get a judgment.
func (c *console) lagHints(groups []lag.GroupReport, looked time.Duration) {
	for _, g := range groups {
		if g.Status != lag.StatusUnknown || g.Err != nil {
			continue
		}
		if looked == 0 {
			c.Tell("One look does not show whether a group makes progress. Observe it: --for 30s, or --watch.")
		} else {
			c.Tell("It is too early to judge whether a group makes progress. Observe it for longer than %s.", looked)
		}
		return
	}
}

func lagColor(s lag.Status) terminal.Style {
	switch {
	case s == lag.StatusOK:
		return terminal.Green
	case s.Bad():
		return terminal.Red
	default:
		return terminal.Yellow
	}
}

// brief returns an age in one unit, in at most 8 columns.
func brief(seconds float64) string {
	if seconds < 10 {
		return fmt.Sprintf("%.1f s", seconds)
	}
	return terminal.Brief(time.Duration(seconds * float64(time.Second)))
}
