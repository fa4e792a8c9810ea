package config

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Reference is the manual of every setting that target and its commands have,
// as Markdown: docs/configuration.md is made of it, and a test holds the two
// together. The text does not depend on the environment.
func Reference(target any) (string, error) {
	app, err := newApp(target, newResolver(Options{Environ: []string{}}), Options{Name: "orak"})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(preamble)
	group := "\x00"
	for _, f := range byGroup(settings(app.Model)) {
		if f.Hidden {
			continue
		}
		if g := groupOf(f); g != group {
			group = g
			heading(&b, g)
		}
		row(&b, f)
	}
	return b.String(), nil
}

const preamble = `# Configuration

<!-- Made by "go run ./cmd/orak config reference". Do not edit: change the struct tags. -->

Every setting can be given in three ways. The first that names it wins:

1. a flag: ` + "`--kafka-brokers=a:9092,b:9092`" + `
2. an environment variable: ` + "`ORAK_KAFKA_BROKERS=a:9092,b:9092`" + ` (an empty one counts as not set)
3. the YAML file that ` + "`--config FILE` or `ORAK_CONFIG`" + ` names:

   ` + "```yaml" + `
   kafka:
     brokers: [a:9092, b:9092]
   ` + "```" + `

   The key is the flag's name, and may be cut at any hyphen to nest. A key that is no setting, a value of the wrong
   type and a setting named twice are errors. Durations are text such as ` + "`\"30s\"`" + `.

Where no such file is named, what ` + "`go tool task up`" + ` leaves in its data folder (` + "`.orak/orak.yaml`" + `, removed when it ends) says where
the servers are, so that the commands beside it need no setting. It must belong to you and be accessible to nobody else.

` + "`orak config show`" + ` prints what is in force and where each value came from. An ` + "`ORAK_`" + ` variable that is no
setting gives a warning.

Secrets are refused as arguments, where every user of the machine could read them. Give them in the environment
(` + "`ORAK_S3_SECRET_KEY`" + `), in the YAML file, or in a file of their own whose path is in the variable with
` + "`_FILE`" + ` behind its name (` + "`ORAK_S3_SECRET_KEY_FILE=/run/secrets/s3`" + `). A newline at its end is cut off.

Traces are sent where the standard variable ` + "`OTEL_EXPORTER_OTLP_ENDPOINT`" + ` says (OTLP over HTTP), and nowhere while it
is not set. The other ` + "`OTEL_EXPORTER_OTLP_…` and `OTEL_TRACES_SAMPLER…`" + ` variables have their standard meaning.

A role that runs in a container with a memory limit has the Go runtime keep to 85 % of it; the standard variable
` + "`GOMEMLIMIT`" + ` sets another limit.
`

// byGroup gathers the flags of a group without changing any order otherwise.
func byGroup(flags []*kong.Flag) []*kong.Flag {
	var order []string
	groups := map[string][]*kong.Flag{}
	for _, f := range flags {
		g := groupOf(f)
		if _, seen := groups[g]; !seen {
			order = append(order, g)
		}
		groups[g] = append(groups[g], f)
	}
	var all []*kong.Flag
	for _, g := range order {
		all = append(all, groups[g]...)
	}
	return all
}

// groupOf is the title of kong's group where there is one, or the prefix.
func groupOf(f *kong.Flag) string {
	if f.Group != nil && f.Group.Title != "" {
		return f.Group.Title
	}
	return strings.TrimSuffix(f.Tag.Prefix, "-")
}

func heading(b *strings.Builder, group string) {
	if group == "" {
		group = "general"
	}
	fmt.Fprintf(b, "\n## %s\n\n| flag | environment | key in the file | default | meaning |\n|---|---|---|---|---|\n", group)
}

func row(b *strings.Builder, f *kong.Flag) {
	meaning := f.Help
	if f.Enum != "" {
		meaning += " One of: " + strings.Join(f.EnumSlice(), ", ") + "."
	}
	flag := "`--" + f.Name + "`"
	env := "`" + envName(f) + "`"
	if isSecret(f) {
		flag = "(secret)"
		env += ", `" + envName(f) + fileSuffix + "`"
	}
	fmt.Fprintf(b, "| %s | %s | `%s` | %s | %s |\n", flag, env, fileKey(f), defaultOf(f), cell(meaning))
}

func defaultOf(f *kong.Flag) string {
	switch {
	case f.Required:
		return "(required)"
	case f.HasDefault && f.Default != "":
		return "`" + cell(f.Default) + "`"
	default:
		return ""
	}
}

// cell keeps text inside one cell of a Markdown table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}
