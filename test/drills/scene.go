package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak"
	"orak/test/accounts"
	"orak/test/stack"
)

// drill is one thing that happens to a cluster.
type drill struct {
	name string
	// about says what happens, and promises what must hold.
	about, promises string
	// prepare is done before the load; nil for nothing.
	prepare func(ctx context.Context, s *scene) error
	// blow does it, and what an operator does about it. It returns when what was hit is
	// back. An error is a promise that did not hold.
	blow func(ctx context.Context, s *scene) error
	// lacks says why it cannot be done here; nil means that it can be done anywhere.
	lacks func(s *scene) string
	// fails permits that an app has to send again, and reruns that the operator runs
	// uploads again, which then have a second end.
	fails, reruns bool
	// account compares what was seen in place of accounts.Check; nil for that.
	account func(s *scene, all []*accounts.Upload, seen *accounts.Seen) []accounts.Result
}

// drills are all of them, in the order in which they are done: what takes most away
// comes last.
func drills() []drill {
	return slices.Concat(brokerDrills(), []drill{rackDrill(), reassignDrill()}, deployDrills(), networkDrills(), []drill{failoverDrill()}, restoreDrills())
}

func list(w io.Writer, all []drill) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, d := range all {
		fmt.Fprintf(table, "%s\t%s: %s\n", d.name, d.about, d.promises)
	}
	_ = table.Flush() // it is standard output
}

// scene is where the drills take place, with the load of the present one.
type scene struct {
	*stack.Rehearsal
	options
	at    accounts.Addresses
	admin *kadm.Client

	began time.Time
	load  *load
	// copied is when the store's copy was begun and lost when the store was lost; gone
	// are the names of the uploads that went with it.
	copied, lost time.Time
	gone         map[string]bool
	// next is the program of the build that is deployed.
	next string
	// notes are what the present drill has found out beside its figures.
	notes []string
}

func newScene(ctx context.Context, o options, r *stack.Rehearsal) (*scene, error) {
	url, err := r.API()
	if err != nil {
		return nil, err
	}
	servers := r.Servers()
	s := &scene{Rehearsal: r, options: o, began: time.Now(), at: accounts.Addresses{
		API: url, Kafka: strings.Split(servers.Kafka, ","), Temporal: servers.Temporal, S3: servers.S3,
		AccessKey: servers.S3AccessKey, SecretKey: servers.S3SecretKey,
	}}
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.at.Kafka...))
	if err != nil {
		return nil, fmt.Errorf("connecting to Kafka: %w", err)
	}
	s.admin = kadm.NewClient(cl)
	return s, s.login(ctx)
}

// login makes an API key, where the API asks for one.
func (s *scene) login(ctx context.Context) error {
	api, err := s.Service("api")
	if err != nil || !slices.Contains(api.Env, "ORAK_AUTH=required") {
		return err
	}
	key, err := s.orak(ctx, "keys", "create", "--name", "drills", "--for", "*", "--scopes", "all")
	s.at.Key = strings.TrimSpace(key)
	return err
}

// orak runs a command of orak, and returns its standard output.
func (s *scene) orak(ctx context.Context, args ...string) (string, error) {
	return s.run(ctx, "orak", args...) // found by PATH: rehearse puts bin/ there
}

// run runs a command of an operator.
func (s *scene) run(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.Env = os.Environ()
	if s.at.Key != "" {
		cmd.Env = append(cmd.Env, "ORAK_API_KEY="+s.at.Key)
	}
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s%s", program, strings.Join(args, " "), err, out, said.Bytes())
	}
	return string(out), nil
}

// say prints progress on standard error.
func (s *scene) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "drills: %6.1fs %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// note keeps a line for the report, and prints it.
func (s *scene) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
	s.say(format, args...)
}

// perform does one drill: uploads arrive, the blow falls, uploads go on, and all are
// accounted for. An error means that it could not be done.
func (s *scene) perform(ctx context.Context, d drill) (performed, error) {
	done := performed{Drill: d.name, About: d.about, Promises: d.promises}
	if d.lacks != nil {
		if done.Lacks = d.lacks(s); done.Lacks != "" {
			s.say("%s is left out: %s", d.name, done.Lacks)
			return done, nil
		}
	}
	s.notes, s.gone, s.at.Tenant = nil, nil, orak.Tenant("drill-"+strings.ToLower(rand.Text()[:8]))
	reader, err := accounts.Open(s.at)
	if err != nil {
		return done, err
	}
	defer reader.Close()
	if d.prepare != nil {
		if err := d.prepare(ctx, s); err != nil {
			return done, err
		}
	}
	s.say("%s: %s", d.name, d.about)
	at := times{began: time.Now()}
	s.load = startLoad(ctx, accounts.NewApp(s.at), s.rate)
	accounts.Pause(ctx, s.steady)
	at.struck = time.Now()
	broken := d.blow(ctx, s)
	at.mended = time.Now()
	if ctx.Err() != nil {
		return done, ctx.Err()
	}
	if broken != nil {
		s.say("not as promised: %v", broken)
	}
	s.say("what was hit is back after %.1f s", at.mended.Sub(at.struck).Seconds())
	accounts.Pause(ctx, s.steady)
	at.ended = time.Now()
	sent := s.load.end()
	seen, results, err := s.drained(ctx, d, reader, sent)
	if err != nil {
		return done, err
	}
	done.figures = measure(sent, s.gone, seen, at)
	if d.reruns {
		s.note("%d uploads were run again, and have an end of the next cycle, too", done.Twice)
		done.Twice = 0
	}
	done.Notes, done.Results = s.notes, results
	done.judge(d, broken)
	return done, nil
}

// rest is the time until the next look at what is done, a minute at most, after one that
// took as long: a tenth of the time is spent on looking, since a look at thousands of
// uploads takes seconds, and as much of the servers as their work.
func rest(took time.Duration) time.Duration { return min(max(2*time.Second, 9*took), time.Minute) }

// drained waits until every promise holds, or until the time is over: the results then
// show what is broken.
func (s *scene) drained(ctx context.Context, d drill, reader *accounts.Reader, sent []*sending) (*accounts.Seen, []accounts.Result, error) {
	check := accounts.Check
	if d.account != nil {
		check = func(all []*accounts.Upload, seen *accounts.Seen) []accounts.Result { return d.account(s, all, seen) }
	}
	uploads := make([]*accounts.Upload, len(sent))
	for i, one := range sent {
		uploads[i] = &one.Upload
	}
	deadline, said := time.Now().Add(s.drain), time.Now()
	s.say("%d uploads are sent; waiting until all is done", len(sent))
	for {
		began := time.Now()
		looking, cancel := context.WithTimeout(ctx, time.Minute)
		seen, err := reader.Look(looking)
		cancel()
		took := time.Since(began)
		late := ctx.Err() != nil || time.Now().After(deadline)
		if err != nil && late {
			return nil, nil, fmt.Errorf("reading the servers: %w", err)
		}
		if err != nil && time.Since(said) > 10*time.Second {
			s.say("waiting: the servers cannot be read: %v", err)
			said = time.Now()
		}
		if err == nil {
			results := check(uploads, seen)
			if accounts.Broken(results) == 0 || late {
				return seen, results, ctx.Err()
			}
			if time.Since(said) > 10*time.Second {
				s.say("waiting: %d things are not right yet, such as %s", accounts.Broken(results), accounts.Example(results))
				said = time.Now()
			}
		}
		accounts.Pause(ctx, rest(took))
	}
}
