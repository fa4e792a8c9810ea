// Command chaos runs orak as a deployment does, with a process for every role and
// every server, uploads to it, and meanwhile kills and stops the processes by a
// schedule that follows from a seed. When all processes are up again and the work
// is done, it checks what orak promises: no upload is lost, stuck, or failed in
// silence.
//
//	load       apps that send until they have their answer; some files poisoned, some large
//	schedule   kill -9 and SIGTERM, each process again and again
//	operator   reprocesses and discards dead letters in between
//	check      Kafka, Temporal and the store, read from outside
//
// Within `task rehearse` it hits the services of docker-compose.yml in place of
// child processes.
//
// With -upgrade-from it rehearses a deployment: uploads in every state, begun
// by an earlier version, are finished by today's.
//
// It exits with 0 if every promise held, 1 if one did not, and 2 if it could not
// run. See docs/chaos.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"orak/test/accounts"
	"orak/test/stack"
)

type options struct {
	seed       uint64
	uploads    int
	duration   time.Duration
	blows      int
	together   int
	quiet      time.Duration
	json       string
	dir        string
	orak       string
	standalone string
	short      bool
	keep       bool
	// upgradeFrom is the version that is replaced; empty for a storm.
	upgradeFrom string
	// rehearsal is what the storm rages over; nil for child processes.
	rehearsal *stack.Rehearsal
	targets   []string
}

// command repeats the run.
func (o options) command() string {
	if o.upgradeFrom != "" {
		return "go tool task chaos:upgrade -- -upgrade-from " + o.upgradeFrom
	}
	task := "chaos --"
	if o.rehearsal != nil {
		task = "rehearse -- chaos"
	}
	return fmt.Sprintf("go tool task %s -seed %d -uploads %d -duration %s -blows %d -together %d", task, o.seed, o.uploads, o.duration, o.blows, o.together)
}

func main() { os.Exit(run()) }

func run() int {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Printf("chaos: seed %d; again with: %s\n", o.seed, o.command())
	run := storm
	switch {
	case o.upgradeFrom != "":
		run = upgrade
	case o.rehearsal != nil:
		run = stormRehearsal
	}
	rep, err := run(ctx, o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "chaos: %v\nchaos: logs in %s\n", err, o.dir)
		return 2
	}
	rep.print(os.Stdout)
	return conclude(o, rep)
}

// conclude prints the verdict, writes the report and removes the folder of a run
// without broken promises.
func conclude(o options, rep report) int {
	code, verdict := 0, "every promise held"
	if !rep.OK {
		code, verdict = 1, fmt.Sprintf("%d things are not as promised; logs in %s", accounts.Broken(rep.Results), o.dir)
	}
	if o.json != "" {
		if err := rep.write(o.json); err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
			code = 2
		}
	}
	if rep.OK && !o.keep {
		if err := os.RemoveAll(o.dir); err != nil {
			fmt.Fprintln(os.Stderr, "chaos: removing the folder of the run:", err)
		}
	}
	fmt.Printf("\nchaos: %s; seed %d; again with: %s\n", verdict, o.seed, o.command())
	return code
}

// The full run, and the short one that continuous integration has.
const (
	// The operator decides until quiet is over, and recordings that crash the
	// converter are parked only after all of their attempts.
	quiet, rehearsedQuiet       = 5 * time.Minute, 15 * time.Minute
	fullUploads, fullDuration   = 300, 3 * time.Minute
	shortUploads, shortDuration = 60, 25 * time.Second
	// hitsOfEach is how often the full run hits each process.
	hitsOfEach = 4
)

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "Kills and restarts every process of orak under load, and checks that nothing was lost.\n\n"+
			"  go tool task chaos                     %d uploads in %s\n"+
			"  go tool task chaos -- -short           %d uploads in %s\n"+
			"  go tool task chaos -- -seed 7 -json report.json\n"+
			"  go tool task rehearse -- chaos         the same on docker-compose.yml's services\n"+
			"  go tool task chaos:upgrade -- -upgrade-from HEAD~20\n\n", fullUploads, fullDuration, shortUploads, shortDuration)
		f.PrintDefaults()
	}
	f.Uint64Var(&o.seed, "seed", 0, "seed of the uploads and the schedule; 0 takes a random one")
	f.BoolVar(&o.short, "short", false, "a short run, each process hit once; other flags win")
	f.IntVar(&o.uploads, "uploads", 0, fmt.Sprintf("how many `uploads` are sent (default %d; %d with -short)", fullUploads, shortUploads))
	f.DurationVar(&o.duration, "duration", 0, fmt.Sprintf("the `time` over which uploads are sent and processes hit, such as 90s (default %s; %s with -short)", fullDuration, shortDuration))
	f.IntVar(&o.blows, "blows", 0, fmt.Sprintf("how many hits there are in all (`number`; default %d of each; 1 of each with -short)", hitsOfEach))
	f.IntVar(&o.together, "together", 3, "how many processes may be down at once (`number`)")
	f.DurationVar(&o.quiet, "quiet", 0, fmt.Sprintf("how long the work may take after that (`time`; default %s; %s on a rehearsal)", quiet, rehearsedQuiet))
	f.StringVar(&o.json, "json", "", "`file` to write the report to, as JSON")
	f.StringVar(&o.dir, "dir", "", "`folder` for data and logs; empty takes a fresh one, which is kept if a promise was broken")
	f.BoolVar(&o.keep, "keep", false, "keep the folder even if every promise held")
	f.StringVar(&o.upgradeFrom, "upgrade-from", "", "in place of the storm, begin uploads with the orak of this `commit` and finish them with the built one")
	f.StringVar(&o.orak, "orak", "bin/orak", "the built orak (`path`)")
	f.StringVar(&o.standalone, "standalone", "bin/orak-standalone", "the built orak-standalone, for the servers (`path`)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if err := o.complete(); err != nil {
		fmt.Fprintln(f.Output(), "chaos:", err)
		return o, err
	}
	return o, nil
}

// complete fills in what was not given.
func (o *options) complete() error {
	if o.seed == 0 {
		o.seed = uint64(rand.Uint32N(1_000_000)) + 1
	}
	uploads, duration, hits := fullUploads, fullDuration, hitsOfEach
	if o.short {
		uploads, duration, hits = shortUploads, shortDuration, 1
	}
	if o.uploads == 0 {
		o.uploads = uploads
	}
	if o.duration == 0 {
		o.duration = duration
	}
	if err := o.aim(); err != nil {
		return err
	}
	if o.quiet == 0 {
		o.quiet = quiet
		if o.rehearsal != nil {
			o.quiet = rehearsedQuiet
		}
	}
	if o.blows == 0 {
		o.blows = hits * len(o.targets)
	}
	if o.uploads < 1 || o.duration < time.Second || o.blows < 0 || o.together < 1 || o.quiet <= 0 {
		return errors.New("uploads, together and quiet: more than 0; blows: 0 or more; duration: a second or more")
	}
	return o.paths()
}

// aim finds out what can be hit: a rehearsal, where one runs.
func (o *options) aim() error {
	o.targets = targets()
	r, err := stack.OpenRehearsal()
	if errors.Is(err, stack.ErrNoRehearsal) || o.upgradeFrom != "" {
		return nil
	}
	if err != nil {
		return err
	}
	o.rehearsal = r
	o.targets, err = services(r)
	return err
}

// paths makes the paths absolute: children have other working directories.
func (o *options) paths() error {
	var err error
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "orak-chaos-"); err != nil {
			return fmt.Errorf("making the folder of the run: %w", err)
		}
	}
	for _, path := range []*string{&o.dir, &o.orak, &o.standalone} {
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("finding a path: %w", err)
		}
	}
	if o.rehearsal != nil {
		return nil
	}
	for _, program := range []string{o.orak, o.standalone} {
		if _, err := os.Stat(program); err != nil {
			return fmt.Errorf("%w (go tool task build makes it)", err)
		}
	}
	return nil
}

// say prints progress on standard error.
func say(format string, args ...any) {
	fmt.Fprintln(os.Stderr, strings.TrimRight(fmt.Sprintf("chaos: "+format, args...), "\n"))
}
