// Command bridge measures how fast the bridge starts workflows. In the same run
// and against the same kind of server, each time with fresh data, it also
// measures the same starts without Kafka at their best concurrency, which no
// bridge can beat, and a simple loop that starts, commits and takes the next.
//
//	raw     only ExecuteWorkflow, at several concurrencies
//	bridge  the real one, with a backlog; then with paced events
//	process the same as a process of its own, with its logs, metrics and settings
//	naive   one event at a time
//	away    raw, bridge and naive again, at a distance from the servers
//	memory  the bridge in front of a small and of a large backlog
//
// No worker runs: workflows are only started. It prints figures and asserts
// nothing. See docs/benchmarks.md.
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
	orak        string
	events      int
	rounds      int
	inflight    int
	concurrency []int
	skew        float64
	pace        float64
	away        []time.Duration
	backlog     int
	json        bool
	// processRounds is the number of rounds with a bridge as a process, which logs from
	// logLevel on.
	processRounds int
	logLevel      string
	// rtt is the round trip that is being measured.
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
	away := flag.String("away", "0s,5ms,20ms,50ms", "round trips to Temporal, and from the consumer to Kafka, with which raw, bridge and naive are measured again; empty skips that")
	flag.StringVar(&o.binary, "binary", "bin/orak-standalone", "the built stack; its servers are run on free ports and folders of their own")
	flag.StringVar(&o.orak, "orak", "bin/orak", "the built service, whose bridge is run as a process")
	flag.IntVar(&o.processRounds, "process-rounds", 5, "number of rounds of raw starts, the bridge in this process, and the bridge as a process; 0 skips them")
	flag.StringVar(&o.logLevel, "log-level", "info", "the lowest level that the bridge as a process logs")
	flag.IntVar(&o.events, "events", 4000, "events of each measurement; the naive loop takes a quarter")
	flag.IntVar(&o.rounds, "rounds", 3, "number of rounds; ratios are of one round, and their median is printed; 0 skips rates and distances")
	flag.IntVar(&o.inflight, "inflight", 0, "the bridge's in-flight budget; 0 takes its default")
	flag.Float64Var(&o.skew, "skew", 1.1, "exponent of the Zipf distribution of keys, more than 1")
	flag.Float64Var(&o.pace, "pace", 0.5, "rate of events for the latency, as a share of the rate of raw starts")
	flag.IntVar(&o.backlog, "backlog", 200_000, "events of the large backlog for the memory measurement; 0 skips it")
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

// progress prints what is being measured.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}
