package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"orak/internal/app"
	"orak/operate/lag"
)

type lagCmd struct {
	Settings app.LagConfig `embed:""`

	Group   []string      `short:"g" env:"-" xor:"groups" help:"Consumer groups to look at, of any program; by default those of --lag-groups."`
	All     bool          `env:"-" xor:"groups" help:"Look at all groups, and list only partitions that are behind."`
	Cluster string        `env:"-" enum:",main,primary,standby" default:"" help:"The cluster, if orak.uploads has places of its own; by default the main one. See orak kafka status."`
	For     time.Duration `env:"-" placeholder:"30s" help:"How long to observe before judging; 0 looks once. If it is shorter than the window, it replaces it."`
	Watch   bool          `short:"w" env:"-" help:"Repeat until Ctrl-C. The window is a minute unless --for sets it."`
	Keys    bool          `env:"-" help:"Read the last records of the groups' topics, and print the keys and partitions with the most records."`
	Records int64         `env:"-" default:"10000" help:"Maximum number of records that --keys reads of each topic."`
	JSON    bool          `name:"json" env:"-" help:"Print JSON, one value per look."`
}

// Help implements kong.HelpProvider.
func (lagCmd) Help() string {
	return `One look shows how many records wait and for how long. To see whether a group makes progress, use --for or --watch.

    OK       no records wait, or fewer and fewer
    UNKNOWN  records wait, and it is too early to judge
    WARN     records are read, but no faster than new ones arrive
    STALL    records wait, none arrives, and none is read
    STOP     records arrive, and none is read
    REWIND   the group's offset went back, and it reads records again

A group with a partition in STALL, STOP or REWIND is in ERROR, and the exit code is 5.

Examples:

    orak lag --for 30s
    orak lag --group orak-bridge --group reports --watch
    orak lag --all --for 1m --json | jq '.groups[] | select(.status == "ERROR") | .group'
    orak lag --keys`
}

// Validate is called by kong.
func (l *lagCmd) Validate() error {
	switch {
	case l.For < 0:
		return errors.New("--for: want 0 or more")
	case l.For > 0 && l.For < time.Second:
		return errors.New("--for: want at least 1s")
	case l.Records < 1:
		return errors.New("--records: want at least 1")
	default:
		return nil
	}
}

// errGroupInError has its own exit code. The table has shown it.
var errGroupInError = error(exitError{errors.New("a consumer group is in ERROR"), exitGroupError})

// lagLook is what one look shows.
type lagLook struct {
	At     time.Time         `json:"at"`
	Groups []lag.GroupReport `json:"groups"`
	Hot    []lag.Hot         `json:"hot,omitempty"`
}

const (
	// watchEvery and watchWindow bound interval and window with --watch.
	watchEvery  = 2 * time.Second
	watchWindow = time.Minute
	// askTimeout bounds one look, and the reading of one topic with --keys.
	askTimeout = 30 * time.Second
	topKeys    = 10
)

// pace returns the interval of looks and the window of the judgment.
func (l *lagCmd) pace() (every, window time.Duration) {
	every, window = l.Settings.Lag.Interval, l.Settings.Lag.Window
	switch {
	case l.For > 0:
		window = min(window, l.For)
	case l.Watch:
		window = min(window, watchWindow)
	}
	every = min(every, max(window/10, 100*time.Millisecond))
	if l.Watch {
		every = min(every, watchEvery)
	}
	return every, window
}

// Run observes the groups and prints the judgment.
func (l *lagCmd) Run(ctx context.Context, con *console) error {
	con.JSON = l.JSON
	var err error
	if l.Settings, err = l.Settings.On(l.Cluster); err != nil {
		return usageError(err)
	}
	sampler, err := l.Settings.Sampler(ctx, con.quietLog())
	if err != nil {
		return err
	}
	defer sampler.Close()
	every, window := l.pace()
	w := lagWatch{lagCmd: l, con: con, sampler: sampler,
		board: lag.NewBoard(l.rules(window))}
	return con.asOutage(ctx, w.run(ctx, every))
}

// rules are those of the settings, for a window.
func (l *lagCmd) rules(window time.Duration) lag.Rules {
	r := l.Settings.Lag.Rules()
	r.Window = window
	return r
}

// lagWatch is one run of the command.
type lagWatch struct {
	*lagCmd
	con     *console
	sampler *lag.Sampler
	board   *lag.Board
}

func (w lagWatch) run(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var until time.Time
	for {
		began := time.Now()
		if err := w.look(ctx); err != nil {
			return err
		}
		if until.IsZero() {
			// Counted from the end of the first look, so that the last one is
			// a whole window later.
			until = time.Now().Add(w.For)
		}
		last := !w.Watch && (w.For == 0 || !began.Before(until))
		if w.Watch || last {
			shown, err := w.show(ctx)
			if err != nil || last {
				return errors.Join(err, w.verdict(shown))
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// look adds one look at the groups to the board.
func (w lagWatch) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	groups := w.Group
	switch {
	case w.All:
		var err error
		if groups, err = w.sampler.Groups(ctx); err != nil {
			return err
		}
	case len(groups) == 0:
		groups = w.Settings.Lag.Groups
	}
	groups = slices.Sorted(slices.Values(groups))
	looks, err := w.sampler.Look(ctx, slices.Compact(groups)...)
	if err != nil {
		return err
	}
	w.board.Add(looks)
	return nil
}

func (w lagWatch) show(ctx context.Context) (lagLook, error) {
	shown := lagLook{At: w.con.Now().UTC(), Groups: w.board.Reports()}
	if w.Keys {
		var err error
		if shown.Hot, err = w.hottest(ctx, shown.Groups); err != nil {
			return shown, err
		}
	}
	if w.con.JSON {
		return shown, w.con.Value(shown)
	}
	if w.Watch {
		w.con.ClearScreen()
	}
	w.con.lag(shown, w.All)
	if !w.Watch {
		w.con.lagHints(shown, w.For)
	}
	return shown, nil
}

// hottest samples every topic that a group reads.
func (w lagWatch) hottest(ctx context.Context, groups []lag.GroupReport) ([]lag.Hot, error) {
	topics := make(map[string]bool)
	for _, g := range groups {
		for _, p := range g.Partitions {
			topics[p.Topic] = true
		}
	}
	var all []lag.Hot
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		bounded, cancel := context.WithTimeout(ctx, askTimeout)
		hot, err := w.sampler.Hottest(bounded, topic, w.Records, topKeys)
		cancel()
		if err != nil {
			return nil, err
		}
		all = append(all, hot)
	}
	return all, nil
}

// verdict returns the error that decides the exit code: groups that could not
// be read come before groups in ERROR.
func (w lagWatch) verdict(shown lagLook) error {
	var errs []error
	bad := false
	for _, g := range shown.Groups {
		bad = bad || g.Status == lag.StatusError
		if g.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", g.Group, g.Err))
		}
	}
	if len(errs) == 0 && bad {
		return printedError{errGroupInError}
	}
	return errors.Join(errs...)
}
