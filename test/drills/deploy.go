package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/internal/analysis"
	"orak/internal/media/mediatest"
	"orak/test/accounts"
)

// workerTurns are the services with workers, in the order in which they are replaced: the
// build becomes current after the first turn.
var workerTurns = [][]string{{"worker-2", "worker-gpu-2", "webhooks"}, {"worker", "worker-gpu"}}

func deployDrills() []drill {
	lacks := func(s *scene) string {
		for _, name := range slices.Concat(workerTurns...) {
			if w, err := s.Service(name); err != nil || setting(w, "ORAK_WORKER_DEPLOYMENT") == "" {
				return "the workers have no versions: lay test/drills/deploy.yml over docker-compose.yml (rehearse -f)"
			}
		}
		return ""
	}
	return []drill{
		{
			name: "deploy", about: "another build of the workers takes over, and the first one again",
			promises: "uploads are taken and processed as before, and what one build has parked the other reprocesses",
			prepare:  buildNext, blow: deploy, lacks: lacks,
		},
		{
			// What is reprocessed comes last, and so would never run under more load than
			// the machine can work off.
			name: "rollout", about: "the same without parked uploads, for a rate that is too much for the machine",
			promises: "uploads are taken, and processed in the end",
			prepare:  buildNext, blow: rollout, lacks: lacks,
		},
	}
}

// engineSource declares the version of the built-in engine, which every analysis shows.
// The next build has another one, and differs in nothing else.
const (
	engineSource = "internal/analysis/engine.go"
	nextEngine   = analysis.EngineVersion + "-next"
)

// buildNext builds the program again with another version of the engine.
func buildNext(ctx context.Context, s *scene) error {
	dir, err := os.MkdirTemp("", "orak-drill-")
	if err != nil {
		return fmt.Errorf("making a folder for the next build: %w", err)
	}
	s.next = filepath.Join(dir, "orak")
	source, err := os.ReadFile(engineSource)
	if err != nil {
		return fmt.Errorf("reading the engine: %w", err)
	}
	changed := bytes.Replace(source, []byte(`"`+analysis.EngineVersion+`"`), []byte(`"`+nextEngine+`"`), 1)
	if bytes.Equal(source, changed) {
		return fmt.Errorf("%s does not declare version %s", engineSource, analysis.EngineVersion)
	}
	engine, overlay := filepath.Join(dir, "engine.go"), filepath.Join(dir, "overlay.json")
	at, err := filepath.Abs(engineSource)
	if err != nil {
		return fmt.Errorf("finding the engine: %w", err)
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {at: engine}})
	if err == nil {
		err = errors.Join(os.WriteFile(engine, changed, 0o600), os.WriteFile(overlay, replace, 0o600))
	}
	if err != nil {
		return fmt.Errorf("changing the engine: %w", err)
	}
	s.say("building the next build")
	// Without the commit, which would be the same: its id is a digest of the file.
	out, err := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-overlay", overlay, "-o", s.next, "./cmd/orak").CombinedOutput()
	if err != nil {
		return fmt.Errorf("building the next build: %w: %s", err, out)
	}
	return nil
}

// deploy brings the next build and takes it back, with uploads that are parked meanwhile.
func deploy(ctx context.Context, s *scene) error {
	return s.withBuilds(func(first, program string) error {
		parked, err := s.park(ctx, "before")
		if err != nil {
			return err
		}
		if err := s.takeOver(ctx, s.next, program); err != nil {
			return err
		}
		if err := s.reprocess(ctx, parked, nextEngine); err != nil {
			return err
		}
		accounts.Pause(ctx, s.down)
		if parked, err = s.park(ctx, "meanwhile"); err != nil {
			return err
		}
		if err := s.takeOver(ctx, first, program); err != nil {
			return err
		}
		return s.reprocess(ctx, parked, analysis.EngineVersion)
	})
}

// rollout brings the next build and takes it back.
func rollout(ctx context.Context, s *scene) error {
	return s.withBuilds(func(first, program string) error {
		if err := s.takeOver(ctx, s.next, program); err != nil {
			return err
		}
		accounts.Pause(ctx, s.down)
		return s.takeOver(ctx, first, program)
	})
}

// withBuilds passes a copy of the program that the workers run, and where they run it from.
// In the end it is there again, and the next build is removed.
func (s *scene) withBuilds(do func(first, program string) error) (err error) {
	worker, err := s.Service("worker")
	if err != nil {
		return err
	}
	program, first := worker.Command[0], s.next+"-first"
	if err := copyProgram(program, first); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, copyProgram(first, program), os.RemoveAll(filepath.Dir(s.next))) }()
	return do(first, program)
}

// copyProgram replaces a program at once: processes that run it keep theirs.
func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("reading a program: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return fmt.Errorf("writing a program: %w", err)
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(to+".new", to)
	}
	if err != nil {
		return fmt.Errorf("writing a program: %w", err)
	}
	return nil
}

// takeOver replaces the workers by a build, one of each kind first, and makes it current
// before the others.
func (s *scene) takeOver(ctx context.Context, build, program string) error {
	began := time.Now()
	if err := copyProgram(build, program); err != nil {
		return err
	}
	for turn, names := range workerTurns {
		for _, name := range names {
			before, err := s.Signal(name, syscall.SIGTERM)
			if err != nil {
				return err
			}
			if err := s.healthy(ctx, name, before.PID); err != nil {
				return err
			}
		}
		if turn > 0 {
			continue
		}
		said, err := s.run(ctx, program, "worker", "version", "current", "--worker-deployment", "orak", "--by", "drill", "--yes")
		if err != nil {
			return err
		}
		s.note("%.1f s after the deploy began: %s", time.Since(began).Seconds(), strings.TrimSpace(said))
	}
	s.note("all workers are replaced after %.1f s", time.Since(began).Seconds())
	return nil
}

// Uploads that are parked on the way, each time.
const (
	parkedEach  = 3
	parkedSound = 8 // seconds, more than deploy.yml allows
)

// park sends recordings that are too long, and returns once they are parked.
func (s *scene) park(ctx context.Context, when string) (parked []*sending, err error) {
	for n := range parkedEach {
		wav := mediatest.WAV(sampleRate, 1, slices.Repeat(mediatest.Tune(sampleRate)[:sampleRate], parkedSound))
		copy(wav[len(wav)-8:], when) // no two have the same bytes
		wav[len(wav)-1] = byte(n)
		one := &sending{body: wav, Upload: accounts.Upload{
			Name: fmt.Sprintf("parked-%s-%d.wav", when, n), Keyed: true, Operate: accounts.Reprocess,
			Want: accounts.Outcome{Class: orak.ClassInput, Fixed: true, DurationS: parkedSound},
		}}
		s.load.add(ctx, one)
		if one.ID == "" {
			return nil, fmt.Errorf("%s: %s", one.Name, one.Problem)
		}
		parked = append(parked, one)
	}
	return parked, s.await(ctx, parked, func(u resource.Upload) bool { return u.Status == orak.StatusDeadLettered })
}

// reprocess completes what is parked, and checks by which engine.
func (s *scene) reprocess(ctx context.Context, parked []*sending, engine string) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	for _, one := range parked {
		if err := s.decide(ctx, c, one); err != nil {
			return fmt.Errorf("reprocessing %s: %w", one.Name, err)
		}
	}
	if err := s.await(ctx, parked, func(u resource.Upload) bool { return u.Status == orak.StatusCompleted }); err != nil {
		return err
	}
	for _, one := range parked {
		found, err := c.Analysis(ctx, one.ID)
		if err != nil {
			return fmt.Errorf("reading the analysis of %s: %w", one.Name, err)
		}
		if found.Engine.Version != engine {
			return fmt.Errorf("%s was analyzed by engine %s, want %s", one.Name, found.Engine.Version, engine)
		}
	}
	s.note("%d uploads that the other build had parked were completed by engine %s", len(parked), engine)
	return nil
}

// decide reprocesses one upload, and asks again where no worker was in time.
func (s *scene) decide(ctx context.Context, c *client.Client, one *sending) error {
	ctx, cancel := context.WithTimeout(ctx, back)
	defer cancel()
	for {
		_, err := c.Reprocess(ctx, one.ID, resource.ReprocessRequest{
			From: orak.StageConvert, By: "drill", Reason: "it may be longer", Options: map[string]string{"max_duration": "1m"},
		})
		if err == nil {
			return nil
		}
		// It may have been carried out all the same.
		if u, lookErr := c.Upload(ctx, one.ID); lookErr == nil && u.Status != orak.StatusDeadLettered {
			return nil
		}
		if !accounts.Pause(ctx, time.Second) {
			return errors.Join(ctx.Err(), err)
		}
	}
}

func (s *scene) client() (*client.Client, error) {
	return client.New(client.Config{Server: s.at.API, Tenant: string(s.at.Tenant), APIKey: s.at.Key})
}

// await returns once every upload is as wanted.
func (s *scene) await(ctx context.Context, all []*sending, wanted func(resource.Upload) bool) error {
	ctx, cancel := context.WithTimeout(ctx, s.drain) // they wait behind all others
	defer cancel()
	c, err := s.client()
	if err != nil {
		return err
	}
	for _, one := range all {
		for {
			u, err := c.Upload(ctx, one.ID)
			if err == nil && wanted(u) {
				break
			}
			if !accounts.Pause(ctx, 200*time.Millisecond) {
				return fmt.Errorf("%s is %s: %w", one.Name, u.Status, errors.Join(ctx.Err(), err))
			}
		}
	}
	return nil
}
