package main

import (
	"runtime/debug"
)

type versionCmd struct {
	JSON bool `name:"json" env:"-" help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (versionCmd) Help() string {
	return `Examples:

    orak version
    orak version --json | jq -r .revision`
}

// buildInfo is what the Go toolchain wrote into the binary.
type buildInfo struct {
	Version string `json:"version"`
	// Revision is the commit; empty if the binary was built outside a checkout.
	Revision string `json:"revision"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
}

func version() buildInfo {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return buildInfo{Version: "unknown"}
	}
	b := buildInfo{Version: info.Main.Version, Go: info.GoVersion}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// Run prints the version.
func (v *versionCmd) Run(con *console) error {
	b := version()
	if v.JSON {
		return con.Value(b)
	}
	line := "orak " + b.Version
	if b.Revision != "" {
		line += ", commit " + b.Revision
	}
	if b.Modified {
		line += " with changes"
	}
	con.Print("%s, %s", line, b.Go)
	return nil
}
