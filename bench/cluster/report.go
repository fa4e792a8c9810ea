package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"orak/bench/rounds"
)

// report is the result of one run.
type report struct {
	StartsEach  int     `json:"starts_each"`
	UploadsEach int     `json:"uploads_each"`
	Rounds      []round `json:"rounds"`
	// Histories and Rest are by the title of a program; Rest is the processor time in
	// a second without work, in milliseconds, by process.
	Histories map[string]history            `json:"histories"`
	Rest      map[string]map[string]float64 `json:"rest_ms_per_second"`
	// Restate has the rounds of each handler.
	Restate map[string][]step `json:"restate,omitempty"`
	// Programs are the titles in the order in which they were measured.
	Programs []string `json:"programs"`
}

// round has one measurement of each.
type round struct {
	Starts starts `json:"starts"`
	// Flows are by name.
	Flows map[string]figures `json:"flows"`
}

// step compares Restate and Temporal in one round.
type step struct {
	Restate  invocations `json:"restate"`
	Temporal figures     `json:"temporal"`
}

func (r *report) add(program string, h history) {
	if r.Histories == nil {
		r.Histories, r.Rest = map[string]history{}, map[string]map[string]float64{}
	}
	r.Programs = append(r.Programs, program)
	r.Histories[program] = h
}

// flows are the names of all flows, the programs first.
func (r *report) flows() []string {
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(r.Rounds[0].Flows)), func(name string) bool { return slices.Contains(r.Programs, name) })
	return append(slices.Clone(r.Programs), others...)
}

func (r *report) median(f func(round) float64) float64 { return rounds.Median(r.Rounds, f) }

// milliseconds is the median of the processor time of a process in a flow.
func (r *report) milliseconds(flow, process string) float64 {
	return r.median(func(m round) float64 { return m.Flows[flow].Processor[process] })
}

func (r *report) total(flow string) float64 {
	return r.median(func(m round) float64 { return m.Flows[flow].total() })
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "medians of %d rounds; each measures %d starts, %d uploads and as many no-op workflows\n", len(r.Rounds), r.StartsEach, r.UploadsEach)
	r.printStarts(w)
	r.printFlows(w)
	r.printProcessor(w)
	r.printHistories(w)
	r.printRestate(w)
}

func (r *report) printStarts(w io.Writer) {
	fmt.Fprint(w, "\nstarts/s\n")
	row(w, "raw", "%10.0f", r.median(func(m round) float64 { return m.Starts.Raw }))
	row(w, "the bridge's process", "%10.0f", r.median(func(m round) float64 { return m.Starts.Bridge }))
	row(w, "bridge / raw", "%10.2f   bar ≥ 0.95", r.median(func(m round) float64 { return m.Starts.Bridge / m.Starts.Raw }))
	row(w, "the bridge's processor time, ms", "%10.2f", r.median(func(m round) float64 { return m.Starts.BridgeMS }))
}

func (r *report) printFlows(w io.Writer) {
	fmt.Fprint(w, "\nwhole workflows/s\n")
	for _, flow := range r.flows() {
		row(w, flow, "%10.2f", r.median(func(m round) float64 { return m.Flows[flow].PerSecond }))
	}
	current := r.Programs[0]
	for _, flow := range r.flows()[1:] {
		bar := "0.7"
		if slices.Contains(r.Programs, flow) {
			bar = "2.5"
		}
		row(w, current+" / "+flow, "%10.2f   bar ≥ "+bar, r.median(func(m round) float64 {
			return m.Flows[current].PerSecond / m.Flows[flow].PerSecond
		}))
	}
}

// printProcessor prints a column for each flow, and one for each program at rest.
func (r *report) printProcessor(w io.Writer) {
	fmt.Fprint(w, "\nprocessor time, ms for each workflow; at rest, ms in a second\n")
	processes := map[string]bool{}
	for _, f := range r.Rounds[0].Flows {
		for name := range f.Processor {
			processes[name] = true
		}
	}
	names := slices.SortedFunc(maps.Keys(processes), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.milliseconds(r.Programs[0], b), r.milliseconds(r.Programs[0], a)), cmp.Compare(a, b))
	})
	fmt.Fprintf(w, "%-34s", "")
	for i := range r.flows() {
		fmt.Fprintf(w, "%10s", fmt.Sprintf("[%d]", i+1))
	}
	fmt.Fprintf(w, "%12s\n", "[1] at rest")
	for _, name := range names {
		r.printRow(w, name, func(flow string) float64 { return r.milliseconds(flow, name) }, r.Rest[r.Programs[0]][name])
	}
	rest := 0.0
	for _, ms := range r.Rest[r.Programs[0]] {
		rest += ms
	}
	r.printRow(w, "all", r.total, rest)
	const million = 1e6
	r.printRow(w, "a million, hours of a core", func(flow string) float64 {
		return r.total(flow) * million * float64(time.Millisecond) / float64(time.Hour)
	}, 0)
	for i, flow := range r.flows() {
		fmt.Fprintf(w, "[%d] %s\n", i+1, flow)
	}
}

func (r *report) printRow(w io.Writer, name string, of func(flow string) float64, rest float64) {
	fmt.Fprintf(w, "%-34s", name)
	for _, flow := range r.flows() {
		fmt.Fprintf(w, "%10.1f", of(flow))
	}
	if rest > 0 {
		fmt.Fprintf(w, "%12.1f", rest)
	}
	fmt.Fprintln(w)
}

func (r *report) printHistories(w io.Writer) {
	fmt.Fprintf(w, "\n%-34s%10s%10s%12s%10s%16s\n", "a completed upload in Temporal", "events", "bytes", "activities", "calls", "a million, GB")
	for _, program := range r.Programs {
		h := r.Histories[program]
		fmt.Fprintf(w, "%-34s%10d%10d%12d%10.1f%16.1f\n", program, h.Events, h.Bytes, h.Activities, h.calls(), float64(h.Bytes)/1000)
	}
	for _, program := range r.Programs {
		fmt.Fprintf(w, "calls of %s:", program)
		calls := r.Histories[program].Calls
		for _, operation := range slices.SortedFunc(maps.Keys(calls), func(a, b string) int { return cmp.Or(cmp.Compare(calls[b], calls[a]), cmp.Compare(a, b)) }) {
			fmt.Fprintf(w, " %s %.1f", operation, calls[operation])
		}
		fmt.Fprintln(w)
	}
}

func (r *report) printRestate(w io.Writer) {
	if len(r.Restate) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%-34s%10s%10s%14s%12s\n", "", "Restate/s", "ms each", "Temporal/s", "ms each")
	for _, handler := range slices.Sorted(maps.Keys(r.Restate)) {
		of := func(f func(step) float64) float64 { return rounds.Median(r.Restate[handler], f) }
		fmt.Fprintf(w, "%-34s%10.0f%10.1f%14.1f%12.1f\n", handler, of(func(s step) float64 { return s.Restate.PerSecond }),
			of(func(s step) float64 { return s.Restate.ServerMS + s.Restate.ServiceMS }),
			of(func(s step) float64 { return s.Temporal.PerSecond }), of(func(s step) float64 { return s.Temporal.total() }))
	}
}

// row prints a figure.
func row(w io.Writer, name, format string, v float64) {
	fmt.Fprintf(w, "%-34s"+format+"\n", name, v)
}
