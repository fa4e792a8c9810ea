package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// Source is where the value of a setting is from.
type Source string

// The sources, in descending priority.
const (
	SourceFlag       Source = "flag"
	SourceEnv        Source = "environment"
	SourceFile       Source = "file"
	SourceStandalone Source = "standalone"
	SourceLogin      Source = "login"
	SourceDefault    Source = "default"
)

// Redacted replaces the value of a secret that is set.
const Redacted = "(set, secret)"

// Setting is a setting with its value in force.
type Setting struct {
	// Name is that of the flag, without dashes; Env and Key are its names in the
	// environment and in the file.
	Name string `json:"name"`
	Env  string `json:"env"`
	Key  string `json:"key"`
	// Value is in the form of the file; Redacted for a secret that is set.
	Value  any    `json:"value"`
	Source Source `json:"source"`
	Secret bool   `json:"secret,omitempty"`
}

// Settings returns the settings of the selected command in the order of their
// declaration. Secrets are redacted.
func (l *Loaded) Settings() []Setting {
	var all []Setting
	for _, el := range l.Context.Path {
		for _, f := range el.Flags {
			if isSetting(f) && !f.Hidden {
				all = append(all, l.setting(f))
			}
		}
	}
	return all
}

// Source returns the source of a setting.
func (l *Loaded) Source(name string) Source {
	for _, el := range l.Context.Path {
		if el.Flag != nil && el.Flag.Name == name && !el.Resolved {
			return SourceFlag
		}
	}
	if source, ok := l.sources[name]; ok {
		return source
	}
	return SourceDefault
}

func (l *Loaded) setting(f *kong.Flag) Setting {
	s := Setting{
		Name: f.Name, Env: envName(f), Key: fileKey(f),
		Value: plain(f.Target), Source: l.Source(f.Name), Secret: isSecret(f),
	}
	if s.Secret && !f.Target.IsZero() {
		s.Value = Redacted
	}
	return s
}

// plain returns a value as JSON and YAML show it: durations and other types
// with a text form as text, and a nil list or map as an empty one.
func plain(v reflect.Value) any {
	switch {
	case v.Kind() == reflect.Slice && v.IsNil():
		return []any{}
	case v.Kind() == reflect.Map && v.IsNil():
		return map[string]any{}
	}
	switch x := v.Interface().(type) {
	case json.Marshaler:
		return x
	case fmt.Stringer:
		return x.String()
	default:
		return x
	}
}

// settings returns the flags of all commands that the environment and the file
// can set, each name once.
func settings(app *kong.Application) []*kong.Flag {
	var all []*kong.Flag
	seen := map[string]bool{}
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, f := range n.Flags {
			if isSetting(f) && !seen[f.Name] {
				seen[f.Name] = true
				all = append(all, f)
			}
		}
		for _, child := range n.Children {
			visit(child)
		}
	}
	visit(app.Node)
	return all
}

// configFlag is the only flag that the environment can set and the file cannot.
const configFlag = "config"

// fileSuffix ends the name of a variable with the path of a secret's file.
const fileSuffix = "_FILE"

func isSetting(f *kong.Flag) bool {
	own := len(f.Tag.Envs) == 1 && f.Tag.Envs[0] == "-"
	return !own && f.Name != "help" && f.Name != configFlag
}

func isSecret(f *kong.Flag) bool { return f.Tag.Has("secret") }

func envName(f *kong.Flag) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}

// fileKey returns the canonical key of a setting in the file: below the prefix
// with which its struct is embedded.
func fileKey(f *kong.Flag) string {
	prefix := f.Tag.Prefix
	rest, found := strings.CutPrefix(f.Name, prefix)
	if prefix == "" || !found || rest == "" {
		return f.Name
	}
	return strings.TrimSuffix(prefix, "-") + "." + rest
}
