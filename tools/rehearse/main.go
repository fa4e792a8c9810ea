package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the command line.
type options struct {
	root, data, orak    string
	fresh, list, asJSON bool
	except              []string
	within              time.Duration
	exitWith            string
	over                overrides
	command             []string
}

// overrides are compose files that are laid over docker-compose.yml.
type overrides []string

func (o *overrides) String() string { return strings.Join(*o, " ") }

func (o *overrides) Set(file string) error {
	*o = append(*o, file)
	return nil
}

const usage = `rehearse runs the services of docker-compose.yml as processes of this machine.

  rehearse [FLAGS]               until Ctrl-C
  rehearse [FLAGS] COMMAND ARG…  for as long as COMMAND runs; ends with its exit status

COMMAND finds ORAK_REHEARSAL, a JSON file with the state and process id of every service, and the
settings with which orak's commands reach the services. It may be a program of test/ that has a
compose.yml, such as chaos: that file is laid over docker-compose.yml. Published ports are API_PORT, KAFKA_PORT and so
on, as for docker compose; for a COMMAND they are free ones unless they are set. COMPOSE_PROFILES=model
adds the model server.

`

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("rehearse", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	flags.Var(&o.over, "f", "compose `FILE` to lay over docker-compose.yml; may be repeated")
	flags.StringVar(&o.root, "root", ".", "`FOLDER` of docker-compose.yml")
	flags.StringVar(&o.data, "data", "", "`FOLDER` of everything that the services write (default .orak/rehearsal)")
	flags.StringVar(&o.orak, "orak", "bin/orak", "`FILE` of orak's program")
	flags.BoolVar(&o.fresh, "fresh", false, "delete the data of earlier rehearsals first")
	flags.BoolVar(&o.list, "list", false, "list the services, their addresses and commands, and start nothing")
	flags.BoolVar(&o.asJSON, "json", false, "list as JSON, in the form of the file that ORAK_REHEARSAL names")
	except := flags.String("except", "", "`SERVICES` to leave out, separated by commas; those that run must not depend on them")
	flags.DurationVar(&o.within, "within", 3*time.Minute, "`TIME` in which every service must be healthy")
	flags.StringVar(&o.exitWith, "exit-with", "", "end when one of these processes has ended: `PID,PID`")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.command = flags.Args()
	o.expand()
	o.except = strings.FieldsFunc(*except, func(r rune) bool { return r == ',' })
	return o, nil
}

// expand turns the name of a program of test/ into its command and its compose file.
func (o *options) expand() {
	if len(o.command) == 0 || filepath.Base(o.command[0]) != o.command[0] {
		return
	}
	dir := filepath.Join(o.root, "test", o.command[0])
	file := filepath.Join(dir, "compose.yml")
	if _, err := os.Stat(file); err != nil {
		return // a command of this machine
	}
	o.over = append(o.over, file)
	o.command = append([]string{"go", "run", "./test/" + o.command[0]}, o.command[1:]...)
}

// run returns the exit status: the command's, 1 after a failure, 2 for wrong flags.
func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The second Ctrl-C ends this process, and with it the services, at once.
	context.AfterFunc(ctx, stop)

	code, err := rehearse(ctx, o, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "rehearse:", err)
		return max(code, 1)
	}
	return code
}

func rehearse(ctx context.Context, o options, stdout, stderr io.Writer) (int, error) {
	at, err := prepareData(o)
	if err != nil {
		return 0, err
	}
	if !o.list {
		unlock, err := lock(at.data)
		if err != nil {
			return 0, err
		}
		defer unlock()
	}
	if o.fresh && !o.list {
		if err := wipe(at.data); err != nil {
			return 0, err
		}
	}
	project, err := load(ctx, at.root, o.over, filepath.Join(at.data, "secrets.env"), os.Environ(), len(o.command) > 0)
	if err != nil {
		return 0, err
	}
	network, release, err := claimNetwork()
	if err != nil {
		return 0, err
	}
	defer release()
	services, err := plan(project, at, network)
	if err != nil {
		return 0, err
	}
	if o.list {
		return 0, list(stdout, services, newState(services, at).Services, o.asJSON)
	}
	running, err := without(services, o.except)
	if err != nil {
		return 0, err
	}
	if names := together(running); len(names) > 0 {
		fmt.Fprintf(stderr, "%s: on loopback, since networks of their own need root and the program ip\n", strings.Join(names, ", "))
	}
	if err := network.build(ctx, running); err != nil {
		return 0, fmt.Errorf("making networks: %w", err)
	}
	defer network.remove(apart(running))
	state := newState(services, at)
	for _, name := range o.except {
		left := state.Services[name]
		left.State = stateLeftOut
		state.Services[name] = left
	}
	r, err := newRunner(running, at, state)
	if err != nil {
		return 0, err
	}
	return r.run(ctx, o, stdout, stderr)
}

// prepareData makes the data folder, and every path absolute.
func prepareData(o options) (places, error) {
	var at places
	var errs [4]error
	at.root, errs[0] = filepath.Abs(o.root)
	at.orak, errs[1] = filepath.Abs(o.orak)
	at.user, errs[2] = unprivileged()
	at.data, errs[3] = dataFolder(o.data, at.root, at.user)
	if err := errors.Join(errs[:]...); err != nil {
		return at, fmt.Errorf("finding folders: %w", err)
	}
	at.bin = filepath.Join(at.root, "bin")
	// The user of the services must be able to enter it; what is secret in it is its
	// owner's alone.
	if !o.list {
		if err := os.RemoveAll(filepath.Join(at.data, holdFolder)); err != nil {
			return at, fmt.Errorf("removing what holds services: %w", err)
		}
	}
	for _, folder := range []string{"log", holdFolder} {
		if err := os.MkdirAll(filepath.Join(at.data, folder), 0o755); err != nil {
			return at, fmt.Errorf("making the data folder: %w", err)
		}
	}
	return at, nil
}

// dataFolder is the given folder or the default. The services' user must be able to
// enter it: in a repository below /root, the default is a folder of /var/tmp.
func dataFolder(given, root string, u *user) (string, error) {
	folder, err := filepath.Abs(cmp.Or(given, filepath.Join(root, ".orak", "rehearsal")))
	if err != nil || u == nil || reachable(folder) {
		return folder, err
	}
	if given != "" {
		return "", fmt.Errorf("%s: services run as nobody, who cannot enter it", folder)
	}
	return filepath.Join("/var/tmp", fmt.Sprintf("orak-rehearsal-%08x", crc32.ChecksumIEEE([]byte(root)))), nil
}

// lock keeps a second rehearsal off the same folder.
func lock(data string) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(data, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the data folder's lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("another rehearsal runs on %s; name another folder with --data", data)
	}
	return func() { file.Close() }, nil
}

// wipe deletes what earlier rehearsals have left, and nothing else.
func wipe(data string) error {
	for _, name := range []string{"volumes", "services", "secrets.env", "rehearsal.json"} {
		if err := os.RemoveAll(filepath.Join(data, name)); err != nil {
			return fmt.Errorf("deleting old data: %w", err)
		}
	}
	return nil
}

// runner runs all services.
type runner struct {
	at          places
	services    []*service
	board       *board
	supervisors []*supervisor
}

// newState is the state before anything has started.
func newState(services []*service, at places) Rehearsal {
	state := Rehearsal{Services: map[string]Status{}, Env: settings(services)}
	for _, s := range services {
		state.Services[s.Name] = Status{
			State: stateWaiting, Address: s.address, Link: s.link, Ports: s.publications(), Image: s.Image, Hold: s.hold(), Volumes: s.volumes(),
			Log: filepath.Join(at.data, "log", s.Name+".log"), Command: s.argv, Env: s.env,
		}
	}
	return state
}

// newRunner runs the services; state has those that are left out, too.
func newRunner(services []*service, at places, state Rehearsal) (*runner, error) {
	r := &runner{at: at, services: services}
	spawner := newSpawner()
	for _, s := range services {
		log, err := openLog(state.Services[s.Name].Log, s.logSize())
		if err != nil {
			return nil, err
		}
		r.supervisors = append(r.supervisors, &supervisor{service: s, log: log, spawner: spawner})
	}
	var err error
	if r.board, err = newBoard(filepath.Join(at.data, "rehearsal.json"), state); err != nil {
		return nil, err
	}
	for _, s := range r.supervisors {
		s.board = r.board
		s.dependents = dependents(services, s.Name)
	}
	return r, nil
}

// dependents are the services that depend on one, directly or by others.
func dependents(services []*service, name string) (found []string) {
	for _, s := range services {
		if _, depends := s.DependsOn[name]; depends {
			found = append(append(found, s.Name), dependents(services, s.Name)...)
		}
	}
	return found
}

// run starts the services, waits for the command or for ctx, and stops them.
func (r *runner) run(ctx context.Context, o options, stdout, stderr io.Writer) (code int, err error) {
	began := time.Now()
	serving, stop := context.WithCancel(context.Background())
	defer stop()
	if err := r.publish(serving); err != nil {
		return 0, err
	}
	failed := make(chan error, len(r.supervisors))
	var all sync.WaitGroup
	for _, s := range r.supervisors {
		all.Go(func() {
			if err := s.run(serving); err != nil {
				failed <- err
			}
		})
	}
	defer func() {
		stopping := time.Now()
		stop()
		all.Wait()
		fmt.Fprintf(stderr, "stopped in %.1f s\n", time.Since(stopping).Seconds())
	}()
	if o.exitWith != "" {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		go awaitEndOf(o.exitWith, end)
	}
	if err := r.awaitUp(ctx, o.within, failed); err != nil {
		return 0, err
	}
	fmt.Fprintf(stderr, "%d services are up after %.1f s\n", len(r.supervisors), time.Since(began).Seconds())
	if len(o.command) > 0 {
		return r.command(ctx, o.command, stdout, stderr)
	}
	state, _, err := r.board.snapshot()
	if err != nil {
		return 0, err
	}
	if err := list(stdout, r.services, state, o.asJSON); err != nil {
		return 0, err
	}
	fmt.Fprintln(stderr, "Ctrl-C stops them")
	select {
	case <-ctx.Done():
		return 0, nil
	case err := <-failed:
		return 0, err
	}
}

// publish forwards every published port until ctx ends.
func (r *runner) publish(ctx context.Context) error {
	for _, s := range r.supervisors {
		for port, published := range s.publications() {
			target := net.JoinHostPort(s.address, strconv.FormatUint(uint64(port), 10))
			if err := forward(ctx, published, target); err != nil {
				return fmt.Errorf("%w (another port for %s is set as for docker compose; 0 takes a free one)", err, s.Name)
			}
		}
	}
	return nil
}

// awaitUp returns when every service is healthy and every job has succeeded.
func (r *runner) awaitUp(ctx context.Context, within time.Duration, failed <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- r.board.await(ctx, func(services map[string]Status) (bool, error) { return len(up(services)) == 0, nil })
	}()
	select {
	case err := <-failed:
		return err
	case err := <-done:
		if err == nil {
			return nil
		}
		return r.notUp(err)
	}
}

// notUp says which services are not up, with the end of their logs.
func (r *runner) notUp(err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("stopped while starting")
	}
	services, _, _ := r.board.snapshot()
	missing := up(services)
	slices.Sort(missing)
	var logs strings.Builder
	for _, s := range r.supervisors {
		if st := services[s.Name]; !st.Healthy && st.State != stateWaiting {
			fmt.Fprintf(&logs, "\n--- %s\n%s", s.Name, s.log.tail())
		}
	}
	return fmt.Errorf("not up in time: %s%s", strings.Join(missing, "; "), logs.String())
}

// command runs a command beside the services and returns its exit status.
func (r *runner) command(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	// What is built here, such as orak, is meant before what is installed.
	path := r.at.bin + ":" + os.Getenv("PATH")
	if err := os.Setenv("PATH", path); err != nil {
		return 0, fmt.Errorf("setting PATH: %w", err)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, stderr
	cmd.Env = append(os.Environ(), "ORAK_REHEARSAL="+r.board.path)
	for name, value := range r.board.state.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return cmp.Or(max(exit.ExitCode(), 0), 1), nil
	}
	if err != nil {
		return 0, fmt.Errorf("running the command: %w", err)
	}
	return 0, nil
}

// list prints the services as a table, or as the state file has them.
func list(w io.Writer, services []*service, state map[string]Status, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		// The settings hold a secret key: the file has them, standard output does not.
		for name, status := range state {
			status.Env = nil
			state[name] = status
		}
		return encoder.Encode(Rehearsal{Services: state})
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SERVICE\tADDRESS\tPUBLISHED\tPID\tPROGRAM\tLOG")
	for _, s := range services {
		st := state[s.Name]
		published := strings.Join(slices.Sorted(maps.Values(st.Ports)), " ")
		pid := "-"
		if st.PID != 0 {
			pid = strconv.Itoa(st.PID)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, s.address, cmp.Or(published, "-"), pid, shown(s.argv), relative(st.Log))
	}
	return table.Flush()
}

// shown is a command, shortened.
func shown(argv []string) string {
	text := strings.Join(append([]string{filepath.Base(argv[0])}, argv[1:]...), " ")
	if len(text) > 40 {
		return text[:39] + "…"
	}
	return text
}

func relative(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(short) {
		return short
	}
	return path
}

// awaitEndOf calls end once one of the processes, a list of ids, has ended.
func awaitEndOf(pids string, end func()) {
	for range time.Tick(500 * time.Millisecond) {
		for text := range strings.SplitSeq(pids, ",") {
			pid, err := strconv.Atoi(text)
			if err != nil || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
				end()
				return
			}
		}
	}
}
