package main

import (
	"context"
	"errors"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// samplePeriod is the interval of memory samples.
const samplePeriod = 5 * time.Millisecond

// measureMemory compares the bridge's memory with a small and with a large backlog.
// It handles the same number of events of each.
func measureMemory(ctx context.Context, o options) ([]memory, error) {
	var all []memory
	for _, backlog := range []int{min(o.events, o.backlog), o.backlog} {
		progress("memory with a backlog of %d", backlog)
		m, err := withRig(ctx, o, func(r *rig) (memory, error) { return before(ctx, o, r, backlog) })
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func before(ctx context.Context, o options, r *rig, backlog int) (memory, error) {
	if err := r.announce(ctx, uniform(backlog)); err != nil {
		return memory{}, err
	}
	debug.FreeOSMemory()
	heap, total := held()
	sampling, stop := context.WithCancel(ctx)
	defer stop()
	peak := make(chan memory)
	go func() { peak <- watch(sampling, heap, total) }()
	b, err := r.startBridge(ctx, o.inflight)
	if err == nil {
		_, err = b.await(ctx, min(o.events, backlog))
		err = errors.Join(err, b.Stop(ctx))
	}
	stop()
	m := <-peak
	m.Backlog = backlog
	return m, err
}

// watch returns the largest growth over the first sample.
func watch(ctx context.Context, heap, total uint64) (m memory) {
	ticker := time.NewTicker(samplePeriod)
	defer ticker.Stop()
	for {
		h, t := held()
		m.HeapBytes = max(m.HeapBytes, h-min(h, heap))
		m.TotalBytes = max(m.TotalBytes, t-min(t, total))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return m
		}
	}
}

// held returns the size of the heap's objects, and all memory that Go has from the
// operating system.
func held() (heap, total uint64) {
	s := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(s)
	return s[0].Value.Uint64(), s[1].Value.Uint64() - s[2].Value.Uint64()
}
