package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"orak/operate/lag"
)

// lag prints the groups. short leaves out the partitions that are not behind.
func (c *console) lag(shown lagLook, short bool) {
	for i, g := range shown.Groups {
		if g.Err != nil {
			continue // it is said with the other errors
		}
		if i > 0 {
			c.print("")
		}
		c.lagGroup(g, short)
	}
	for _, hot := range shown.Hot {
		c.print("")
		c.hot(hot)
	}
	if len(shown.Groups) == 0 {
		c.print("There is no consumer group.")
	}
}

func (c *console) lagGroup(g lag.GroupReport, short bool) {
	c.print("%s  %s", paint(c.colorOut, bold, fit(clean(g.Group), c.width-10)), paint(c.colorOut, lagColor(g.Status), string(g.Status)))
	about := fmt.Sprintf("%s, %s, %s behind", strings.ToLower(clean(g.State)), count(g.Members, "member"), count(int(g.Lag), "record"))
	if g.Lag > 0 && g.Seconds != nil {
		about += ", the oldest for " + brief(*g.Seconds)
	}
	for _, line := range wrap(about, c.width-2) {
		c.print("  %s", paint(c.colorOut, faint, line))
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
			c.print("")
			c.print("  %s", fit(clean(topic), c.width-2))
			c.print("%s", paint(c.colorOut, faint, strings.TrimRight(c.lagRow("part", "committed", "end", "lag", "age", "status"), " ")))
		}
		c.print("%s", c.lagLine(p, worst))
		if p.Lost > 0 {
			c.print("        %s", fit(fmt.Sprintf("%s deleted before they were read", count(int(p.Lost), "record")), c.width-8))
		}
	}
	if hidden > 0 {
		c.print("  %s", paint(c.colorOut, faint, count(hidden, "partition")+" with nothing behind"))
	}
}

func (c *console) lagLine(p lag.PartitionReport, worst int64) string {
	committed, age := c.marks.dash, c.marks.dash
	if p.Committed != nil {
		committed = strconv.FormatInt(*p.Committed, 10)
	}
	if p.Lag == 0 {
		age = ""
	} else if p.Seconds != nil {
		age = brief(*p.Seconds)
	}
	style := lagColor(p.Status)
	room := c.width - runewidth.StringWidth(c.lagRow("", "", "", "", "", "")) - 1
	line := c.lagRow(strconv.Itoa(int(p.Partition)), committed, strconv.FormatInt(p.End, 10), strconv.FormatInt(p.Lag, 10), age, string(p.Status))
	bar := c.bar(p.Lag, worst, room)
	if bar == "" && p.Status == lag.StatusOK {
		return strings.TrimRight(line, " ")
	}
	return strings.TrimRight(paint(c.colorOut, style, line)+" "+paint(c.colorOut, style, bar), " ")
}

// lagRow is a line of the table; narrow terminals do without offsets.
func (c *console) lagRow(part, committed, end, lag, age, status string) string {
	if c.width < 64 {
		return fmt.Sprintf("  %4s %9s %8s  %-7s", part, lag, age, status)
	}
	return fmt.Sprintf("  %4s %12s %12s %9s %8s  %-7s", part, committed, end, lag, age, status)
}

// bar is n of most as a length of at most room; anything above 0 is seen.
func (c *console) bar(n, most int64, room int) string {
	if n <= 0 || room < 1 {
		return ""
	}
	length := int(float64(n) / float64(most) * float64(room))
	return strings.Repeat(c.marks.full, min(max(length, 1), room))
}

func (c *console) hot(h lag.Hot) {
	c.print("%s  %s", paint(c.colorOut, bold, fit(clean(h.Topic), c.width-14)), "hottest")
	if h.Records == 0 {
		c.print("  no records")
		return
	}
	for _, line := range wrap(fmt.Sprintf("the last %s, since %s", count(int(h.Records), "record"), h.Since.Local().Format("2006-01-02 15:04:05")), c.width-2) {
		c.print("  %s", paint(c.colorOut, faint, line))
	}
	width := min(40, c.width-24)
	line := func(name string, n, surely int64) {
		number := strconv.FormatInt(n, 10)
		if surely < n {
			number = fmt.Sprintf("%d%s%d", surely, c.marks.dash, n)
		}
		row := fmt.Sprintf("  %s %11s %5.1f %%", pad(fit(clean(name), width), width), number, 100*float64(n)/float64(h.Records))
		c.print("%s", strings.TrimRight(row+" "+c.bar(n, h.Records, c.width-runewidth.StringWidth(row)-1), " "))
	}
	for _, k := range h.Keys {
		name := "key " + k.Key
		if k.Key == "" {
			name = "no key"
		}
		line(name, k.Count, k.Count-k.Error)
	}
	for _, p := range h.Partitions {
		line(fmt.Sprintf("partition %d", p.Partition), p.Records, p.Records)
	}
}

// lagHints say how to learn more.
func (c *console) lagHints(shown lagLook, looked time.Duration) {
	for _, g := range shown.Groups {
		if g.Status != lag.StatusUnknown || g.Err != nil {
			continue
		}
		if looked == 0 {
			c.tell("One look does not show how a group moves. Look for longer: --for 30s, or --watch.")
		} else {
			c.tell("It is too early to tell how a group moves. Look again, for longer than %s.", looked)
		}
		return
	}
}

func lagColor(s lag.Status) string {
	switch {
	case s == lag.StatusOK:
		return green
	case s.Bad():
		return red
	default:
		return yellow
	}
}

// brief is an age in one unit, of at most 8 columns.
func brief(seconds float64) string {
	switch d := time.Duration(seconds * float64(time.Second)); {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	}
}
