package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// service is a service of docker-compose.yml as a process.
type service struct {
	types.ServiceConfig

	placement
	folder string // its working directory, home and files
	argv   []string
	env    []string
	// prepare makes its files. It runs before the first start, and may be nil.
	prepare func(context.Context) error
	// tidy runs before every start, as an image's entrypoint does; it may be nil.
	tidy func(context.Context) error
	// probe is its health check; nil for none.
	probe func(context.Context) error
	stop  syscall.Signal

	translation translation
	places      places
}

// places are where things are on this machine.
type places struct {
	root string // the repository
	bin  string // built programs
	orak string // orak's program
	data string // all that the rehearsal writes
	user *user  // the user of the services; nil for the one that runs this
}

// plan translates the services of a project.
func plan(project *types.Project, at places, n network) ([]*service, error) {
	names := slices.Sorted(maps.Keys(project.Services))
	placed, hosts := map[string]placement{}, map[string]string{}
	for i, name := range names {
		placed[name] = n.place(project.Services[name].Labels[ownNetwork] == "own", 10+i)
		hosts[name] = placed[name].address
	}
	var services []*service
	for _, name := range names {
		s, err := newService(project.Services[name], at, placed[name], hosts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		services = append(services, s)
	}
	return services, nil
}

// without leaves services out. It is an error to leave out what another depends on.
func without(services []*service, names []string) ([]*service, error) {
	out := map[string]bool{}
	for _, name := range names {
		if !slices.ContainsFunc(services, func(s *service) bool { return s.Name == name }) {
			return nil, fmt.Errorf("--except %s: there is no such service", name)
		}
		out[name] = true
	}
	kept := slices.DeleteFunc(slices.Clone(services), func(s *service) bool { return out[s.Name] })
	for _, s := range kept {
		for name := range s.DependsOn {
			if out[name] {
				return nil, fmt.Errorf("--except %s: %s depends on it", name, s.Name)
			}
		}
	}
	return kept, nil
}

func newService(cfg types.ServiceConfig, at places, where placement, hosts map[string]string) (*service, error) {
	s := &service{ServiceConfig: cfg, placement: where, folder: filepath.Join(at.data, "services", cfg.Name), stop: syscall.SIGTERM, places: at}
	s.translation = newTranslation(s.address, hosts, s.mounts())
	p, err := programOf(cfg)
	if err != nil {
		return nil, err
	}
	vars := map[string]string{}
	for name, value := range cfg.Environment {
		if value != nil {
			vars[name] = s.translation.variable(name, *value)
		}
	}
	command := s.translate(cfg.Command)
	if err := p(s, vars, command); err != nil {
		return nil, err
	}
	if len(cfg.Entrypoint) > 0 {
		s.argv = append(s.translate(cfg.Entrypoint), command...)
	}
	// A container has nothing of the environment of its host; a process needs to find
	// programs.
	vars["PATH"] = at.bin + ":" + os.Getenv("PATH")
	vars["HOME"] = s.folder
	vars["TMPDIR"] = filepath.Join(s.folder, "tmp")
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		s.env = append(s.env, name+"="+vars[name])
	}
	return s, s.check()
}

func (s *service) translate(args []string) []string {
	var translated []string
	for _, arg := range args {
		translated = append(translated, s.translation.text(arg))
	}
	return translated
}

// mounts returns the folder of this machine for each path that is mounted in the
// container, except /tmp, which every program finds by TMPDIR.
func (s *service) mounts() map[string]string {
	paths := map[string]string{}
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeVolume {
			paths[v.Target] = filepath.Join(s.places.data, "volumes", v.Source)
			continue
		}
		paths[v.Target] = v.Source
	}
	for _, v := range s.Tmpfs {
		if path, _, _ := strings.Cut(v, ":"); path != "/tmp" {
			paths[path] = filepath.Join(s.folder, "tmpfs", path)
		}
	}
	return paths
}

// volumes returns the folder of each volume by its path in the container.
func (s *service) volumes() map[string]string {
	folders := map[string]string{}
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeVolume {
			folders[v.Target] = s.translation.paths[v.Target]
		}
	}
	return folders
}

// holdFolder has a file for each service that is held.
const holdFolder = "hold"

// hold is the file that holds the service.
func (s *service) hold() string { return filepath.Join(s.places.data, holdFolder, s.Name) }

// makeFolders makes the folders that the service writes to, as its user's.
func (s *service) makeFolders() error {
	for _, dir := range []string{s.folder, filepath.Join(s.places.data, "volumes")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making a folder: %w", err)
		}
	}
	// The user must be able to enter the folder of its mounts, too.
	own := []string{s.folder, filepath.Join(s.folder, "tmp"), filepath.Join(s.folder, "tmpfs")}
	for _, path := range s.translation.paths {
		if relative, err := filepath.Rel(s.places.data, path); err == nil && filepath.IsLocal(relative) {
			own = append(own, path)
		}
	}
	for _, dir := range own {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making a folder: %w", err)
		}
		if err := s.places.user.own(dir); err != nil {
			return err
		}
	}
	return nil
}

// emptyTmpfs removes what the last container would have lost.
func (s *service) emptyTmpfs() error {
	for _, dir := range []string{filepath.Join(s.folder, "tmp"), filepath.Join(s.folder, "tmpfs")} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("emptying a tmpfs: %w", err)
		}
	}
	return nil
}

// command prepares a process of the service's user, in its folder and environment. It
// is killed when ctx ends.
func (s *service) command(ctx context.Context, argv []string) (*exec.Cmd, error) {
	program, err := lookPath(argv[0], s.places.bin)
	if err != nil {
		return nil, err
	}
	cmd := s.places.user.command(ctx, s.folder, s.places.root, append([]string{program}, argv[1:]...))
	cmd.Env = s.env
	return cmd, nil
}

// lookPath finds a program in the folder of built programs, or in PATH.
func lookPath(name, bin string) (string, error) {
	if built := filepath.Join(bin, name); !strings.Contains(name, "/") {
		if _, err := os.Stat(built); err == nil {
			return built, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", name, err)
	}
	return path, nil
}

// publications returns the published ports: the address on this machine by the
// service's own port.
func (s *service) publications() map[uint32]string {
	ports := map[uint32]string{}
	for _, p := range s.Ports {
		if p.Published != "" {
			ports[p.Target] = net.JoinHostPort(p.HostIP, p.Published)
		}
	}
	return ports
}

// grace is how long a stop may take before the service is killed; 10 s is Docker's default.
func (s *service) grace() time.Duration {
	if s.StopGracePeriod == nil {
		return 10 * time.Second
	}
	return time.Duration(*s.StopGracePeriod)
}

// restarts reports whether the policy starts a service again that has ended by itself.
func (s *service) restarts(failed bool, done int) bool {
	policy, limit, limited := strings.Cut(s.Restart, ":")
	switch policy {
	case types.RestartPolicyAlways, types.RestartPolicyUnlessStopped:
		return true
	case types.RestartPolicyOnFailure:
		most, err := strconv.Atoi(limit)
		return failed && (!limited || err == nil && done < most)
	}
	return false
}

// job reports whether others wait for the end of the service.
func (s *service) job() bool { return strings.HasPrefix(s.Restart, types.RestartPolicyOnFailure) }

// logSize is the size in bytes at which a log begins anew.
func (s *service) logSize() int64 {
	const fallback = 10 << 20
	if s.Logging == nil {
		return fallback
	}
	number, ok := strings.CutSuffix(s.Logging.Options["max-size"], "m")
	size, err := strconv.Atoi(number)
	if !ok || err != nil {
		return fallback
	}
	return int64(size) << 20
}

// check refuses what this program does not translate, instead of leaving it out.
func (s *service) check() error {
	var errs []error
	if s.Deploy != nil && s.Deploy.Replicas != nil && *s.Deploy.Replicas != 1 {
		errs = append(errs, errors.New("more than one replica is not supported"))
	}
	if s.NetworkMode != "" {
		errs = append(errs, errors.New("network_mode is not supported"))
	}
	if s.StopSignal != "" {
		errs = append(errs, errors.New("stop_signal is not supported"))
	}
	return errors.Join(errs...)
}

// settings are the ORAK_ variables with which a program reaches the rehearsal: those of
// the service "api", and its address.
func settings(services []*service) map[string]string {
	found := map[string]string{}
	for _, s := range services {
		if s.Name != "api" {
			continue
		}
		for _, entry := range s.env {
			name, value, _ := strings.Cut(entry, "=")
			for _, part := range []string{"KAFKA", "S3", "TEMPORAL"} {
				if strings.HasPrefix(name, "ORAK_"+part+"_") {
					found[name] = value
				}
			}
			if name == "ORAK_API_ADDR" {
				found["ORAK_SERVER"] = "http://" + value
			}
		}
	}
	return found
}
