// Command cluster measures orak on the servers of a production deployment, as the
// rehearsal runs them (PostgreSQL, Apache Kafka, Temporal, a store, each as processes of their own):
//
//	starts      ExecuteWorkflow without Kafka, and the real process of the bridge
//	pipelines   uploads of recordings of 1 s to the API, until their workflows are closed
//	no-op       Temporal's own workflows with as many activities that do nothing
//	baseline    the same pipelines with the orak of an earlier commit
//	restate     Restate's Kafka ingress, and Temporal's workflows with as few steps
//
// They take turns in each round, and medians are printed. It prints figures and
// asserts nothing. See docs/benchmarks.md.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type options struct {
	orak       string
	rounds     int
	starts     int
	uploads    int
	warmup     int
	baseline   string
	ffmpeg     string
	restate    bool
	activities int
	quick      bool
	json       bool
}

func main() { os.Exit(run()) }

func run() int {
	if len(os.Args) > 3 && os.Args[1] == noopWorker {
		return exit(serveNoop(os.Args[2], os.Args[3], os.Args[4:]))
	}
	o := parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	rep, err := measure(ctx, o)
	if err != nil {
		return exit(err)
	}
	if o.json {
		return exit(json.NewEncoder(os.Stdout).Encode(rep))
	}
	rep.print(os.Stdout)
	return 0
}

func exit(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func parse() options {
	var o options
	flag.StringVar(&o.orak, "orak", "bin/orak", "the built orak")
	flag.IntVar(&o.rounds, "rounds", 3, "number of rounds, at least 1; medians are printed")
	flag.IntVar(&o.starts, "starts", 1500, "workflows that each measurement of starts starts, at least 100")
	flag.IntVar(&o.uploads, "uploads", 120, "uploads, or no-op workflows, of each measurement, at least 1")
	flag.IntVar(&o.warmup, "warmup", 1000, "uploads before the first measurement, at least 0: the brokers' JVMs compile their code meanwhile")
	flag.StringVar(&o.baseline, "baseline", "", "commit whose orak is measured beside; empty: none")
	flag.StringVar(&o.ffmpeg, "ffmpeg", "", "folder of the image's ffmpeg (go tool task ffmpeg:audio), which the built orak uses; empty: that of PATH, which the baseline always uses")
	flag.BoolVar(&o.restate, "restate", false, "also measure Restate, which npm installs; needs Node.js")
	flag.IntVar(&o.activities, "activities", 0, "activities of a no-op workflow; 0: as many as an upload's history has")
	flag.BoolVar(&o.quick, "quick", false, "one round with few workflows: whether everything runs, not how fast")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.Parse()
	if o.quick {
		o.rounds, o.starts, o.uploads, o.warmup = 1, 300, 30, 0
	}
	return o
}

// progress prints what is being measured.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}

// quiet is a log that is discarded.
func quiet() *slog.Logger { return slog.New(slog.NewJSONHandler(io.Discard, nil)) }
