package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"orak"
	"orak/internal/app"
	"orak/operate/lag"
)

type lagCmd struct {
	Settings app.LagConfig `embed:""`

	Group   []string      `short:"g" env:"-" xor:"groups" help:"Consumer groups to look at, of any program; by default those of --lag-groups."`
	All     bool          `env:"-" xor:"groups" help:"Look at all groups, and list only partitions that are behind."`
	Cluster string        `env:"-" enum:",main,primary,standby" default:"" help:"The cluster, if there are several; by default all of them. See orak kafka status."`
	For     time.Duration `env:"-" placeholder:"30s" help:"How long to observe before judging; 0 looks once. If it is shorter than the window, it replaces it."`
	Watch   bool          `short:"w" env:"-" help:"Repeat until Ctrl-C. The window is a minute unless --for sets it."`
	Keys    bool          `env:"-" help:"Read the last records of the groups' topics, and print the keys and partitions with the most records."`
	Records int64         `env:"-" default:"10000" help:"Maximum number of records that --keys reads of each topic."`
	JSON    bool          `name:"json" env:"-" help:"Print JSON, one value per look and cluster."`
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

// lagLook is what one look at a cluster shows.
type lagLook struct {
	At time.Time `json:"at"`
	// Cluster is empty if only one is looked at.
	Cluster string `json:"cluster,omitempty"`
	// Error is why the cluster could not be asked.
	Error  string            `json:"error,omitempty"`
	Groups []lag.GroupReport `json:"groups"`
	Hot    []lag.Hot         `json:"hot,omitempty"`
}

const (
	// watchEvery and watchWindow bound interval and window with --watch.
	watchEvery  = 2 * time.Second
	watchWindow = time.Minute
	// askTimeout bounds one look, and the reading of one topic with --keys.
	askTimeout = 30 * time.Second
	// askOneTimeout bounds one look at one of several clusters.
	askOneTimeout = 10 * time.Second
	topKeys       = 10
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
	all, err := l.open(ctx, con)
	defer func() {
		for _, c := range all {
			c.sampler.Close()
		}
	}()
	if err != nil {
		return err
	}
	every, window := l.pace()
	for _, c := range all {
		c.board = lag.NewBoard(l.rules(window))
	}
	return con.asOutage(ctx, lagWatch{lagCmd: l, con: con, clusters: all}.run(ctx, every))
}

// open returns the clusters to look at: all that have groups, unless --cluster names one. The
// caller closes them, also after an error.
func (l *lagCmd) open(ctx context.Context, con *console) ([]*lagCluster, error) {
	names := []string{l.Cluster}
	several := l.Cluster == "" && l.Settings.Kafka.Divided()
	if several {
		names = l.Settings.Clusters()
	}
	var all []*lagCluster
	for _, name := range names {
		settings, err := l.Settings.On(name)
		if err != nil {
			return all, usageError(err)
		}
		groups := settings.Lag.Groups
		if len(l.Group) > 0 {
			groups = l.Group
		}
		if several && !l.All && len(groups) == 0 {
			continue
		}
		sampler, err := settings.Sampler(ctx, con.quietLog())
		if err != nil {
			return all, err
		}
		c := &lagCluster{groups: groups, sampler: sampler}
		if several {
			c.name = name
		}
		all = append(all, c)
	}
	return all, nil
}

// rules are those of the settings, for a window.
func (l *lagCmd) rules(window time.Duration) lag.Rules {
	r := l.Settings.Lag.Rules()
	r.Window = window
	return r
}

// lagCluster is a cluster that is looked at.
type lagCluster struct {
	// name is empty if it is the only one.
	name    string
	groups  []string
	sampler *lag.Sampler
	board   *lag.Board
	// err is why it could not be asked in the last look.
	err error
}

// lagWatch is one run of the command.
type lagWatch struct {
	*lagCmd
	con      *console
	clusters []*lagCluster
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

// look adds one look at the groups of each cluster to its board. One of several that cannot
// be asked does not keep the others from being shown.
func (w lagWatch) look(ctx context.Context) error {
	var looking sync.WaitGroup
	for _, c := range w.clusters {
		looking.Go(func() { c.err = w.lookAt(ctx, c) })
	}
	looking.Wait()
	if len(w.clusters) == 1 {
		return w.clusters[0].err
	}
	return ctx.Err()
}

func (w lagWatch) lookAt(ctx context.Context, c *lagCluster) error {
	within := askTimeout
	if c.name != "" {
		within = askOneTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	groups := c.groups
	if w.All {
		var err error
		if groups, err = c.sampler.Groups(ctx); err != nil {
			return err
		}
	}
	groups = slices.Sorted(slices.Values(groups))
	looks, err := c.sampler.Look(ctx, slices.Compact(groups)...)
	if err != nil {
		return err
	}
	c.board.Add(looks)
	return nil
}

// looks returns what the last look at each cluster shows. A group that is on one of several
// need not be on the others.
func (w lagWatch) looks() []lagLook {
	all := make([]lagLook, len(w.clusters))
	known := make(map[string]bool)
	for i, c := range w.clusters {
		all[i] = lagLook{At: w.con.Now().UTC(), Cluster: c.name, Groups: []lag.GroupReport{}}
		if c.err != nil {
			all[i].Error = c.err.Error()
			continue
		}
		all[i].Groups = c.board.Reports()
		for _, g := range all[i].Groups {
			known[g.Group] = known[g.Group] || !errors.Is(g.Err, lag.ErrNoGroup)
		}
	}
	if len(all) == 1 {
		return all
	}
	for i := range all {
		all[i].Groups = slices.DeleteFunc(all[i].Groups, func(g lag.GroupReport) bool {
			if !errors.Is(g.Err, lag.ErrNoGroup) {
				return false
			}
			elsewhere := known[g.Group]
			known[g.Group] = true // it is missed once
			return elsewhere
		})
	}
	return all
}

func (w lagWatch) show(ctx context.Context) ([]lagLook, error) {
	looks := w.looks()
	for i, c := range w.clusters {
		if !w.Keys || c.err != nil {
			continue
		}
		var err error
		if looks[i].Hot, err = w.hottest(ctx, c.sampler, looks[i].Groups); err != nil {
			return looks, err
		}
	}
	if !w.con.JSON {
		w.print(looks)
		return looks, nil
	}
	for _, shown := range looks {
		if err := w.con.Value(shown); err != nil {
			return looks, err
		}
	}
	return looks, nil
}

func (w lagWatch) print(looks []lagLook) {
	if w.Watch {
		w.con.ClearScreen()
	}
	var groups []lag.GroupReport
	for i, shown := range looks {
		if i > 0 {
			w.con.Print("")
		}
		w.con.lag(shown, w.All)
		groups = append(groups, shown.Groups...)
	}
	if !w.Watch {
		w.con.lagHints(groups, w.For)
	}
}

// hottest samples every topic that a group reads.
func (w lagWatch) hottest(ctx context.Context, sampler *lag.Sampler, groups []lag.GroupReport) ([]lag.Hot, error) {
	topics := make(map[string]bool)
	for _, g := range groups {
		for _, p := range g.Partitions {
			topics[p.Topic] = true
		}
	}
	var all []lag.Hot
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		bounded, cancel := context.WithTimeout(ctx, askTimeout)
		hot, err := sampler.Hottest(bounded, topic, w.Records, topKeys)
		cancel()
		if err != nil {
			return nil, err
		}
		all = append(all, hot)
	}
	return all, nil
}

// verdict returns the error that decides the exit code: clusters that could not be asked and
// groups that could not be read come before groups in ERROR.
func (w lagWatch) verdict(looks []lagLook) error {
	var errs []error
	bad := false
	for _, shown := range looks {
		for _, g := range shown.Groups {
			bad = bad || g.Status == lag.StatusError
			if g.Err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", g.Group, g.Err))
			}
		}
	}
	unasked := w.unasked()
	switch {
	case unasked != nil:
		return &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyKafka, Message: "Not every cluster could be asked.", Err: errors.Join(append(errs, unasked)...)}
	case len(errs) == 0 && bad:
		return printedError{errGroupInError}
	}
	return errors.Join(errs...)
}

// unasked returns why clusters could not be asked in the last look.
func (w lagWatch) unasked() error {
	var errs []error
	for _, c := range w.clusters {
		if c.err != nil {
			errs = append(errs, fmt.Errorf("cluster %s: %w", c.name, c.err))
		}
	}
	return errors.Join(errs...)
}
