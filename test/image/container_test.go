package image

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/test/leaks"
	"orak/test/stack"
)

// The environment variables that name the image.
const (
	rootEnv   = "ORAK_IMAGE_ROOT"
	configEnv = "ORAK_IMAGE_CONFIG"
)

// patience bounds every wait, on a busy machine.
const patience = 2 * time.Minute

func TestMain(m *testing.M) { os.Exit(leaks.Run(m)) }

// image is the built image, as far as it says how to run it.
type image struct {
	root        string
	User        string
	Env         []string
	Entrypoint  []string
	Cmd         []string
	Volumes     map[string]struct{}
	Healthcheck struct{ Test []string }
}

func open(t *testing.T) image {
	t.Helper()
	root, path := os.Getenv(rootEnv), os.Getenv(configEnv)
	require.NotEmpty(t, root, "no image under test: run `go tool task image`")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var inspected struct {
		Docker struct {
			Config image `json:"config"`
		}
	}
	require.NoError(t, json.Unmarshal(text, &inspected))
	inspected.Docker.Config.root = root
	return inspected.Docker.Config
}

// container is one run of the image.
type container struct {
	t     *testing.T
	id    string
	state string
}

// bundle prepares a container that runs args with settings ("ORAK_LOG_FORMAT=json")
// beside the image's own. The command returned runs it to its end.
func (i image) bundle(t *testing.T, args, settings []string) (container, *exec.Cmd) {
	t.Helper()
	c := container{t: t, id: "orak-" + strings.ToLower(rand.Text()[:12]), state: t.TempDir()}
	text, err := json.Marshal(i.spec(args, slices.Concat(i.Env, settings)))
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "config.json"), text, 0o600))
	return c, c.runc("run", "--bundle", folder, c.id)
}

// spec is the container as the runtime specification of the Open Container
// Initiative describes it.
func (i image) spec(args, env []string) map[string]any {
	type object = map[string]any
	tmpfs := func(path string, options ...string) object {
		return object{"destination": path, "type": "tmpfs", "source": "tmpfs", "options": append(options, "nosuid", "nodev", "noexec")}
	}
	mounts := []object{
		{"destination": "/proc", "type": "proc", "source": "proc"},
		{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "strictatime", "mode=755", "size=64k"}},
		tmpfs("/tmp", "size=16m", "mode=1777"),
		{"destination": "/sys", "type": "bind", "source": "/sys", "options": []string{"rbind", "ro"}},
	}
	for path := range i.Volumes {
		mounts = append(mounts, tmpfs(path, "size=512m", "mode=0700", "uid=65532", "gid=65532"))
	}
	return object{
		"ociVersion": "1.0.2",
		"process": object{
			"user": object{"uid": 65532, "gid": 65532}, "cwd": "/", "args": args, "env": env,
			"noNewPrivileges": true, "capabilities": object{},
		},
		"root":   object{"path": i.root, "readonly": true},
		"mounts": mounts,
		"linux": object{
			"namespaces":  []object{{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}},
			"maskedPaths": []string{"/proc/kcore", "/proc/keys", "/sys/firmware"}, "readonlyPaths": []string{"/proc/sys"},
		},
	}
}

func (c container) runc(args ...string) *exec.Cmd {
	return exec.Command("runc", append([]string{"--root", c.state}, args...)...)
}

// exec runs a program of the image to its end, and returns what it prints.
func (i image) exec(t *testing.T, args ...string) string {
	t.Helper()
	_, cmd := i.bundle(t, args, nil)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", args, out)
	return string(out)
}

// start runs a role until the end of t.
func (i image) start(t *testing.T, role string, settings ...string) container {
	t.Helper()
	c, cmd := i.bundle(t, slices.Concat(i.Entrypoint, []string{role}), settings)
	child, err := stack.Run(cmd, func(string) bool { return false })
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := child.End(syscall.SIGTERM, patience); err != nil {
			t.Errorf("%s ended with %v", role, err)
			_ = c.runc("delete", "--force", c.id).Run()
		}
		if t.Failed() {
			log := child.Output()
			t.Logf("the end of the log of %s:\n%s", role, log[max(0, len(log)-10_000):])
		}
	})
	return c
}

// healthy waits until the image's health check, asking port, succeeds within the
// container.
func (c container) healthy(check []string, port string) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		return c.runc("exec", c.id, check[0], port).Run() == nil
	}, patience, 200*time.Millisecond, "the health check succeeds")
}
