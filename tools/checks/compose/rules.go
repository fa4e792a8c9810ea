package compose

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// rule finds the breaches of one service.
type rule struct {
	why   string
	check func(*Deployment, types.ServiceConfig) []string
}

var rules = []rule{
	{"a moving tag makes two machines run different images", pinned},
	{"a port outside of loopback is open to the network, without a login", loopback},
	{"start order and `up --wait` are only as good as the health checks", healthy},
	{"a container that can take over its host does not isolate", fenced},
	{"the image is the same everywhere; differences are settings, not mounts", mounts},
	{"one part that fails must not take the others down", bounded},
	{"one header must not be enough to decide on every tenant's uploads", apart},
	{"a misspelt setting is silently not set", known},
	{"a secret in the file is in the repository", secrets},
	{"a drain that is cut off leaves its work to a timeout", drained},
}

// Check returns what is wrong, one line each, with the reason.
func Check(d *Deployment) []string {
	found := variables(d)
	for _, name := range slices.Sorted(mapKeys(d.Project.Services)) {
		service := d.Project.Services[name]
		for _, r := range rules {
			for _, what := range r.check(d, service) {
				found = append(found, fmt.Sprintf("%s: %s (why: %s)", name, what, r.why))
			}
		}
	}
	return found
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

var versionTag = regexp.MustCompile(`:[^:/@]*[0-9][^:/@]*$|@sha256:[0-9a-f]{64}$`)

func pinned(_ *Deployment, s types.ServiceConfig) []string {
	if ours(s) || versionTag.MatchString(s.Image) {
		return nil
	}
	return []string{"image " + s.Image + " has no version"}
}

func loopback(_ *Deployment, s types.ServiceConfig) (found []string) {
	if s.NetworkMode != "" {
		found = append(found, "network_mode "+s.NetworkMode)
	}
	for _, p := range s.Ports {
		if ip := net.ParseIP(p.HostIP); ip == nil || !ip.IsLoopback() {
			found = append(found, fmt.Sprintf("port %d is published on %q", p.Target, p.HostIP))
		}
	}
	return found
}

func healthy(d *Deployment, s types.ServiceConfig) (found []string) {
	// Our own images contain their health check.
	if !once(s) && (s.HealthCheck == nil || len(s.HealthCheck.Test) == 0 && !ours(s) || s.HealthCheck.Disable) {
		found = append(found, "no health check")
	}
	for name, on := range s.DependsOn {
		want := types.ServiceConditionHealthy
		if once(d.Project.Services[name]) {
			want = types.ServiceConditionCompletedSuccessfully
		}
		if on.Condition != want {
			found = append(found, fmt.Sprintf("waits for %s to be %s, not %s", name, on.Condition, want))
		}
	}
	slices.Sort(found)
	return found
}

func fenced(_ *Deployment, s types.ServiceConfig) (found []string) {
	if s.Privileged || len(s.CapAdd) > 0 || s.Pid == "host" || s.Ipc == "host" || len(s.Devices) > 0 {
		found = append(found, "privileged, or a part of the host's")
	}
	if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
		found = append(found, "may gain privileges")
	}
	if ours(s) && (!s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || s.User == "root" || s.User == "0") {
		found = append(found, "not read-only, not without capabilities, or root")
	}
	return found
}

func mounts(d *Deployment, s types.ServiceConfig) (found []string) {
	for _, v := range s.Volumes {
		if v.Type != types.VolumeTypeBind {
			continue
		}
		if relative, err := filepath.Rel(d.Dir, v.Source); err != nil || !filepath.IsLocal(relative) {
			found = append(found, v.Source+" is mounted from outside the project")
		}
		if _, err := os.Stat(v.Source); err != nil {
			found = append(found, v.Source+" is mounted and missing")
		}
		if !v.ReadOnly {
			found = append(found, v.Source+" is mounted for writing")
		}
	}
	return found
}

func bounded(_ *Deployment, s types.ServiceConfig) (found []string) {
	if s.Deploy == nil || s.Deploy.Resources.Limits == nil || s.Deploy.Resources.Limits.MemoryBytes == 0 || s.Deploy.Resources.Limits.NanoCPUs == 0 {
		found = append(found, "no limit of memory or CPU")
	}
	if s.Logging == nil || s.Logging.Options["max-size"] == "" {
		found = append(found, "a log without a bound")
	}
	if s.Restart == "" || s.Restart == types.RestartPolicyNo {
		found = append(found, "no restart policy")
	}
	return found
}

func known(d *Deployment, s types.ServiceConfig) (found []string) {
	for name := range s.Environment {
		if ours(s) && strings.HasPrefix(name, "ORAK_") && !d.Settings[name] {
			found = append(found, name+" is not in docs/configuration.md")
		}
	}
	slices.Sort(found)
	return found
}

func apart(_ *Deployment, s types.ServiceConfig) []string {
	if _, set := s.Environment["ORAK_API_ALL_TENANTS"]; ours(s) && set {
		return []string{"ORAK_API_ALL_TENANTS is set"}
	}
	return nil
}

var secretName = regexp.MustCompile(`PASSWORD|PWD|SECRET|TOKEN|WEBHOOK_URL`)

// secrets relies on Load, which puts the stand-in for values of the user.
func secrets(_ *Deployment, s types.ServiceConfig) (found []string) {
	for name, value := range s.Environment {
		if secretName.MatchString(name) && value != nil && *value != secret {
			found = append(found, name+" is written out or has a default")
		}
	}
	slices.Sort(found)
	return found
}

func drained(_ *Deployment, s types.ServiceConfig) []string {
	if !ours(s) {
		return nil
	}
	timeout := drain(s)
	if timeout == "" || s.StopGracePeriod == nil {
		return []string{"ORAK_SHUTDOWN_TIMEOUT (or --drain) and stop_grace_period are not both set"}
	}
	own, err := time.ParseDuration(timeout)
	if err != nil || own >= time.Duration(*s.StopGracePeriod) {
		return []string{fmt.Sprintf("may drain for %s and is killed after %s", timeout, s.StopGracePeriod)}
	}
	return nil
}

// drain is how long a service's graceful stop may take: a setting for a role, a flag
// in seconds for the model server.
func drain(s types.ServiceConfig) string {
	if i := slices.Index(s.Command, "--drain"); i >= 0 && i+1 < len(s.Command) {
		return s.Command[i+1] + "s"
	}
	if timeout := s.Environment["ORAK_SHUTDOWN_TIMEOUT"]; timeout != nil {
		return *timeout
	}
	return ""
}

// variables compares .env.example with the variables of docker-compose.yml.
func variables(d *Deployment) (found []string) {
	for _, name := range slices.Sorted(mapKeys(d.Variables)) {
		example, listed := d.Example[name]
		fallback := d.Variables[name].DefaultValue
		switch {
		case !listed:
			found = append(found, name+" is used and not in .env.example")
		case fallback != "" && fallback != example:
			found = append(found, fmt.Sprintf("%s is %q in .env.example and %q by default", name, example, fallback))
		case example == "" && secretName.MatchString(name) && fallback != "":
			found = append(found, name+" is a secret with a default")
		}
	}
	for _, name := range slices.Sorted(mapKeys(d.Example)) {
		if _, used := d.Variables[name]; !used && !strings.HasPrefix(name, "COMPOSE_") { // docker compose's own
			found = append(found, name+" is in .env.example and not used")
		}
	}
	return found
}
