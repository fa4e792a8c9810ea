package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"orak"
	"orak/internal/app"
	"orak/internal/terminal"
	"orak/operate/replay"
)

type replayCmd struct {
	Settings app.ReplayConfig `embed:""`

	Since      string   `env:"-" group:"Selection" placeholder:"WHEN" help:"Read records since this time: an age such as 2h, or a time such as 2026-11-22T12:00:00Z."`
	Until      string   `env:"-" group:"Selection" placeholder:"WHEN" help:"Read records up to this time; in the form of --since."`
	FromOffset string   `env:"-" group:"Selection" placeholder:"OFFSETS" help:"Read from these offsets: P:O,P:O for some partitions, or one number for all."`
	ID         []string `name:"id" env:"-" group:"Selection" sep:"none" placeholder:"ID" help:"Only this upload. Can be repeated, or be followed by more ids, separated by spaces."`
	More       []string `arg:"" optional:"" name:"id" help:"More ids, after --id."`
	Cluster    string   `env:"-" group:"Selection" enum:",primary,standby" default:"" help:"Read orak.uploads only there: primary or standby; by default on one after the other."`
	FromStore  bool     `env:"-" group:"Selection" help:"Start the recordings of the store since --since that have neither a workflow nor an outcome, and do not wait for a bridge on a cluster that answers: for one that is dead for good."`
	Tenant     string   `env:"-" group:"Selection" placeholder:"TENANT" help:"With --from-store: only the recordings of this tenant."`
	Only       []string `env:"-" group:"Selection" default:"failed,missing" enum:"failed,missing" help:"Which uploads to start: missing (Temporal has no workflow), failed (it failed, timed out or was terminated)."`
	Force      bool     `env:"-" group:"Selection" help:"Start completed uploads, too; with --id also canceled and discarded ones. Never running ones."`

	Rate string `env:"-" default:"50/s" help:"Maximum rate of starts: 50/s, 600/m, or 0 for no limit."`
	consent
	MaxRecords int64 `env:"-" default:"100000000" help:"Maximum number of records to read. A million needs 30 MB of disk below TMPDIR and 1 MB of memory, beside 100 MB."`

	Resume bool   `env:"-" help:"Continue an interrupted replay of the same selection."`
	State  string `env:"-" placeholder:"FILE" help:"File for the progress of the replay; by default one in the user's cache folder."`
	JSON   bool   `name:"json" env:"-" help:"Print JSON: the plan, then the result. Needs --yes or --dry-run."`
}

// Help implements kong.HelpProvider.
func (replayCmd) Help() string {
	return `Reads the retained records of the uploads topic again, and starts workflows that are missing or failed. It does not
touch the bridge and its offsets. What it starts has the lowest priority, so that new uploads go first. It does not
start parked uploads: use "orak dlq reprocess".

Examples:

    orak replay --since 2h --dry-run
    orak replay --since 2026-11-22T08:00:00Z --until 1h --only missing --rate 20/s
    orak replay --from-offset 0:1200,3:900 --yes
    orak replay --id 0192f1c5-7a1e-7c3a-9d5e-0123456789ab --force
    orak replay --since 2h --resume
    orak replay --from-store --since 24h --dry-run`
}

// Run plans, asks, and replays: on each cluster that has the topic, or from the store.
func (c *replayCmd) Run(ctx context.Context, con *console) error {
	con.JSON = c.JSON
	sel, err := c.selection(con.Now())
	if err != nil {
		return usageError(err)
	}
	perSecond, err := parseRate(c.Rate)
	if err != nil {
		return usageError(err)
	}
	if err := c.checkAsk(con); err != nil {
		return err
	}
	if c.MaxRecords < 1 {
		return usageError(errors.New("--max-records: want at least 1"))
	}
	c.Settings.MaxRecords = c.MaxRecords
	opts := replay.Options{Rate: perSecond}
	if c.FromStore {
		return c.runStored(ctx, con, sel.Since, opts)
	}
	on, err := c.clusters()
	if err != nil {
		return usageError(err)
	}
	var leftOut error
	for i, each := range on {
		err := each.runOn(ctx, con, sel, opts)
		var unreachable exitError
		if len(on) > 1 && ctx.Err() == nil && errors.As(err, &unreachable) && unreachable.code == exitUnreachable {
			leftOut = fmt.Errorf("%s was left out: %w", each.Cluster, err)
			con.explain(ctx, leftOut)
			continue
		}
		if err != nil {
			tellUnbegun(con, on[i+1:])
			return err
		}
	}
	if leftOut != nil {
		return printedError{leftOut}
	}
	return nil
}

// tellUnbegun prints the commands for the clusters that an interrupted one kept from being
// read.
func tellUnbegun(con *console, rest []*replayCmd) {
	for _, c := range rest {
		if !c.DryRun {
			con.Tell("%s was not begun. Begin with:\n  %s", c.Cluster, c.command(con, c.Resume))
		}
	}
}

// clusters returns a command for each cluster to read.
func (c *replayCmd) clusters() ([]*replayCmd, error) {
	names := app.Places(c.Settings.Kafka)
	switch {
	case c.Cluster == "":
	case !slices.Contains(names, c.Cluster):
		return nil, fmt.Errorf("--cluster: there is no %s: set kafka-%s-brokers", c.Cluster, c.Cluster)
	default:
		names = []string{c.Cluster}
	}
	if len(names) == 1 {
		return []*replayCmd{c}, nil
	}
	if c.State != "" {
		return nil, errors.New("--state: it holds the replay of one cluster: add --cluster")
	}
	var each []*replayCmd
	for _, name := range names {
		on := *c
		on.Cluster = name
		each = append(each, &on)
	}
	if c.Resume {
		return each, c.resumed(each)
	}
	return each, nil
}

// resumed plans anew, instead of continuing, where no replay was interrupted: a replay that
// is interrupted on one cluster has not begun on the next.
func (c *replayCmd) resumed(each []*replayCmd) error {
	interrupted := 0
	for _, on := range each {
		file, err := on.file()
		if err != nil {
			return err
		}
		if _, on.Resume, err = file.Load(); err != nil {
			return err
		}
		if on.Resume {
			interrupted++
		}
	}
	switch {
	case interrupted == 0:
		return errors.New("there is no interrupted replay of this selection: leave out --resume")
	case interrupted < len(each) && c.Force:
		return errors.New("--resume --force: add --cluster, or completed uploads are started once more where nothing was interrupted")
	}
	return nil
}

// at returns the settings with the cluster that is read.
func (c *replayCmd) at() app.ReplayConfig { return c.Settings.At(cmp.Or(c.Cluster, "primary")) }

func (c *replayCmd) runOn(ctx context.Context, con *console, sel replay.Selection, opts replay.Options) error {
	file, err := c.file()
	if err != nil {
		return err
	}
	return app.Replay(ctx, c.at(), con.quietLog(), func(r *replay.Replayer) error {
		return c.replay(ctx, con, r, file, sel, opts)
	})
}

// runStored plans, asks, and starts what the store has.
func (c *replayCmd) runStored(ctx context.Context, con *console, since time.Time, opts replay.Options) error {
	return app.Replay(ctx, c.Settings, con.quietLog(), func(r *replay.Replayer) error {
		view := newProgress(con, "listing", "recording")
		plan, err := r.PlanStored(ctx, replay.StoredSelection{Since: since, Tenant: orak.Tenant(c.Tenant)}, view.Set)
		view.Clear()
		if err != nil {
			return con.asOutage(ctx, err)
		}
		if err := con.showStoredPlan(plan, c); err != nil || c.DryRun || plan.Start == 0 {
			return err
		}
		if !c.Yes {
			yes, err := con.Ask(ctx, fmt.Sprintf("Start %s?", terminal.Count(plan.Start, "workflow")))
			if err != nil || !yes {
				return err
			}
		}
		view = newProgress(con, "replaying", "workflow")
		opts.Progress = view.Set
		result, err := r.RunStored(ctx, plan, opts)
		view.Clear()
		if err != nil {
			con.Tell("Stopped after %s of %d. The same command starts the rest.", terminal.Count(result.Total(), "workflow"), plan.Start)
			return con.asOutage(ctx, err)
		}
		return con.showReplayed(result)
	})
}

func (c *replayCmd) replay(ctx context.Context, con *console, r *replay.Replayer, file *replay.File, sel replay.Selection, opts replay.Options) error {
	plan, err := c.plan(ctx, con, r, file, sel)
	var many *replay.TooManyError
	if errors.As(err, &many) {
		return usageError(fmt.Errorf("%w: begin later (--since, --from-offset), or raise --max-records", many))
	}
	if err != nil {
		return con.asOutage(ctx, err)
	}
	if err := con.showPlan(plan, c); err != nil {
		return err
	}
	if c.DryRun {
		return nil
	}
	if plan.Total() == 0 {
		return file.Remove()
	}
	if !c.Yes {
		yes, err := con.Ask(ctx, fmt.Sprintf("Start %s?", terminal.Count(plan.Total(), "workflow")))
		if err != nil || !yes {
			return err
		}
	}
	view := newProgress(con, "replaying", "workflow")
	opts.Save, opts.Progress = file.Save, view.Set
	result, err := r.Run(ctx, plan, opts)
	view.Clear()
	if err != nil {
		con.Tell("Stopped after %s of %d. Continue with:\n  %s", terminal.Count(result.Total(), "workflow"), plan.Total()+plan.Done().Total(), c.command(con, true))
		return con.asOutage(ctx, err)
	}
	if err := file.Remove(); err != nil {
		return err
	}
	return con.showReplayed(result)
}

// plan returns a new plan, or the rest of an interrupted one.
func (c *replayCmd) plan(ctx context.Context, con *console, r *replay.Replayer, file *replay.File, sel replay.Selection) (*replay.Plan, error) {
	saved, found, err := file.Load()
	if err != nil && c.Resume {
		return nil, err
	}
	view := newProgress(con, "reading", "record")
	defer view.Clear()
	if c.Resume {
		if !found {
			return nil, usageError(fmt.Errorf("there is no interrupted replay of this selection (%s): leave out --resume", file.Path()))
		}
		return r.Resume(ctx, saved, view.Set)
	}
	if found && !con.JSON {
		con.Tell("%s A replay of this selection was interrupted after %s; --resume continues it. This is a new one.",
			con.Marks.Note, terminal.Count(saved.Done.Total(), "workflow"))
	}
	return r.Plan(ctx, sel, view.Set)
}

// checkFromStore checks the flags that go, or do not go, with --from-store.
func (c *replayCmd) checkFromStore() error {
	switch {
	case !c.FromStore && c.Tenant != "":
		return errors.New("--tenant: it needs --from-store; orak.uploads is read for all tenants")
	case !c.FromStore:
		return nil
	case c.Since == "":
		return errors.New("--from-store: say how far back with --since")
	case c.Until != "" || c.FromOffset != "" || len(c.ID) > 0 || c.Force || c.Resume || c.Cluster != "":
		return errors.New("--from-store goes with --since, --tenant and --rate alone")
	case c.Tenant != "":
		if _, err := orak.ParseTenant(c.Tenant); err != nil {
			return fmt.Errorf("--tenant: %w", err)
		}
	}
	return nil
}

// selection checks the flags.
func (c *replayCmd) selection(now time.Time) (sel replay.Selection, err error) {
	if err := c.checkFromStore(); err != nil {
		return sel, err
	}
	if c.Since == "" && c.FromOffset == "" && len(c.ID) == 0 {
		return sel, errors.New("say what to replay: --since, --from-offset or --id; --from-offset 0 means all retained records")
	}
	if len(c.More) > 0 && len(c.ID) == 0 {
		return sel, fmt.Errorf("unexpected argument %s: put --id before ids", c.More[0])
	}
	if c.Since != "" && c.FromOffset != "" {
		return sel, errors.New("--since and --from-offset exclude each other: leave out one")
	}
	sel.Force = c.Force
	for _, state := range c.Only {
		sel.Only = append(sel.Only, replay.State(state))
	}
	if sel.Since, err = parseWhen(c.Since, now); err != nil {
		return sel, fmt.Errorf("--since: %w", err)
	}
	if sel.Until, err = parseWhen(c.Until, now); err != nil {
		return sel, fmt.Errorf("--until: %w", err)
	}
	if c.FromOffset != "" {
		if sel.From, err = strconv.ParseInt(c.FromOffset, 10, 64); err != nil {
			if sel.Offsets, err = parseOffsets(c.FromOffset); err != nil {
				return sel, fmt.Errorf("--from-offset: %w", err)
			}
		}
	}
	var ids []string
	for _, typed := range slices.Concat(c.ID, c.More) {
		ids = append(ids, strings.FieldsFunc(typed, func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	if sel.IDs, err = parseIDs(ids); err != nil {
		return sel, err
	}
	return sel, sel.Validate()
}

// file returns the file with the progress: the same flags and servers give the
// same file.
func (c *replayCmd) file() (*replay.File, error) {
	if c.State != "" {
		return replay.NewFile(c.State), nil
	}
	key := slices.Concat(c.at().Kafka.Brokers, []string{c.Settings.Temporal.Address, c.Settings.Temporal.Namespace,
		c.Since, c.Until, c.FromOffset, fmt.Sprint(c.Force)}, c.Only, []string{""}, c.ID, c.More)
	return replay.DefaultFile(key...)
}

// command returns the command line that continues this replay in the same shell, or begins
// it.
func (c *replayCmd) command(con *console, resume bool) string {
	words := []string{"replay"}
	add := func(flag, value string) {
		if value != "" {
			words = append(words, "--"+flag, value)
		}
	}
	add("since", c.Since)
	add("until", c.Until)
	add("from-offset", c.FromOffset)
	add("cluster", c.Cluster)
	for _, id := range slices.Concat(c.ID, c.More) {
		add("id", id)
	}
	if con.repeats("only") {
		add("only", strings.Join(c.Only, ","))
	}
	if c.Force {
		words = append(words, "--force")
	}
	if con.repeats("rate") {
		add("rate", c.Rate)
	}
	if con.repeats("max-records") {
		add("max-records", fmt.Sprint(c.MaxRecords))
	}
	add("state", c.State)
	for _, server := range []struct{ flag, value string }{
		{"kafka-brokers", strings.Join(c.Settings.Kafka.Brokers, ",")},
		{"kafka-uploads-brokers", strings.Join(c.Settings.Kafka.UploadsBrokers, ",")},
		{"kafka-standby-brokers", strings.Join(c.Settings.Kafka.StandbyBrokers, ",")},
		{"temporal-address", c.Settings.Temporal.Address},
		{"temporal-namespace", c.Settings.Temporal.Namespace},
	} {
		if con.repeats(server.flag) {
			add(server.flag, server.value)
		}
	}
	if resume {
		words = append(words, "--resume")
	}
	return commandLine(words)
}
