package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"orak/test/stack"
)

// bench is one run.
type bench struct {
	options
	servers servers
	// dir is a temporary folder.
	dir string
	// next is the next number of an upload or a workflow. Numbers are not used again
	// in another run on the same servers.
	next atomic.Int64
	rep  *report
}

func measure(ctx context.Context, o options) (_ *report, err error) {
	s, err := readServers()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "orak-bench-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, servers: s, dir: dir, rep: &report{StartsEach: o.starts, UploadsEach: o.uploads}}
	b.next.Store(time.Now().Unix() << 16)
	ffmpeg, err := ffmpegSettings(o.ffmpeg)
	if err != nil {
		return nil, err
	}
	current := b.program("orak", o.orak, ffmpeg)
	programs := []program{current}
	if o.baseline != "" {
		progress("building orak of %s", o.baseline)
		binary, err := stack.OrakAt(ctx, o.baseline, "bin")
		if err != nil {
			return nil, err
		}
		programs = append(programs, b.program("orak of "+o.baseline, binary, nil))
	}
	starts, err := b.prepareStarts(ctx, current)
	if err != nil {
		return nil, err
	}
	defer starts.Close()
	if err := b.warm(ctx, current); err != nil {
		return nil, err
	}
	for n := range o.rounds {
		progress("round %d of %d", n+1, o.rounds)
		m := round{Flows: map[string]figures{}}
		if m.Starts, err = b.measureStarts(ctx, starts, current, o.starts); err != nil {
			return nil, err
		}
		for _, p := range programs {
			if err := b.measureProgram(ctx, p, &m); err != nil {
				return nil, err
			}
		}
		for _, split := range []bool{false, true} {
			if err := b.measureNoop(ctx, cmp.Or(o.activities, b.rep.Histories[current.title].Activities), split, &m); err != nil {
				return nil, err
			}
		}
		b.rep.Rounds = append(b.rep.Rounds, m)
	}
	if o.restate {
		if err := b.measureRestate(ctx); err != nil {
			return nil, err
		}
	}
	return b.rep, nil
}

// program has a namespace and a bucket of its own.
func (b *bench) program(title, binary string, env map[string]string) program {
	own := "bench-" + strings.NewReplacer(" ", "-", "~", "-", "^", "-", "/", "-", ".", "-").Replace(strings.ToLower(title))
	p := program{title: title, binary: binary, env: map[string]string{"ORAK_TEMPORAL_NAMESPACE": own, "ORAK_S3_BUCKET": own}}
	maps.Copy(p.env, env)
	return p
}

// ffmpegSettings are the settings for the ffmpeg in a folder.
func ffmpegSettings(folder string) (map[string]string, error) {
	if folder == "" {
		return nil, nil
	}
	env := map[string]string{}
	for name, program := range map[string]string{"ORAK_MEDIA_FFMPEG": "ffmpeg", "ORAK_MEDIA_FFPROBE": "ffprobe"} {
		path, err := filepath.Abs(filepath.Join(folder, program))
		if err != nil {
			return nil, fmt.Errorf("finding the folder of ffmpeg: %w", err)
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("finding the image's ffmpeg (-ffmpeg \"\" takes that of PATH): %w", err)
		}
		env[name] = path
	}
	return env, nil
}

// warm runs pipelines that are not measured. The brokers' JVMs compile their code in
// the first minutes; whatever is measured first would pay for it.
func (b *bench) warm(ctx context.Context, p program) error {
	if b.warmup == 0 {
		return nil
	}
	progress("warming the servers up with %d uploads", b.warmup)
	f, err := b.startOrak(ctx, p)
	if err != nil {
		return err
	}
	defer f.stop()
	_, err = b.runAll(ctx, f, b.warmup)
	return err
}

// restFor is how long a program rests while its processor time at rest is measured.
const restFor = 5 * time.Second

// measureProgram measures the pipelines of p, and in the first round also its
// history, its calls, and its processor time at rest.
func (b *bench) measureProgram(ctx context.Context, p program, m *round) error {
	f, err := b.startOrak(ctx, p)
	if err != nil {
		return err
	}
	defer f.stop()
	before, err := f.calls()
	if err != nil {
		return err
	}
	if m.Flows[p.title], err = b.measureFlow(ctx, f, b.uploads); err != nil {
		return err
	}
	if _, known := b.rep.Histories[p.title]; known {
		return nil
	}
	after, err := f.calls()
	if err != nil {
		return err
	}
	h, err := measureHistory(ctx, f)
	if err != nil {
		return err
	}
	h.Calls = difference(before, after, b.uploads+warmUp)
	b.rep.add(p.title, h)
	b.rep.Rest[p.title], err = b.measureRest(ctx, f)
	return err
}

// measureRest returns the milliseconds of processor time of each process in a second
// without work.
func (b *bench) measureRest(ctx context.Context, f flow) (map[string]float64, error) {
	pids := b.pidsWith(f)
	before, err := processorTimes(pids)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(restFor)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	after, err := processorTimes(pids)
	return perWorkflow(before, after, int(restFor/time.Second)), err
}

func (b *bench) measureNoop(ctx context.Context, activities int, split bool, m *round) error {
	f, err := b.startNoop(ctx, activities, split)
	if err != nil {
		return err
	}
	defer f.stop()
	m.Flows[f.name()], err = b.measureFlow(ctx, f, b.uploads)
	return err
}

// measureRestate compares Restate's invocations with Temporal's workflows of as many
// steps.
func (b *bench) measureRestate(ctx context.Context) error {
	r, err := b.startRestate(ctx)
	if err != nil {
		return err
	}
	defer r.stop()
	if _, err := r.measure(ctx, b, "steps1", inflight); err != nil { // to warm up
		return err
	}
	b.rep.Restate = map[string][]step{}
	for n := range b.rounds {
		progress("Restate, round %d of %d", n+1, b.rounds)
		for steps, handler := range []string{"steps0", "steps1"} {
			var s step
			if s.Restate, err = r.measure(ctx, b, handler, b.starts); err != nil {
				return err
			}
			m := round{Flows: map[string]figures{}}
			if err := b.measureNoop(ctx, steps, false, &m); err != nil {
				return err
			}
			for _, s.Temporal = range m.Flows {
				continue
			}
			b.rep.Restate[handler] = append(b.rep.Restate[handler], s)
		}
	}
	return nil
}

// dial connects to Temporal.
func (b *bench) dial(namespace string) (client.Client, error) {
	c, err := client.Dial(client.Options{HostPort: b.servers.Temporal, Namespace: namespace, Logger: sdklog.NewStructuredLogger(quiet())})
	if err != nil {
		return nil, fmt.Errorf("connecting to Temporal: %w", err)
	}
	return c, nil
}

// take returns the first of n numbers that nothing else has.
func (b *bench) take(n int) int { return int(b.next.Add(int64(n))) - n }

// numbers returns n numbers that nothing else has.
func (b *bench) numbers(n int) []int {
	all := make([]int, n)
	first := b.take(n)
	for i := range all {
		all[i] = first + i
	}
	return all
}
