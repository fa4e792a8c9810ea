package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"orak"
	"orak/control"
	"orak/internal/app"
	"orak/internal/config"
	"orak/internal/terminal"
)

type settingsCmd struct {
	List  settingsListCmd  `cmd:"" help:"Print the live settings: their values, and who set them."`
	Set   settingsSetCmd   `cmd:"" help:"Set a live setting; every process has it within 2 s."`
	Unset settingsUnsetCmd `cmd:"" help:"Unset a live setting: the flag of each process is in effect again."`
}

type settingsListCmd struct {
	Settings app.Config `embed:""`

	For  string `env:"-" placeholder:"TENANT" help:"Print the values in effect for one tenant."`
	JSON bool   `name:"json" env:"-" help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (settingsListCmd) Help() string {
	return `A value is set here, or it is that of the setting's flag: of this command's configuration. A process may have been
started with another flag. While Kafka is unavailable, the values are those of the last snapshot in the store.

Examples:

    orak settings list
    orak settings list --for choir
    orak settings list --json | jq '.settings[] | select(.source == "set")'`
}

// Where the value of a live setting comes from. Other flags have the sources of package
// config.
const (
	sourceSet     = "set"
	sourceFlag    = "flag"
	sourceDefault = "default"
)

// liveSetting is one value in effect.
type liveSetting struct {
	Name string `json:"name"`
	// Tenant is empty where the value applies everywhere.
	Tenant orak.Tenant `json:"tenant,omitempty"`
	Value  string      `json:"value"`
	// Source is set, flag or default.
	Source  string    `json:"source"`
	By      string    `json:"by,omitempty"`
	At      time.Time `json:"at,omitzero"`
	Version int64     `json:"version,omitempty"`
	Range   string    `json:"range,omitempty"`
	Help    string    `json:"help,omitempty"`
}

// liveSettings is what the list shows.
type liveSettings struct {
	control.Status
	Settings []liveSetting `json:"settings"`
}

// Validate is called by kong.
func (s *settingsListCmd) Validate() error { return checkFor(s.For) }

func checkFor(tenant string) error {
	if tenant == "" {
		return nil
	}
	if _, err := orak.ParseTenant(tenant); err != nil {
		return fmt.Errorf("--for: %w", err)
	}
	return nil
}

// Run prints the settings.
func (s *settingsListCmd) Run(ctx context.Context, con *console, loaded *config.Loaded) error {
	con.JSON = s.JSON
	cfg := app.SettingsConfig{Kafka: s.Settings.Kafka, Store: s.Settings.Store, Control: s.Settings.Control}
	flags := flagsOf(loaded)
	return con.asOutage(ctx, app.Settings(ctx, cfg, con.quietLog(), func(v *control.View, _ *control.Writer) error {
		shown := liveSettings{Status: v.Status(), Settings: inEffect(v.Assignments(), flags)}
		if s.For != "" {
			shown.Settings = inEffectFor(orak.Tenant(s.For), shown.Settings)
		}
		if con.JSON {
			return con.Value(shown)
		}
		con.liveSettings(shown)
		return nil
	}))
}

// flagsOf returns the settings of the command line that have the names of live ones.
func flagsOf(loaded *config.Loaded) map[string]liveSetting {
	flags := make(map[string]liveSetting)
	for _, flag := range loaded.Settings() {
		s, ok := control.Find(flag.Name)
		if !ok {
			continue
		}
		shown := liveSetting{Name: s.Name, Value: fmt.Sprint(flag.Value), Source: sourceFlag}
		if flag.Source == config.SourceDefault {
			shown.Source = sourceDefault
		}
		flags[s.Name] = shown
	}
	return flags
}

// inEffect returns one value of each setting that applies everywhere, and then those
// of tenants.
func inEffect(set []control.Assignment, flags map[string]liveSetting) []liveSetting {
	everywhere := make(map[string]liveSetting)
	for _, s := range control.Settings() {
		everywhere[s.Name] = liveSetting{Name: s.Name, Value: s.Default, Source: sourceDefault}
	}
	maps.Copy(everywhere, flags)
	var tenants []liveSetting
	for _, a := range set {
		shown := liveSetting{Name: a.Name, Tenant: a.Tenant, Value: a.Value, Source: sourceSet, By: a.By, At: a.At, Version: a.Version}
		if a.Tenant == "" {
			everywhere[a.Name] = shown
		} else {
			tenants = append(tenants, shown)
		}
	}
	all := make([]liveSetting, 0, len(everywhere)+len(tenants))
	for _, name := range slices.Sorted(maps.Keys(everywhere)) {
		all = append(all, everywhere[name])
	}
	all = append(all, tenants...)
	for i := range all {
		if s, ok := control.Find(all[i].Name); ok {
			all[i].Range, all[i].Help = s.Range, s.Help
		}
	}
	return all
}

// inEffectFor returns those of all that apply to a tenant: its own, or else those that
// apply everywhere. Settings that cannot be set for a tenant are left out.
func inEffectFor(t orak.Tenant, all []liveSetting) []liveSetting {
	values := make(map[string]liveSetting)
	for _, s := range all {
		known, ok := control.Find(s.Name)
		if s.Tenant == t || s.Tenant == "" && ok && known.PerTenant {
			values[s.Name] = s // its own comes later
		}
	}
	var own []liveSetting
	for _, name := range slices.Sorted(maps.Keys(values)) {
		own = append(own, values[name])
	}
	return own
}

// liveSettings prints the settings as a table, and what is wrong with them.
func (c *console) liveSettings(shown liveSettings) {
	c.Print("%s", c.Paint(terminal.Faint, c.settingRow("setting", "value", "source")))
	for _, s := range shown.Settings {
		label := s.Name
		if s.Tenant != "" {
			label += " for " + string(s.Tenant)
		}
		value, long := s.Value, len(s.Value) > settingValue
		if long {
			value = ""
		}
		c.Print("%s", c.settingRow(label, value, s.Source))
		if long {
			c.Print("  %s", terminal.Fit(terminal.Clean(s.Value), c.Width-2))
		}
		if s.Source == sourceSet {
			by := fmt.Sprintf("by %s, %s, version %d", terminal.Clean(s.By), c.Ago(s.At), s.Version)
			c.Print("  %s", c.Paint(terminal.Faint, terminal.Fit(by, c.Width-2)))
		}
	}
	c.settingsStatus(shown.Status)
}

// settingValue is the width of a value in the table. Longer ones have a line of their own.
const settingValue = 9

func (c *console) settingRow(label, value, source string) string {
	cell := func(text string, n int) string { return terminal.Pad(terminal.Fit(terminal.Clean(text), n), n) }
	return cell(label, max(min(40, c.Width-20), 8)) + "  " + cell(value, settingValue) + "  " + source
}

func (c *console) settingsStatus(s control.Status) {
	switch {
	case s.Live:
	case s.SnapshotAt.IsZero():
		c.warn("Kafka cannot be reached, and there is no snapshot: what is set is unknown.")
	default:
		c.warn(fmt.Sprintf("Kafka cannot be reached: this is the snapshot of %s, which may be out of date.", s.SnapshotAt.UTC().Format(time.RFC3339)))
	}
	for _, key := range slices.Sorted(maps.Keys(s.Refused)) {
		c.warn(fmt.Sprintf("the last change of %s is refused by every process, and the one before stays in effect: %s", key, s.Refused[key]))
	}
}

// change has the flags of the commands that change a setting.
type change struct {
	Settings app.SettingsConfig `embed:""`

	Name      string `arg:"" name:"setting" help:"Name of the setting; see orak settings list."`
	For       string `env:"-" placeholder:"TENANT" help:"Only for this tenant."`
	By        string `env:"-" placeholder:"NAME" help:"Who changes it, for the record; by default the current user."`
	IfVersion *int64 `env:"-" placeholder:"N" help:"Change it only if it is at this version, as orak settings list prints it; 0: only if it was never set. By default the version that this command finds when it begins."`
	JSON      bool   `name:"json" env:"-" help:"Print JSON."`
}

type settingsSetCmd struct {
	change

	Value string `arg:"" help:"The new value."`
}

type settingsUnsetCmd struct{ change }

// Help implements kong.HelpProvider.
func (settingsSetCmd) Help() string {
	return `Returns once the change is in Kafka. If somebody else changes the same setting at the same moment, one of the two
is refused, and says who was first. Settings of one tenant share a version.

Examples:

    orak settings set intake paused --for choir
    orak settings set gpu-slots 1 --by ann
    orak settings set park-for 72h --if-version 12`
}

// Help implements kong.HelpProvider.
func (settingsUnsetCmd) Help() string {
	return `Examples:

    orak settings unset intake --for choir
    orak settings unset gpu-slots --by ann`
}

// Validate is called by kong.
func (c *change) Validate() error { return checkFor(c.For) }

// Run sets the value.
func (s *settingsSetCmd) Run(ctx context.Context, con *console) error {
	return s.apply(ctx, con, control.Change{Value: s.Value})
}

// Run removes the value.
func (s *settingsUnsetCmd) Run(ctx context.Context, con *console) error {
	return s.apply(ctx, con, control.Change{Unset: true})
}

func (c *change) apply(ctx context.Context, con *console, do control.Change) error {
	con.JSON = c.JSON
	do.Setting, do.Tenant, do.By = c.Name, orak.Tenant(c.For), c.Settings.By(byWhom(c.By))
	if err := do.Check(); err != nil {
		return usageError(err)
	}
	return con.asOutage(ctx, app.Settings(ctx, c.Settings, con.quietLog(), func(v *control.View, w *control.Writer) error {
		do.Seen = v.Version(do.Setting, do.Tenant)
		if c.IfVersion != nil {
			do.Seen = *c.IfVersion
		}
		version, err := w.Apply(ctx, do)
		if conflict := (*control.Conflict)(nil); errors.As(err, &conflict) {
			return fmt.Errorf("%w. Look at it with: orak settings list", err)
		}
		if err != nil {
			return err
		}
		return con.changed(do, version)
	}))
}

// changed says what was changed.
func (c *console) changed(did control.Change, version int64) error {
	if c.JSON {
		return c.Value(struct {
			Name    string      `json:"name"`
			Tenant  orak.Tenant `json:"tenant,omitempty"`
			Value   string      `json:"value,omitempty"`
			Unset   bool        `json:"unset,omitempty"`
			By      string      `json:"by"`
			Version int64       `json:"version"`
		}{did.Setting, did.Tenant, did.Value, did.Unset, did.By, version})
	}
	text := did.Setting + " is unset"
	if !did.Unset {
		text = did.Setting + " is " + did.Value
	}
	if did.Tenant != "" {
		text += " for " + string(did.Tenant)
	}
	c.Print("%s %s (version %d).", c.Paint(terminal.Green, c.Marks.Done), terminal.Clean(text), version)
	return nil
}
