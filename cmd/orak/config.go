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
// values are YAML values. Settings without a group come first: behind a group
// they would be part of it.
func settingsFile(settings []config.Setting) (string, error) {
	order := map[string]int{"": 0}
	group := func(s config.Setting) string {
		name, _, nested := strings.Cut(s.Key, ".")
		if !nested {
			return ""
		}
		return name
	}
	for _, s := range settings {
		if _, seen := order[group(s)]; !seen {
			order[group(s)] = len(order)
		}
	}
	slices.SortStableFunc(settings, func(a, b config.Setting) int { return order[group(a)] - order[group(b)] })
	var out strings.Builder
	last := ""
	for _, s := range settings {
		g, indent := group(s), ""
		if g != last {
			fmt.Fprintf(&out, "%s:\n", g)
			last = g
		}
		if g != "" {
			indent = "  "
		}
		if s.Secret {
			indent += "# "
		}
		value, err := json.Marshal(s.Value)
		if err != nil {
			return "", fmt.Errorf("writing %s: %w", s.Key, err)
		}
		fmt.Fprintf(&out, "%s%s: %s  # %s\n", indent, strings.TrimPrefix(s.Key, g+"."), value, s.Source)
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
