package main

import (
	"fmt"
	"io"
	"time"

	"orak/bench/rounds"
)

// report is the result of one run.
type report struct {
	Events   int     `json:"events"`
	Rounds   []round `json:"rounds"`
	Inflight int     `json:"inflight"`
	// Sweep is the rate of raw starts by concurrency; Best is the best concurrency.
	Sweep []sweep `json:"sweep"`
	Best  int     `json:"best_concurrency"`
	// The ratios are medians over the rounds.
	UniformToRaw  float64    `json:"bridge_to_raw_uniform"`
	ZipfToRaw     float64    `json:"bridge_to_raw_zipf"`
	BridgeToNaive float64    `json:"bridge_to_naive"`
	RawToNaive    float64    `json:"raw_to_naive"`
	ZipfP99       float64    `json:"zipf_to_unordered_p99"`
	Processes     *processes `json:"processes,omitempty"`
	Distances     []away     `json:"distances,omitempty"`
	Memory        []memory   `json:"memory,omitempty"`
}

type sweep struct {
	Concurrency int     `json:"concurrency"`
	PerSecond   float64 `json:"per_second"`
}

// round has one measurement of each. Rates are events handled per second.
type round struct {
	RawUniform    float64 `json:"raw_uniform_per_second"`
	RawZipf       float64 `json:"raw_zipf_per_second"`
	BridgeUniform float64 `json:"bridge_uniform_per_second"`
	BridgeZipf    float64 `json:"bridge_zipf_per_second"`
	Naive         float64 `json:"naive_per_second"`
	Unordered     latency `json:"unordered_latency"`
	Zipf          latency `json:"zipf_latency"`
}

// latency is the time from the announcement of an upload to the durable start
// of its workflow.
type latency struct {
	P50MS float64 `json:"p50_ms"`
	P99MS float64 `json:"p99_ms"`
}

// memory is the growth of the bridge's process with a backlog.
type memory struct {
	Backlog int `json:"backlog"`
	// HeapBytes is the largest growth of the heap, and TotalBytes that of all
	// memory from the operating system.
	HeapBytes  uint64 `json:"heap_bytes"`
	TotalBytes uint64 `json:"total_bytes"`
}

func (r *report) summarize() {
	over := func(f func(round) float64) float64 { return rounds.Median(r.Rounds, f) }
	r.UniformToRaw = over(func(m round) float64 { return m.BridgeUniform / m.RawUniform })
	r.ZipfToRaw = over(func(m round) float64 { return m.BridgeZipf / m.RawZipf })
	r.BridgeToNaive = over(func(m round) float64 { return m.BridgeUniform / m.Naive })
	r.RawToNaive = over(func(m round) float64 { return m.RawUniform / m.Naive })
	r.ZipfP99 = over(func(m round) float64 { return m.Zipf.P99MS / m.Unordered.P99MS })
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "%d events for each measurement; the bridge handles %d at once\n", r.Events, r.Inflight)
	if len(r.Rounds) > 0 {
		r.printRates(w)
		r.printLatency(w)
		r.printRatios(w)
	}
	r.printProcesses(w)
	r.printDistances(w)
	for _, m := range r.Memory {
		fmt.Fprintf(w, "memory with a backlog of %9d: heap +%.0f MiB, in all +%.0f MiB\n", m.Backlog, mib(m.HeapBytes), mib(m.TotalBytes))
	}
}

// row prints a figure of each round.
func (r *report) row(w io.Writer, name, format string, f func(round) float64) {
	fmt.Fprintf(w, "%-36s", name)
	for _, m := range r.Rounds {
		fmt.Fprintf(w, format, f(m))
	}
	fmt.Fprintln(w)
}

func (r *report) printRates(w io.Writer) {
	fmt.Fprint(w, "\nraw starts/s at a concurrency of")
	for _, s := range r.Sweep {
		fmt.Fprintf(w, "   %d: %.0f", s.Concurrency, s.PerSecond)
	}
	fmt.Fprint(w, "\n\nevents/s, by round\n")
	r.row(w, fmt.Sprintf("raw, %d at once, uniform keys", r.Best), "%10.0f", func(m round) float64 { return m.RawUniform })
	r.row(w, "bridge, uniform keys", "%10.0f", func(m round) float64 { return m.BridgeUniform })
	r.row(w, "raw, Zipf keys", "%10.0f", func(m round) float64 { return m.RawZipf })
	r.row(w, "bridge, Zipf keys", "%10.0f", func(m round) float64 { return m.BridgeZipf })
	r.row(w, "one at a time", "%10.0f", func(m round) float64 { return m.Naive })
}

func (r *report) printLatency(w io.Writer) {
	fmt.Fprint(w, "\nannounced → started, ms, by round\n")
	r.row(w, "p50 of the same events unordered", "%10.1f", func(m round) float64 { return m.Unordered.P50MS })
	r.row(w, "p50 with Zipf keys in order", "%10.1f", func(m round) float64 { return m.Zipf.P50MS })
	r.row(w, "p99 of the same events unordered", "%10.1f", func(m round) float64 { return m.Unordered.P99MS })
	r.row(w, "p99 with Zipf keys in order", "%10.1f", func(m round) float64 { return m.Zipf.P99MS })
}

func (r *report) printRatios(w io.Writer) {
	fmt.Fprintf(w, "\nratios, median of %d rounds\n", len(r.Rounds))
	ratio := func(name string, v float64, target string) {
		fmt.Fprintf(w, "%-36s%10.2f   target %s\n", name, v, target)
	}
	ratio("bridge / raw, uniform keys", r.UniformToRaw, "≥ 0.95")
	ratio("bridge / raw, Zipf keys", r.ZipfToRaw, "≥ 0.95")
	ratio("bridge / one at a time", r.BridgeToNaive, "≥ 10")
	ratio("raw / one at a time", r.RawToNaive, "none: what the server gains from concurrency")
	ratio("p99 Zipf / unordered", r.ZipfP99, "≤ 1.2")
}

func (r *report) printProcesses(w io.Writer) {
	if r.Processes == nil {
		return
	}
	fmt.Fprintf(w, "\nthe bridge as a process, which logs from %s on; medians of %d rounds\n%-28s%10s%10s%24s%24s\n", r.Processes.LogLevel, len(r.Processes.Rounds),
		"", "starts/s", "to raw", "its processor time", "that of the servers")
	for _, one := range []struct {
		name string
		of   func(apart) cost
	}{
		{"raw", func(m apart) cost { return m.Raw }},
		{"bridge, in this process", func(m apart) cost { return m.Here }},
		{"bridge, as a process", func(m apart) cost { return m.Process }},
	} {
		over := func(f func(apart) float64) float64 { return rounds.Median(r.Processes.Rounds, f) }
		fmt.Fprintf(w, "%-28s%10.0f%10.2f%21.2f ms%21.2f ms\n", one.name,
			over(func(m apart) float64 { return one.of(m).Rate }), over(func(m apart) float64 { return one.of(m).Rate / m.Raw.Rate }),
			over(func(m apart) float64 { return one.of(m).StarterMS }), over(func(m apart) float64 { return one.of(m).ServersMS }))
	}
}

func (r *report) printDistances(w io.Writer) {
	if len(r.Rounds) == 0 || len(r.Distances) == 0 {
		return
	}
	fmt.Fprintf(w, "\ndistant servers, medians of %d rounds\n%-12s%10s%10s%14s%14s%16s\n", len(r.Rounds),
		"round trip", "raw/s", "bridge/s", "one by one/s", "bridge/raw", "bridge/one by one")
	for _, d := range r.Distances {
		fmt.Fprintf(w, "%-12s%10.0f%10.0f%14.1f%14.2f%20.2f\n", d.RTT,
			rounds.Median(d.Rounds, func(d distance) float64 { return d.Raw }),
			rounds.Median(d.Rounds, func(d distance) float64 { return d.Bridge }),
			rounds.Median(d.Rounds, func(d distance) float64 { return d.Naive }), d.ToRaw, d.ToNaive)
	}
}

func mib(b uint64) float64 { return float64(b) / (1 << 20) }

func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
	return float64(at) / float64(time.Millisecond)
}
