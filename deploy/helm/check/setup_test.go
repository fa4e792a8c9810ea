package check

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	root  = "../../.."
	chart = root + "/deploy/helm/orak"
	// The versions of the operators whose objects the chart makes.
	keda     = "github.com/kedacore/keda/v2@v2.21.0"
	operator = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
)

var update = flag.Bool("update", false, "write the golden renderings anew")

// variants are the values of chart/ci, each of which has a golden rendering.
var variants = []string{"minimal", "production", "everything"}

// program returns a program of bin/, which `go tool task clusters:tools` builds.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, "bin", name))
	require.NoError(t, err)
	_, err = os.Stat(path)
	require.NoError(t, err, "go tool task clusters:tools builds it")
	return path
}

// module returns the folder of a module's files, fetched by the go command if it must be.
func module(t *testing.T, version string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", version)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := cmd.Output()
	require.NoError(t, err, string(out))
	var answer struct{ Dir string }
	require.NoError(t, json.Unmarshal(out, &answer))
	return answer.Dir
}

func valuesOf(variant string) string { return filepath.Join(chart, "ci", variant+"-values.yaml") }

// renderings are the results of helm by its arguments: many tests look at the same.
var renderings sync.Map

// template renders the chart as an installation into the namespace voices.
func template(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	render := func() ([]byte, error) {
		return helm(t, "/dev/null", append([]string{"template", "orak", chart, "--kube-version", "1.37.2"}, args...)...)
	}
	once, _ := renderings.LoadOrStore(strings.Join(args, "\n"), sync.OnceValues(render))
	return once.(func() ([]byte, error))()
}

// helm runs a command of helm on the cluster of a kubeconfig, without the settings or plugins
// of the person who runs the check.
func helm(t *testing.T, kubeconfig string, args ...string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, "helm"), append(args, "--namespace", namespace)...)
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HELM_CONFIG_HOME="+home, "HELM_CACHE_HOME="+home, "HELM_DATA_HOME="+home, "KUBECONFIG="+kubeconfig)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, &refusal{by: "helm", why: stderr.String()}
	}
	return out, nil
}

// refusal is why something is not taken, and by whom.
type refusal struct{ by, why string }

func (r *refusal) Error() string { return r.by + ": " + r.why }

func rendered(t *testing.T, variant string, args ...string) []Object {
	t.Helper()
	out, err := template(t, append([]string{"--values", valuesOf(variant)}, args...)...)
	require.NoError(t, err)
	objects, err := Parse(out)
	require.NoError(t, err)
	require.NotEmpty(t, objects)
	return objects
}

func rules(t *testing.T) Rules {
	t.Helper()
	document, err := os.ReadFile(root + "/docs/configuration.md")
	require.NoError(t, err)
	settings := Settings(string(document))
	require.Greater(t, len(settings), 150)
	require.Equal(t, Setting{Secret: true}, settings["ORAK_S3_SECRET_KEY"])
	require.Equal(t, Setting{Default: "45s"}, settings["ORAK_SHUTDOWN_TIMEOUT"])
	schema, err := os.ReadFile(filepath.Join(module(t, keda), "schema/generated/scalers-schema.json"))
	require.NoError(t, err)
	scalers, err := ReadScalers(schema)
	require.NoError(t, err)
	return Rules{Settings: settings, Scalers: scalers}
}
