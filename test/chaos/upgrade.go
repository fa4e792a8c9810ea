package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"orak"
	"orak/client"
	"orak/internal/media/mediatest"
	"orak/test/accounts"
	"orak/test/stack"
)

// upgrade rehearses a deployment: an earlier version brings uploads into every
// state, ends, and the built one finishes them all.
func upgrade(ctx context.Context, o options) (report, error) {
	say("building orak of %s", o.upgradeFrom)
	earlier, err := stack.OrakAt(ctx, o.upgradeFrom, o.dir)
	if err != nil {
		return report{}, err
	}
	files, err := encode(ctx, filepath.Join(o.dir, "recordings"))
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
	// Longer recordings park; the later version accepts them. Equal recordings must be
	// analyzed each, so that some are being analyzed when the earlier version ends.
	if err := f.startRoles(ctx, earlier, "ORAK_REUSE_ANALYSES=false", "ORAK_MEDIA_MAX_DURATION="+(longSeconds/2*time.Second).String()); err != nil {
		return report{}, fmt.Errorf("running orak of %s: %w", o.upgradeFrom, err)
	}
	began := time.Now()
	u := rehearsal{fleet: f, app: app{accounts.NewApp(f.at)}, files: files}
	before, err := u.begin(ctx)
	if err != nil {
		return report{}, err
	}
	replaced := slices.Clone(f.processes) // for what happened to them
	if err := f.startRoles(ctx, o.orak); err != nil {
		return report{}, err
	}
	switched := time.Now()
	say("%6.1fs the built version runs; uploads were %v", time.Since(began).Seconds(), before)
	if err := u.finish(ctx, o.quiet); err != nil {
		return report{}, err
	}
	s, results, err := awaitPromises(ctx, f.at, o.quiet, u.all)
	if err != nil {
		return report{}, err
	}
	rep := newReport(o, u.all, s, append(results, everyState(before)))
	rep.Before, rep.LoadS, rep.QuietS = before, switched.Sub(began).Seconds(), time.Since(switched).Seconds()
	var names []string
	var tallies []tally
	for _, p := range replaced {
		name := p.name
		if f.listen[name] != "" {
			name += " old"
		}
		names, tallies = append(names, name), append(tallies, p.snapshot())
	}
	for _, p := range f.processes[len(targets())-len(roles()):] {
		names, tallies = append(names, p.name), append(tallies, p.snapshot())
	}
	rep.account(names, tallies)
	return rep, nil
}

// rehearsal is a fleet with its uploads.
type rehearsal struct {
	*fleet
	app   app
	files map[string][]byte
	all   []*sending
}

// upload sends a file n times and waits until all are accepted.
func (u *rehearsal) upload(ctx context.Context, n int, name, contentType string, want accounts.Outcome, operate string) error {
	var apps sync.WaitGroup
	for range n {
		s := &sending{
			recording: recording{kind: name, contentType: contentType, body: u.files[name], want: want},
			Upload:    accounts.Upload{Name: strconv.Itoa(len(u.all)) + "-" + name, Keyed: true, Operate: operate, Want: want},
		}
		u.all = append(u.all, s)
		apps.Go(func() { u.app.send(ctx, s) })
	}
	apps.Wait()
	return ctx.Err()
}

// begin brings uploads into every state and ends orak. It returns how many
// had which status.
func (u *rehearsal) begin(ctx context.Context) (map[orak.Status]int, error) {
	u.files["cut.m4a"] = u.files["tune.m4a"][:len(u.files["tune.m4a"])*6/10]
	input, large := accounts.Outcome{Class: orak.ClassInput}, accounts.Outcome{DurationS: largeSeconds}
	fixed := accounts.Outcome{Class: orak.ClassInput, Fixed: true, DurationS: longSeconds}
	sound := accounts.Outcome{DurationS: mediatest.Seconds}
	err := errors.Join(
		u.upload(ctx, 3, "tune.ogg", "audio/ogg", sound, ""),
		u.upload(ctx, 2, "cut.m4a", "audio/mp4", input, ""),
		u.upload(ctx, 2, "cut.m4a", "audio/mp4", input, accounts.Reprocess),
		u.upload(ctx, 2, "cut.m4a", "audio/mp4", input, accounts.Discard),
		u.upload(ctx, 3, "long.ogg", "audio/ogg", fixed, accounts.Reprocess),
	)
	if err != nil {
		return nil, err
	}
	e, err := accounts.Open(u.at)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	parked := func(c map[orak.Status]int) bool {
		return c[orak.StatusDeadLettered] == 9 && c[orak.StatusCompleted] == 3
	}
	if _, err := e.Await(ctx, parked); err != nil {
		return nil, fmt.Errorf("waiting for parked and completed uploads: %w", err)
	}
	// More than can be analyzed at once, so that some are analyzed and others
	// wait for that.
	if err := u.upload(ctx, 8, "large.wav", "audio/wav", large, ""); err != nil {
		return nil, err
	}
	busy := func(c map[orak.Status]int) bool { return c[orak.StatusAnalyzing] >= 2 }
	if _, err := e.Await(ctx, busy); err != nil {
		return nil, fmt.Errorf("waiting for uploads that are analyzed: %w", err)
	}
	u.endAlike("gpu", "convert", "pipeline", "bridge")
	// Only on Kafka, then only in the outbox.
	if err := u.upload(ctx, 3, "tune.mp3", "audio/mpeg", sound, ""); err != nil {
		return nil, err
	}
	u.named("kafka").end(false)
	if err := u.upload(ctx, 2, "tune.flac", "audio/flac", sound, ""); err != nil {
		return nil, err
	}
	u.named("api").end(false)
	if err := u.startAll(ctx, []*process{u.named("kafka")}); err != nil {
		return nil, err
	}
	s, err := e.Look(ctx)
	if err != nil {
		return nil, err
	}
	counts := s.Statuses()
	counts[orak.StatusQueued] += len(u.all) - len(s.Runs)
	return counts, nil
}

// endAlike ends two processes of each kind at the same time, the first by
// kill -9 and the second by SIGTERM.
func (u *rehearsal) endAlike(kinds ...string) {
	var ends sync.WaitGroup
	for _, kind := range kinds {
		ends.Go(func() { u.named(kind + "-1").end(false) })
		ends.Go(func() { u.named(kind + "-2").end(true) })
	}
	ends.Wait()
}

// finish does the operator's part.
func (u *rehearsal) finish(ctx context.Context, within time.Duration) error {
	c, err := client.New(client.Config{Server: u.at.API})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var hands sync.WaitGroup
	for _, s := range u.all {
		if s.Operate != "" && s.ID != "" {
			hands.Go(func() { operator{c}.decide(ctx, s) })
		}
	}
	hands.Wait()
	return nil
}

// everyState fails a rehearsal that had nothing to do.
func everyState(before map[orak.Status]int) accounts.Result {
	r := accounts.Result{Promise: "uploads were in every state when the earlier version was ended"}
	for _, status := range []orak.Status{orak.StatusQueued, orak.StatusAnalyzing, orak.StatusDeadLettered, orak.StatusCompleted} {
		r.Hold(before[status] > 0, "none was %s", status)
	}
	return r
}
