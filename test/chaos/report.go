package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"orak/test/accounts"

	"orak"
)

// report is the result of one run.
type report struct {
	Seed    uint64 `json:"seed"`
	Command string `json:"command"` // that repeats the run
	OK      bool   `json:"ok"`
	// Uploads that were sent; Taken were answered 202, Refused had to be refused,
	// Unasked exist although their answer was lost, and were sent again under
	// another id.
	Uploads int `json:"uploads"`
	Taken   int `json:"taken"`
	Refused int `json:"refused"`
	Unasked int `json:"unasked"`
	// SentAgain counts the repeats of apps.
	SentAgain int `json:"sent_again"`
	// Repeats counts records that are on a topic more than once under one id,
	// which consumers drop.
	Repeats int `json:"repeats"`
	// Before has how many uploads were in which status when the earlier version
	// was ended, in a rehearsal of an upgrade.
	Before    map[orak.Status]int `json:"before,omitempty"`
	Processes map[string]tally    `json:"processes"`
	// LoadS and QuietS are how long the load took, and the time after it until
	// everything was done, in seconds.
	LoadS   float64           `json:"load_s"`
	QuietS  float64           `json:"quiet_s"`
	Results []accounts.Result `json:"results"`

	names []string // of the processes, in order
}

func newReport(o options, all []*sending, s *accounts.Seen, results []accounts.Result) report {
	r := report{Seed: o.seed, Command: o.command(), Uploads: len(all), Results: results, Processes: map[string]tally{}}
	taken := map[orak.UploadID]bool{}
	for _, one := range all {
		r.SentAgain += max(one.attempts-1, 0)
		switch {
		case one.ID != "":
			taken[one.ID] = true
		case one.Problem == "" && one.Want.Refused != 0:
			r.Refused++
		}
	}
	r.Taken = len(taken)
	for id := range s.Announced {
		if !taken[id] {
			r.Unasked++
		}
	}
	for _, types := range s.Events {
		for _, ids := range types {
			for _, n := range ids {
				r.Repeats += n - 1
			}
		}
	}
	r.OK = accounts.Broken(results) == 0
	return r
}

// account adds the tallies of the named processes: none may end unasked, and each
// must end well on SIGTERM.
func (r *report) account(names []string, tallies []tally) {
	steady := accounts.Result{Promise: "no process ended by itself, and every SIGTERM ended well"}
	for i, t := range tallies {
		name := names[i]
		r.Processes[name] = t
		r.names = append(r.names, name)
		for _, fault := range t.Faults {
			steady.Hold(false, "%s: %s", name, fault)
		}
		if len(t.Faults) == 0 {
			steady.Held++
		}
	}
	r.Results = append(r.Results, steady)
	r.OK = accounts.Broken(r.Results) == 0
}

func (r report) print(w io.Writer) {
	fmt.Fprintf(w, "\n%d uploads in %.0f s: %d accepted, %d refused, sent again %d times, %d more accepted whose answer was lost; done %.0f s later\n\n",
		r.Uploads, r.LoadS, r.Taken, r.Refused, r.SentAgain, r.Unasked, r.QuietS)
	fmt.Fprintf(w, "%-14s %8s %8s %16s %10s\n", "process", "kill -9", "SIGTERM", "ready again, s", "longest")
	for _, name := range r.names {
		t := r.Processes[name]
		slices.Sort(t.Recoveries)
		if len(t.Recoveries) == 0 {
			t.Recoveries = []time.Duration{0}
		}
		fmt.Fprintf(w, "%-14s %8d %8d %16.1f %10.1f\n", name, t.Killed, t.Stopped,
			t.Recoveries[len(t.Recoveries)/2].Seconds(), t.Recoveries[len(t.Recoveries)-1].Seconds())
	}
	if len(r.Before) > 0 {
		fmt.Fprintf(w, "\nwhen the earlier version was ended: %v\n", r.Before)
	}
	fmt.Fprintf(w, "\nrecords that are on a topic twice, under one id: %d\n\n", r.Repeats)
	accounts.Print(w, r.Results)
}

func (r report) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
