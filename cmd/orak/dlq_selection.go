package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"orak"
	"orak/client"
)

// letterFlags select dead letters of one tenant, or of all (see operator).
type letterFlags struct {
	Stage     []string `env:"-" group:"Selection" placeholder:"STAGE" help:"Only those that failed in this stage: receive, convert, analyze or publish. Several, separated by commas, mean any of them."`
	Class     []string `env:"-" group:"Selection" placeholder:"CLASS" help:"Only those of this class: input, transient, model, overload, dependency or internal. Several mean any of them."`
	OlderThan string   `env:"-" group:"Selection" placeholder:"WHEN" help:"Only those that last failed before this: an age such as 90m or 3d, or a time such as 2026-11-22T12:00:00Z."`
	NewerThan string   `env:"-" group:"Selection" placeholder:"WHEN" help:"Only those that last failed after this; in the form of --older-than."`
	Text      string   `env:"-" group:"Selection" placeholder:"TEXT" help:"Only those with this text in their file name, message or id, whatever the case."`
	Before    string   `env:"-" group:"Selection" placeholder:"WHEN" help:"As --older-than, and in addition to it: an interrupted command is continued with it, so that uploads that failed again since are not selected twice."`
}

// refuseEmpty returns an error for a selection flag with an empty value, such as
// --text "$NAME" where NAME is not set: it would select more than was meant.
func refuseEmpty(k *kong.Context) error {
	for _, p := range k.Path {
		if p.Flag == nil || p.Flag.Group == nil || p.Flag.Group.Key != "Selection" {
			continue
		}
		switch value := k.FlagValue(p.Flag).(type) {
		case string:
			if value != "" {
				continue
			}
		case []string:
			if len(value) > 0 && !slices.Contains(value, "") {
				continue
			}
		default:
			continue
		}
		return usageError(fmt.Errorf("--%s is empty; leave it out if it is not to select", p.Flag.Name))
	}
	return nil
}

// selection checks the flags. Ages become times, so that a command that resumes
// this one selects by the same times.
func (f letterFlags) selection(now time.Time) (sel client.Selection, err error) {
	for _, text := range f.Stage {
		if !slices.Contains(orak.FailureStages(), orak.Stage(text)) {
			return sel, notOneOf("--stage", text, orak.FailureStages())
		}
		sel.Stages = append(sel.Stages, orak.Stage(text))
	}
	for _, text := range f.Class {
		class, ok := orak.ParseClass(text)
		if !ok {
			return sel, notOneOf("--class", text, orak.Classes())
		}
		sel.Classes = append(sel.Classes, class)
	}
	for _, when := range []struct {
		flag, text string
		into       *time.Time
	}{{"--older-than", f.OlderThan, &sel.OlderThan}, {"--newer-than", f.NewerThan, &sel.NewerThan}, {"--before", f.Before, &sel.Before}} {
		if *when.into, err = parseWhen(when.text, now); err != nil {
			return sel, usageError(fmt.Errorf("%s: %w", when.flag, err))
		}
	}
	sel.Text = f.Text
	return sel, nil
}

func notOneOf[T ~string](flag, given string, set []T) error {
	words := make([]string, len(set))
	for i, v := range set {
		words[i] = string(v)
	}
	return usageError(fmt.Errorf("%s %q: want one of %s", flag, given, strings.Join(words, ", ")))
}

// narrow reports whether any flag was given.
func (f letterFlags) narrow() bool {
	return len(f.Stage)+len(f.Class) > 0 || f.OlderThan+f.NewerThan+f.Text+f.Before != ""
}

// words returns the flags that select sel.
func (f letterFlags) words(sel client.Selection) []string {
	var words []string
	add := func(flag, value string) {
		if value != "" {
			words = append(words, flag, value)
		}
	}
	add("--stage", strings.Join(f.Stage, ","))
	add("--class", strings.Join(f.Class, ","))
	add("--older-than", timeText(sel.OlderThan))
	add("--newer-than", timeText(sel.NewerThan))
	add("--text", f.Text)
	add("--before", timeText(sel.Before))
	return words
}

// timeText returns a time in the form of the flags; empty for the zero time.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
