// Command drills does to the rehearsal of production what happens to clusters: brokers
// die, are restarted, cut off and slow; Temporal's database, Kafka and the store are
// lost and brought back. Uploads arrive all the time, and each drill accounts for every
// one of them.
//
//	load       apps that send at a steady rate, each until it has its answer
//	blow       what the drill does, and what an operator does about it
//	account    Kafka, Temporal, the store, the index and the lake, read from outside
//	report     lost, twice, longest silence of the API, time to recover
//
// It runs within `task rehearse`, and exits with 0 if every promise held, 1 if one did
// not, and 2 if it could not run. See docs/rehearsal.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"orak/test/stack"
)

// options are the command line.
type options struct {
	only []string
	// rate is how many uploads are sent in a second.
	rate float64
	// steady is how long uploads are sent before a blow and after it.
	steady time.Duration
	// down is how long what is hit stays away, where the drill decides that.
	down time.Duration
	// drain bounds the time until everything is done after the last upload.
	drain time.Duration
	json  string
	list  bool
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	if o.list {
		list(os.Stdout, drills())
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	rep, err := all(ctx, o)
	rep.print(os.Stdout) // of an interrupted run, what was done
	if err != nil {
		fmt.Fprintln(os.Stderr, "drills:", err)
		return 2
	}
	if o.json != "" {
		if err := rep.write(o.json); err != nil {
			fmt.Fprintln(os.Stderr, "drills:", err)
			return 2
		}
	}
	if !rep.OK {
		return 1
	}
	return 0
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("drills", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprint(f.Output(), "Does to a rehearsal what happens to clusters, under load, and accounts for every upload.\n\n"+
			"  go tool task rehearse -- drills                       all of them\n"+
			"  go tool task rehearse -- drills -only leader,rolling  some\n"+
			"  go tool task rehearse -- drills -json drills.json\n\n")
		f.PrintDefaults()
	}
	only := f.String("only", "", "the `names` of the drills to do, separated by commas; empty: all")
	f.Float64Var(&o.rate, "rate", 5, "how many `uploads` are sent in a second")
	f.DurationVar(&o.steady, "steady", 15*time.Second, "`time` for which uploads are sent before a blow, and after it")
	f.DurationVar(&o.down, "down", 20*time.Second, "`time` for which what is hit stays away, where the drill decides that")
	f.DurationVar(&o.drain, "drain", 10*time.Minute, "`time` in which everything must be done after the last upload")
	f.StringVar(&o.json, "json", "", "`file` to write the report to, as JSON")
	f.BoolVar(&o.list, "list", false, "list the drills, and do nothing")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.only = strings.FieldsFunc(*only, func(r rune) bool { return r == ',' })
	if err := o.check(); err != nil {
		fmt.Fprintln(f.Output(), "drills:", err)
		return o, err
	}
	return o, nil
}

func (o options) check() error {
	if o.rate <= 0 || o.rate > 100 || o.steady < time.Second || o.down < time.Second || o.drain < time.Second {
		return errors.New("rate: more than 0, at most 100; steady, down and drain: a second or more")
	}
	for _, name := range o.only {
		if !slices.ContainsFunc(drills(), func(d drill) bool { return d.name == name }) {
			return fmt.Errorf("there is no drill %q (-list shows them)", name)
		}
	}
	return nil
}

// all does the chosen drills, one after the other.
func all(ctx context.Context, o options) (report, error) {
	rehearsal, err := stack.OpenRehearsal()
	if err != nil {
		return report{}, err
	}
	s, err := newScene(ctx, o, rehearsal)
	if err != nil {
		return report{}, err
	}
	var rep report
	for _, d := range drills() {
		if len(o.only) > 0 && !slices.Contains(o.only, d.name) {
			continue
		}
		done, err := s.perform(ctx, d)
		if err != nil {
			return rep, fmt.Errorf("drill %s: %w", d.name, err)
		}
		rep.add(done)
	}
	return rep, nil
}
