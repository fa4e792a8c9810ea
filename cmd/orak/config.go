package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"orak/internal/app"
	"orak/internal/config"
)

type configCmd struct {
	Show      configShowCmd      `cmd:"" help:"Print the settings of the server that are in force, and the source of each."`
	Reference configReferenceCmd `cmd:"" help:"Print the manual of every setting, as Markdown."`
}

type configShowCmd struct {
	Settings app.Config `embed:""`

	JSON bool `name:"json" env:"-" help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (configShowCmd) Help() string {
	return `The output is a configuration file. Secrets are never printed.

Examples:

    orak config show > orak.yaml
    orak config show --json | jq '.[] | select(.source != "default")'`
}

// Run prints the settings.
func (s *configShowCmd) Run(con *console, loaded *config.Loaded) error {
	settings := loaded.Settings()
	if s.JSON {
		return con.Value(settings)
	}
	text, err := settingsFile(settings)
	if err != nil {
		return err
	}
	con.Print("%s", strings.TrimSuffix(text, "\n"))
	return nil
}

// settingsFile returns a YAML file that sets all settings but the secrets. JSON
// values are YAML values.
func settingsFile(settings []config.Setting) (string, error) {
	var order []string
	groups := map[string][]string{}
	for _, s := range settings {
		group, name, nested := strings.Cut(s.Key, ".")
		if !nested {
			group, name = "", s.Key
		}
		value, err := json.Marshal(s.Value)
		if err != nil {
			return "", fmt.Errorf("writing %s: %w", s.Key, err)
		}
		line := fmt.Sprintf("%s: %s  # %s", name, value, s.Source)
		if s.Secret {
			line = "# " + line
		}
		if _, seen := groups[group]; !seen {
			order = append(order, group)
		}
		groups[group] = append(groups[group], line)
	}
	// Settings without a group come first: behind a group they would be part of
	// it.
	slices.SortStableFunc(order, func(a, b string) int { return min(len(a), 1) - min(len(b), 1) })
	var out strings.Builder
	for _, group := range order {
		indent := ""
		if group != "" {
			fmt.Fprintf(&out, "%s:\n", group)
			indent = "  "
		}
		for _, line := range groups[group] {
			out.WriteString(indent + line + "\n")
		}
	}
	return out.String(), nil
}

type configReferenceCmd struct{}

// Help implements kong.HelpProvider.
func (configReferenceCmd) Help() string {
	return `Examples:

    orak config reference > docs/configuration.md`
}

// Run prints the text of docs/configuration.md.
func (*configReferenceCmd) Run(con *console) error {
	text, err := config.Reference(new(cli))
	if err != nil {
		return err
	}
	if _, err := io.WriteString(con.Out, text); err != nil {
		return fmt.Errorf("printing the reference: %w", err)
	}
	return nil
}
