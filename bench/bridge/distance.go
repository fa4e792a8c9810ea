package main

import (
	"context"
	"net"
	"time"

	"orak/bench/rounds"
)

// away has the three rates at one round trip to the servers.
type away struct {
	RTT     time.Duration `json:"rtt_ns"`
	Rounds  []distance    `json:"rounds"`
	ToRaw   float64       `json:"bridge_to_raw"`
	ToNaive float64       `json:"bridge_to_naive"`
}

// distance has one measurement of each, in starts per second.
type distance struct {
	Raw    float64 `json:"raw_per_second"`
	Bridge float64 `json:"bridge_per_second"`
	Naive  float64 `json:"naive_per_second"`
}

// naiveAway is the number of events of the naive loop if it mostly waits.
const naiveAway = 150

// measureDistances measures with distant servers, each distance in every round. Raw
// has as many concurrent starts as the bridge.
func measureDistances(ctx context.Context, o options, inflight int) ([]away, error) {
	all := make([]away, len(o.away))
	w := uniform(o.events)
	for n := range o.rounds {
		for i, rtt := range o.away {
			all[i].RTT, o.rtt = rtt, rtt
			progress("round %d of %d, servers %s away", n+1, o.rounds, rtt)
			var d distance
			for _, one := range []struct {
				into *float64
				of   func(r *rig) (float64, error)
			}{
				{&d.Raw, func(r *rig) (float64, error) { return raw(ctx, r, w, inflight) }},
				{&d.Bridge, func(r *rig) (float64, error) { return bridged(ctx, o, r, w) }},
				{&d.Naive, func(r *rig) (float64, error) { return naive(ctx, r, w[:min(naiveAway, len(w))]) }},
			} {
				var err error
				if *one.into, err = withRig(ctx, o, one.of); err != nil {
					return nil, err
				}
			}
			progress("  raw %.0f/s, bridge %.0f/s, one at a time %.1f/s", d.Raw, d.Bridge, d.Naive)
			all[i].Rounds = append(all[i].Rounds, d)
		}
	}
	for i := range all {
		if len(all[i].Rounds) > 0 {
			all[i].ToRaw = rounds.Median(all[i].Rounds, func(d distance) float64 { return d.Bridge / d.Raw })
			all[i].ToNaive = rounds.Median(all[i].Rounds, func(d distance) float64 { return d.Bridge / d.Naive })
		}
	}
	return all, nil
}

// chunk is one read, and the time of its arrival.
type chunk struct {
	data []byte
	due  time.Time
}

// inTransit bounds the chunks in transit, far above what a measurement needs.
const inTransit = 1 << 14

// distant dials servers at a round trip of rtt: every byte takes half of it in
// either direction, whatever the load.
func distant(rtt time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		far, err := d.DialContext(ctx, network, address)
		if err != nil || rtt == 0 {
			return far, err
		}
		near, end := net.Pipe()
		carry(end, far, rtt/2)
		carry(far, end, rtt/2)
		return near, nil
	}
}

// carry copies one connection to another, each byte with the same delay. When one
// of them ends, both do.
func carry(from, to net.Conn, delay time.Duration) {
	way := make(chan chunk, inTransit)
	go func() {
		defer close(way)
		for {
			buffer := make([]byte, 64<<10)
			n, err := from.Read(buffer)
			if n > 0 {
				way <- chunk{buffer[:n], time.Now().Add(delay)}
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		defer from.Close()
		defer to.Close()
		for c := range way {
			time.Sleep(time.Until(c.due))
			if _, err := to.Write(c.data); err != nil {
				break
			}
		}
		for range way { // until the reader has seen the end
			continue
		}
	}()
}
