// Command bridge measures how fast the bridge starts workflows. Beside it, in
// the same run and against the same server, each time with fresh data: the
// same starts without Kafka, as many at once as serves them best, which is
// what no bridge can beat; and a loop that starts, commits and takes the next,
// which is what one writes first.
//
//	raw     ExecuteWorkflow alone, at several concurrencies
//	bridge  the real one, with a backlog; then with events that come at a pace
//	naive   one event at a time
//	away    raw, bridge and naive again, with the servers so many milliseconds away
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
	"strings"
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
	away        []time.Duration
	backlog     int
	json        bool
	// rtt is the one of away that is being measured.
	rtt time.Duration
}

func main() { os.Exit(run()) }

func run() int {
	opts, err := parse()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
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

func parse() (options, error) {
	o := options{concurrency: []int{16, 32, 64, 128}}
	away := flag.String("away", "0s,5ms,20ms,50ms", "round trips to Temporal, and from the consumer to Kafka, with which raw, bridge and naive are measured once more; empty leaves that out")
	flag.StringVar(&o.binary, "binary", "bin/orak-standalone", "the built stack; its servers are run on free ports and folders of their own")
	flag.IntVar(&o.events, "events", 4000, "how many events each measurement takes; the naive loop takes a quarter")
	flag.IntVar(&o.rounds, "rounds", 3, "how often all is measured; ratios are of one round, and their median is printed; 0 measures neither rates nor distances")
	flag.IntVar(&o.inflight, "inflight", 0, "the bridge's in-flight budget; 0 takes its default")
	flag.Float64Var(&o.skew, "skew", 1.1, "exponent of the Zipf distribution of keys, more than 1")
	flag.Float64Var(&o.pace, "pace", 0.5, "how fast events come where latency is measured, as a share of what raw starts reach")
	flag.IntVar(&o.backlog, "backlog", 200_000, "events of the large backlog in front of which memory is measured; 0 leaves that out")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.Parse()
	for _, text := range strings.FieldsFunc(*away, func(r rune) bool { return r == ',' }) {
		rtt, err := time.ParseDuration(text)
		if err != nil || rtt < 0 {
			return options{}, fmt.Errorf("-away %s: want round trips such as 0s,5ms", text)
		}
		o.away = append(o.away, rtt)
	}
	return o, nil
}

// progress tells a person what takes long.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}
