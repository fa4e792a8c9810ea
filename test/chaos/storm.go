package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"orak/client"
	"orak/test/accounts"
)

// deployment is what a storm rages over.
type deployment interface {
	// targets are the names of the processes that can be hit.
	targets() []string
	// strike carries out one blow, and returns when its process is ready again.
	// If the process is hit again before that, the later blow waits for it.
	strike(ctx context.Context, b blow) error
	// tallies are what happened to the targets, in their order.
	tallies() []tally
	addresses() accounts.Addresses
}

// storm is one whole run on child processes.
func storm(ctx context.Context, o options) (report, error) {
	attempts := budget(o.blows)
	kinds, err := recordings(ctx, o.dir, attempts)
	if err != nil {
		return report{}, err
	}
	f, err := startServers(ctx, o)
	if f != nil {
		defer f.endAll()
	}
	if err != nil {
		return report{}, err
	}
	settings, err := stormSettings(o.dir, attempts)
	if err != nil {
		return report{}, err
	}
	if err := f.startRoles(ctx, o.orak, settings...); err != nil {
		return report{}, err
	}
	return rage(ctx, f, o, kinds)
}

// rage uploads to a deployment while its processes are hit, and checks the
// promises at the end.
func rage(ctx context.Context, d deployment, o options, kinds []recording) (report, error) {
	say("%d processes are up; %d uploads and %d blows in %s", len(d.targets()), o.uploads, o.blows, o.duration)
	all := uploads(o.seed, kinds, o.uploads, o.duration)
	began := time.Now()
	load, err := weather(ctx, d, o, all, began)
	if err != nil {
		return report{}, err
	}
	s, results, err := awaitPromises(ctx, d.addresses(), o.quiet, all)
	if err != nil {
		return report{}, err
	}
	rep := newReport(o, all, s, results)
	rep.LoadS, rep.QuietS = load.Seconds(), (time.Since(began) - load).Seconds()
	rep.account(d.targets(), d.tallies())
	return rep, nil
}

// budget is the number of attempts of a stage. It is large enough that the blows
// which may cost one upload an attempt do not use it up: those on the two workers
// of its stage, and on Temporal and the store. A dead letter then has a cause in
// its recording.
func budget(blows int) int {
	hits := (blows + len(targets()) - 1) / len(targets())
	return 3 + 4*hits
}

// stormSettings are those of compose.yml, for child processes. They shorten waits
// that would only make the run long. They keep the defaults on which recovery
// depends: the bridges' session timeout and the workers' heartbeat timeout.
func stormSettings(dir string, attempts int) ([]string, error) {
	ffmpeg, err := installFFmpeg(dir)
	if err != nil {
		return nil, err
	}
	return []string{
		"ORAK_RETRY_ATTEMPTS=" + strconv.Itoa(attempts), "ORAK_RETRY_DELAY=250ms", "ORAK_RETRY_MAX_DELAY=500ms",
		// Many uploads have the same bytes, and each must be analyzed.
		"ORAK_REUSE_ANALYSES=false",
		"ORAK_API_OUTBOX_INTERVAL=2s", "ORAK_API_OUTBOX_MIN_AGE=15s", "ORAK_API_OUTBOX_GRACE=30s",
		"ORAK_ALERT_GROUP_WAIT=1s", "ORAK_LAKE_FILE_AGE=2s",
		"ORAK_MEDIA_FFMPEG=" + ffmpeg, "ORAK_MEDIA_MAX_DURATION=" + (maxSeconds * time.Second).String(),
	}, nil
}

// weather runs the load, the blows and the operator's work. At its end every app
// has its answer, everything runs again and all decisions are made. It returns
// how long load and blows took.
func weather(ctx context.Context, d deployment, o options, all []*sending, began time.Time) (time.Duration, error) {
	at := d.addresses()
	c, err := client.New(client.Config{Server: at.API, Tenant: string(at.Tenant)})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.duration+o.quiet)
	defer cancel()
	var sent atomic.Int64
	var hands sync.WaitGroup
	struck := make(chan error, 1)
	go func() {
		struck <- suffer(ctx, d, strike(o.seed, d.targets(), o.blows, o.together, o.duration), began, &sent)
	}()
	app{accounts.NewApp(at)}.load(ctx, began, all, func(s *sending) {
		sent.Add(1)
		if s.Operate != "" && s.ID != "" {
			hands.Go(func() { operator{c}.work(ctx, s) })
		}
	})
	err = <-struck
	load := time.Since(began)
	say("%6.1fs all uploads are sent, all processes are up again", load.Seconds())
	hands.Wait()
	return load, err
}

// suffer carries out the blows, and returns when everything is up again.
func suffer(ctx context.Context, d deployment, blows []blow, began time.Time, sent *atomic.Int64) error {
	errs := make(chan error, len(blows))
	for _, b := range blows {
		if !accounts.Pause(ctx, time.Until(began.Add(b.At))) {
			return ctx.Err()
		}
		how := "kill -9"
		if b.Graceful {
			how = "SIGTERM"
		}
		say("%6.1fs %s %s, down for %.1fs; %d uploads are answered", time.Since(began).Seconds(), how, b.Target, b.Away.Seconds(), sent.Load())
		go func() { errs <- d.strike(ctx, b) }()
	}
	var failed error
	for range blows {
		failed = errors.Join(failed, <-errs)
	}
	return failed
}

// awaitPromises waits until every promise holds, or until the time is over; the
// report then shows what is broken.
func awaitPromises(ctx context.Context, at accounts.Addresses, within time.Duration, all []*sending) (*accounts.Seen, []accounts.Result, error) {
	e, err := accounts.Open(at)
	if err != nil {
		return nil, nil, err
	}
	defer e.Close()
	deadline := time.Now().Add(within)
	for last := time.Now(); ; {
		looking, cancel := context.WithTimeout(ctx, time.Minute)
		s, err := e.Look(looking)
		cancel()
		if err != nil {
			return nil, nil, fmt.Errorf("reading the servers: %w", err)
		}
		results := accounts.Check(accountable(all), s)
		if accounts.Broken(results) == 0 || time.Now().After(deadline) || ctx.Err() != nil {
			return s, results, ctx.Err()
		}
		if time.Since(last) > 10*time.Second {
			say("waiting: %d things are not right yet, such as %s", accounts.Broken(results), accounts.Example(results))
			last = time.Now()
		}
		accounts.Pause(ctx, time.Second)
	}
}
