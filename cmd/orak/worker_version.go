package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"orak/internal/app"
	"orak/internal/terminal"
	"orak/operate/versions"
)

type workerVersionCmd struct {
	List    versionListCmd    `cmd:"" help:"List the versions: what each gets, and which queues its workers serve."`
	Current versionCurrentCmd `cmd:"" help:"Make a build current: it gets every task from now on."`
	Ramp    versionRampCmd    `cmd:"" help:"Give a build a percentage of the uploads."`
}

type versionListCmd struct {
	Settings app.VersionsConfig `embed:""`

	JSON bool `name:"json" env:"-" help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (versionListCmd) Help() string {
	return `A version is current, ramping (it gets a percentage of the uploads), draining or drained (it was one of these), or inactive
(it never got a task). Uploads go on with the current version at their next step, so workers of another one are needed only
until their running steps have ended. The command connects to Temporal directly.

Examples:

    orak worker version list --worker-deployment orak
    orak worker version list --json | jq -r '.versions[] | select(.status == "current").build_id'`
}

// Run prints the versions.
func (l *versionListCmd) Run(ctx context.Context, con *console) error {
	con.JSON = l.JSON
	return con.asVersions(ctx, l.Settings, true, func(v *versions.Versions) error {
		d, err := v.List(ctx)
		if err != nil {
			return err
		}
		if con.JSON {
			return con.Value(d)
		}
		con.versions(d)
		return nil
	})
}

// versionChange has the flags of the commands that change which version gets tasks.
type versionChange struct {
	Settings app.VersionsConfig `embed:""`

	Wait       time.Duration `env:"-" default:"2m" help:"How long to wait until workers of the build serve every queue that the current version serves. 0: not at all."`
	Force      bool          `env:"-" help:"Do not wait, and go ahead although queues are not served. Their tasks wait."`
	Unrecorded bool          `env:"-" help:"Change it without a record on orak.audit, while Kafka is unavailable. Temporal keeps who made the last change."`
	By         string        `env:"-" placeholder:"NAME" help:"Who changes it, for the record; by default the current user."`
	JSON       bool          `name:"json" env:"-" help:"Print JSON."`
	consent
}

type versionCurrentCmd struct {
	versionChange

	Build       string `arg:"" optional:"" help:"Build id. By default that of this program, or worker-build-id."`
	Unversioned bool   `env:"-" help:"In place of a build: workers that run without worker-deployment."`
}

// Help implements kong.HelpProvider.
func (versionCurrentCmd) Help() string {
	return `It waits until workers of the build serve every queue that the current version serves, says which are missing, and returns once
every queue knows the change. Uploads that are open, parked ones included, go on with the build at their next step; steps that
run are finished where they run. The way back is the same command with the build before.

Examples:

    orak worker version current v1.5.0 --worker-deployment orak --yes
    orak worker version current v1.4.0 --by ann --yes
    orak worker version current --unversioned --dry-run`
}

// Run makes a build current.
func (c *versionCurrentCmd) Run(ctx context.Context, con *console) error {
	build := c.Build
	switch {
	case c.Unversioned && build != "":
		return usageError(errors.New("a build or --unversioned, and not both"))
	case build == "" && !c.Unversioned:
		own, err := c.Settings.Version.Build()
		if err != nil {
			return err
		}
		build = own
	}
	return c.apply(ctx, con, versions.Change{Build: build})
}

type versionRampCmd struct {
	versionChange

	Build   string  `arg:"" help:"Build id."`
	Percent float64 `arg:"" help:"Percentage of the uploads that it gets, 0 to 100. 0 ends the ramp."`
}

// Help implements kong.HelpProvider.
func (versionRampCmd) Help() string {
	return `Which uploads go to the build follows from their ids: a higher percentage adds some and takes none away. Workers of both versions
must run meanwhile. End a ramp with "orak worker version current", or with 0.

Examples:

    orak worker version ramp v1.5.0 10 --worker-deployment orak --yes
    orak worker version ramp v1.5.0 0 --yes`
}

// Run changes the percentage.
func (c *versionRampCmd) Run(ctx context.Context, con *console) error {
	return c.apply(ctx, con, versions.Change{Build: c.Build, Ramp: true, Percent: c.Percent})
}

func (c *versionChange) apply(ctx context.Context, con *console, do versions.Change) error {
	con.JSON = c.JSON
	if err := do.Validate(); err != nil {
		return usageError(err)
	}
	if err := c.checkAsk(con); err != nil {
		return err
	}
	do.By, do.Force = c.Settings.By(byWhom(c.By)), c.Force
	if !c.Force {
		do.Wait = c.Wait
	}
	return con.asVersions(ctx, c.Settings, c.Unrecorded, func(v *versions.Versions) error {
		if c.DryRun {
			return con.rehearseChange(ctx, v, do)
		}
		if !c.Yes {
			if yes, err := con.Ask(ctx, "Shall orak "+versionChangeText(do)+"?"); err != nil || !yes {
				return err
			}
		}
		before, err := v.Apply(ctx, do, func(why error) { con.Tell("waiting: %s", terminal.Clean(why.Error())) })
		if err != nil {
			return err
		}
		return con.changedVersion(do, before)
	})
}

// rehearseChange says whether a change could be made now.
func (c *console) rehearseChange(ctx context.Context, v *versions.Versions, do versions.Change) error {
	if err := v.Check(ctx, do); err != nil {
		return err
	}
	if !c.JSON {
		c.Print("Nothing stands in the way now: %s.", versionChangeText(do))
	}
	return nil
}

// asVersions calls do with the versions, and says what to do about its errors.
func (c *console) asVersions(ctx context.Context, cfg app.VersionsConfig, unrecorded bool, do func(*versions.Versions) error) error {
	if !cfg.Version.Versioned() {
		return usageError(errors.New("--worker-deployment: say which deployment, as the workers have it (or ORAK_WORKER_DEPLOYMENT)"))
	}
	err := app.Versions(ctx, cfg, unrecorded, c.quietLog(), do)
	var (
		missing  *versions.Missing
		unknown  *versions.Unknown
		conflict *versions.Conflict
	)
	switch {
	case errors.As(err, &missing), errors.As(err, &unknown):
		return fmt.Errorf("%w. Nothing was changed. Start its workers, or look with: orak worker version list", err)
	case errors.As(err, &conflict):
		return fmt.Errorf("%w. Look with: orak worker version list", err)
	default:
		return c.asOutage(ctx, err)
	}
}

// buildText names a build.
func buildText(build string) string {
	if build == versions.Unversioned {
		return "workers without a version"
	}
	return "build " + terminal.Clean(build)
}

// versionChangeText says what is to be done.
func versionChangeText(do versions.Change) string {
	switch {
	case do.Ramp && do.Percent == 0:
		return "give " + buildText(do.Build) + " no more uploads"
	case do.Ramp:
		return fmt.Sprintf("give %s %g %% of the uploads", buildText(do.Build), do.Percent)
	default:
		return "make " + buildText(do.Build) + " current"
	}
}

// changedVersion says what was changed.
func (c *console) changedVersion(did versions.Change, before string) error {
	if c.JSON {
		out := struct {
			Build   string   `json:"build_id"`
			Percent *float64 `json:"percent,omitempty"`
			Current string   `json:"current"`
			Before  string   `json:"current_before"`
			By      string   `json:"by"`
		}{Build: did.Build, Current: did.Build, Before: before, By: did.By}
		if did.Ramp {
			out.Percent, out.Current = &did.Percent, before
		}
		return c.Value(out)
	}
	done := c.Paint(terminal.Green, c.Marks.Done)
	switch {
	case did.Ramp && did.Percent == 0:
		c.Print("%s %s gets no uploads any more; current is %s.", done, buildText(did.Build), buildText(before))
	case did.Ramp:
		c.Print("%s %s gets %g %% of the uploads; current is %s.", done, buildText(did.Build), did.Percent, buildText(before))
	case did.Build == before:
		c.Print("%s %s was current already, and gets everything.", done, buildText(did.Build))
	default:
		c.Print("%s Current is %s; it was %s.", done, buildText(did.Build), buildText(before))
	}
	return nil
}

// versions prints the versions of a deployment, each with the queues that it serves.
func (c *console) versions(d versions.Deployment) {
	head := c.Paint(terminal.Bold, terminal.Clean(d.Name))
	if d.ChangedBy != "" {
		head += ", last changed by " + terminal.Clean(d.ChangedBy)
	}
	c.Print("%s", head)
	for _, v := range d.Versions {
		status := v.Status
		if v.Status == versions.StatusRamping || v.Status == versions.StatusCurrent && v.Percent < 100 {
			status += fmt.Sprintf(" %g %%", v.Percent)
		}
		about := status
		if !v.Since.IsZero() {
			about += ", " + c.Ago(v.Since)
		}
		about += ", " + terminal.Count(int(v.Open), "open workflow")
		name := terminal.Clean(v.Build)
		if v.Build == versions.Unversioned {
			name = "without a version"
		}
		c.Print("%s", terminal.Fit(name, c.Width))
		for _, line := range terminal.Wrap(about, c.Width-2) {
			c.Print("  %s", line)
		}
		for _, line := range terminal.Wrap(servedText(v), c.Width-2) {
			c.Print("  %s", c.Paint(terminal.Faint, line))
		}
	}
}

// servedText says how many processes ask each queue for tasks of a version.
func servedText(v versions.Version) string {
	var parts []string
	for _, q := range v.Queues {
		parts = append(parts, fmt.Sprintf("%s %s: %d", terminal.Clean(q.Name), terminal.Clean(q.Tasks), q.Pollers))
	}
	if len(parts) == 0 {
		return "workers that ask for any task"
	}
	return "workers: " + strings.Join(parts, ", ")
}
