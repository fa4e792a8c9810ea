package runbooks

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Command is one line that an operator pastes.
type Command struct {
	// File, Line and Section (the heading) locate it.
	File, Section string
	Line          int
	// Shell is the command itself, Comment the text after #.
	Shell, Comment string
}

func (c Command) String() string { return fmt.Sprintf("%s:%d %s", c.File, c.Line, c.Shell) }

// Commands returns the commands of every document in a folder. Code that is
// neither shell nor PromQL is an error, since it would escape the test.
func Commands(tree fs.FS) ([]Command, error) {
	names, err := fs.Glob(tree, "*.md")
	if err != nil {
		return nil, err
	}
	var found []Command
	for _, name := range names {
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		commands, err := parse(name, string(text))
		if err != nil {
			return nil, err
		}
		found = append(found, commands...)
	}
	return found, nil
}

func parse(name, text string) ([]Command, error) {
	var found []Command
	section, language := "", ""
	for i, line := range strings.Split(text, "\n") {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && language != "":
			language = ""
		case isFence && fence != "sh" && fence != "promql":
			return nil, fmt.Errorf("%s:%d: code of language %q, want sh or promql", name, i+1, fence)
		case isFence:
			language = fence
		case language == "" && strings.HasPrefix(line, "#"):
			section = strings.TrimLeft(line, "# ")
		case language == "sh":
			if c := split(line); c.Shell != "" {
				c.File, c.Section, c.Line = path.Base(name), section, i+1
				found = append(found, c)
			}
		}
	}
	return found, nil
}

// inline is a command within a sentence or a table.
var inline = regexp.MustCompile("`((?:orak|temporal|tctl) [^`]+)`")

// InSection returns the commands that a section shows within its sentences and
// tables.
func InSection(name, text, section string) []Command {
	var found []Command
	here := ""
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "#") {
			here = strings.TrimLeft(line, "# ")
		}
		if here != section {
			continue
		}
		for _, match := range inline.FindAllStringSubmatch(line, -1) {
			found = append(found, Command{File: name, Section: section, Line: i + 1, Shell: match[1]})
		}
	}
	return found
}

// comment begins after a space, or at the start of the line.
var comment = regexp.MustCompile(`(?:^|\s+)#\s`)

func split(line string) Command {
	at := comment.FindStringIndex(line)
	if at == nil {
		return Command{Shell: strings.TrimSpace(line)}
	}
	return Command{Shell: strings.TrimSpace(line[:at[0]]), Comment: strings.TrimSpace(line[at[1]:])}
}

var exitStatus = regexp.MustCompile(`\bexit (?:status|code) (\d+)`)

// Allows reports whether a command may exit with a status: 0, or one that its
// comment names.
func (c Command) Allows(status int) bool {
	if status == 0 {
		return true
	}
	named := exitStatus.FindStringSubmatch(c.Comment)
	return named != nil && named[1] == strconv.Itoa(status)
}

// Endless reports whether the operator ends the command.
func (c Command) Endless() bool { return strings.Contains(c.Comment, "until Ctrl-C") }

var upload = regexp.MustCompile(`\bID\b`)

// Uploads is the number of uploads that a command names.
func (c Command) Uploads() int { return len(upload.FindAllString(c.Shell, -1)) }

// With fills in uploads and the other placeholders.
func (c Command) With(uploads []string, rest *strings.Replacer) string {
	shell := upload.ReplaceAllStringFunc(c.Shell, func(string) string {
		id := uploads[0]
		uploads = uploads[1:]
		return id
	})
	return rest.Replace(shell)
}

// asks matches the commands that ask before they act, unless --yes is given.
var asks = regexp.MustCompile(`^orak (dlq (reprocess|discard) --|erase |replay |offsets reset |worker version (current|ramp) |kafka switch )`)

// Unasked returns the command with --yes if it would ask.
func (c Command) Unasked() Command {
	if asks.MatchString(c.Shell) && !strings.Contains(c.Shell, "--yes") && !strings.Contains(c.Shell, "--dry-run") {
		c.Shell += " --yes"
	}
	return c
}
