package main

import (
	"fmt"
	"math"
	"strings"
)

// need is what a number of uploads a day needs.
type need struct {
	day float64
	u   Units
	a   Assumptions
}

// mean and peak are uploads in a second.
func (n need) mean() float64 { return n.day / 86_400 }
func (n need) peak() float64 { return n.mean() * n.a.Peak }

// cores are those that ms of processor time for each upload take at the peak.
func (n need) cores(ms float64) float64 { return n.peak() * ms / 1000 / n.a.Use }

// further is the length of a recording beyond the second that was measured.
func (n need) further() float64 { return max(n.a.Seconds-1, 0) }

func (n need) convertCores() float64 {
	return n.cores(n.u.Worker.Value + n.u.FFmpeg.Value + n.further()*n.u.ConvertSecond.Value)
}

func (n need) engineCores() float64 {
	return n.cores(n.u.GPUWorker.Value + n.further()*n.u.AnalyzeSecond.Value)
}

// bridges are at least two, so that one may fail.
func (n need) bridges() float64 { return max(2, math.Ceil(n.peak()/(n.u.Starts.Value*n.a.Use))) }

// partitions leave room for four times the bridges, in steps of the default.
func (n need) partitions() float64 { return max(12, math.Ceil(n.bridges()*4/12)*12) }

func (n need) calls() float64 { return n.peak() * n.u.Calls.Value }

// shards is the next power of two, at least 512: it can never be changed.
func (n need) shards() float64 {
	return max(512, math.Exp2(math.Ceil(math.Log2(n.calls()/n.a.ShardCalls))))
}

func (n need) database() string {
	if n.cores(n.u.PostgreSQL.Value) > n.a.PostgreSQLCores {
		return "Cassandra"
	}
	return "PostgreSQL"
}

func (n need) topicBytes(each float64) float64 { return n.day * n.a.KafkaDays * each * n.a.Replicas }

// brokers are three, or as many as have four cores each at the peak.
func (n need) brokers() float64 {
	return max(3, math.Ceil(n.cores(n.u.Kafka.Value)/4))
}

func (n need) storedDay() float64 {
	return n.day * (n.a.Bytes + n.u.Fixed.Value + n.a.Seconds*n.u.Kept.Value)
}

// row is a row of the table.
type row struct {
	name, formula string
	of            func(need) string
}

func rows() []row {
	number := func(f func(need) float64) func(need) string { return func(n need) string { return short(f(n)) } }
	bytes := func(f func(need) float64) func(need) string { return func(n need) string { return size(f(n)) } }
	cores := func(cost func(need) float64) func(need) string {
		return func(n need) string { return short(math.Ceil(10*n.cores(cost(n))) / 10) }
	}
	return []row{
		{"uploads a second, mean", "D / 86,400", number(need.mean)},
		{"uploads a second, at the peak P", "mean × peak", number(need.peak)},
		{"API, cores", "P × API / use", cores(func(n need) float64 { return n.u.API.Value })},
		{"network into the API and the store, a second", "P × bytes", bytes(func(n need) float64 { return n.peak() * n.a.Bytes })},
		{"Kafka, cores of all brokers", "P × Kafka / use", cores(func(n need) float64 { return n.u.Kafka.Value })},
		{"Kafka, brokers", "cores / 4, at least 3", number(need.brokers)},
		{"Kafka, disk of `orak.uploads`", "D × days × bytes × replicas", bytes(func(n need) float64 { return n.topicBytes(n.u.Uploads.Value) })},
		{"Kafka, disk of `orak.lifecycle`", "the same", bytes(func(n need) float64 { return n.topicBytes(n.u.Lifecycle.Value) })},
		{"bridges", "P / (starts × use), at least 2", number(need.bridges)},
		{"partitions (`kafka-partitions`)", "4 × bridges, in twelves", number(need.partitions)},
		{"Temporal, cores", "P × Temporal / use", cores(func(n need) float64 { return n.u.Temporal.Value })},
		{"Temporal, requests a second", "P × calls", number(need.calls)},
		{"Temporal, history shards", "requests / 5, a power of 2, at least 512", number(need.shards)},
		{"Temporal's database, cores, if it is PostgreSQL", "P × PostgreSQL / use", cores(func(n need) float64 { return n.u.PostgreSQL.Value })},
		{"Temporal's database", "PostgreSQL up to 16 cores", need.database},
		{"Temporal's database, histories", "D × days × history", bytes(func(n need) float64 { return n.day * n.a.TemporalDays * n.u.History.Value })},
		{"conversions, cores", "P × (worker + ffmpeg + seconds × ffmpeg) / use", number(func(n need) float64 { return math.Ceil(10*n.convertCores()) / 10 })},
		{"analysis by the built-in engine, cores", "P × (worker + seconds × engine) / use", number(func(n need) float64 { return math.Ceil(10*n.engineCores()) / 10 })},
		{"analysis by a model server as fast as one CPU thread, slots", "P × seconds / speed / use", number(func(n need) float64 { return math.Ceil(n.peak() * n.a.Seconds / n.u.ModelSpeed.Value / n.a.Use) })},
		{"store, requests a second", "P × requests", number(func(n need) float64 { return n.peak() * n.u.Requests.Value })},
		{"store, new bytes a day", "D × (bytes + fixed + seconds × kept)", bytes(need.storedDay)},
		{"index, share of what PostgreSQL writes", "3 × P / events", func(n need) string { return fmt.Sprintf("%.2g %%", 100*3*n.peak()/n.u.IndexEvents.Value) }},
	}
}

// Table returns the table of sizes as Markdown.
func Table(u Units, a Assumptions, sizes []float64) string {
	var b strings.Builder
	b.WriteString("| | formula |")
	for _, day := range sizes {
		fmt.Fprintf(&b, " %s a day |", short(day))
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(sizes)) + "\n")
	for _, r := range rows() {
		fmt.Fprintf(&b, "| %s | %s |", r.name, r.formula)
		for _, day := range sizes {
			fmt.Fprintf(&b, " %s |", r.of(need{day, u, a}))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// short writes a number with two significant digits, and whole from 10 on.
func short(v float64) string {
	switch {
	case v >= 1_000_000:
		return trim(v/1_000_000) + " M"
	case v >= 10_000:
		return fmt.Sprintf("%.0f,%03.0f", math.Floor(v/1000), math.Mod(math.Round(v), 1000))
	case v >= 1000:
		return fmt.Sprintf("%d,%03d", int(math.Round(v))/1000, int(math.Round(v))%1000)
	default:
		return trim(v)
	}
}

func trim(v float64) string {
	if v >= 10 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2g", v)
}

// size writes a number of bytes.
func size(v float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB", "TB"} {
		if v < 1000 {
			return trim(v) + " " + unit
		}
		v /= 1000
	}
	return trim(v) + " PB"
}
