// Command bridge measures how fast the bridge starts workflows. Beside it, in
// the same run and against the same server, each time with fresh data: the
// same starts without Kafka, as many at once as serves them best, which is
// what no bridge can beat; and a loop that starts, commits and takes the next,
// which is what one writes first.
//
//	raw     ExecuteWorkflow alone, at several concurrencies
//	bridge  the real one, with a backlog; then with events that come at a pace
//	naive   one event at a time
//	memory  the bridge in front of a small and of a large backlog
//
// Nobody works on the workflows: they are started, and that is all that is
// measured. It prints the figures; it asserts nothing. See docs/benchmarks.md.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

type options struct {
	binary      string
	events      int
	rounds      int
	inflight    int
	concurrency []int
	skew        float64
	pace        float64
	backlog     int
	json        bool
}

func main() { os.Exit(run()) }

func run() int {
	opts := parse()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	rep, err := measure(ctx, opts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	if !opts.json {
		rep.print(os.Stdout)
		return 0
	}
	if err := json.NewEncoder(os.Stdout).Encode(rep); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func parse() options {
	o := options{concurrency: []int{16, 32, 64, 128}}
	flag.StringVar(&o.binary, "binary", "bin/orak-standalone", "the built stack; its servers are run on free ports and folders of their own")
	flag.IntVar(&o.events, "events", 4000, "how many events each measurement takes; the naive loop takes a quarter")
	flag.IntVar(&o.rounds, "rounds", 3, "how often all is measured; ratios are of one round, and their median is printed; 0 measures memory alone")
	flag.IntVar(&o.inflight, "inflight", 0, "the bridge's in-flight budget; 0 takes its default")
	flag.Float64Var(&o.skew, "skew", 1.1, "exponent of the Zipf distribution of keys, more than 1")
	flag.Float64Var(&o.pace, "pace", 0.5, "how fast events come where latency is measured, as a share of what raw starts reach")
	flag.IntVar(&o.backlog, "backlog", 200_000, "events of the large backlog in front of which memory is measured; 0 leaves that out")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.Parse()
	return o
}

// progress tells a person what takes long.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}
