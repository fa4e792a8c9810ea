package architecture

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The image is built from the product's own module. The tests run in the workspace,
// whose other modules can raise versions: they would then test another HTTP, S3, Kafka
// or YAML parser than the image has.
func TestImageAndWorkspaceLinkTheSameVersions(t *testing.T) {
	t.Parallel()
	shipped, tested := linked(t, "off"), linked(t, "")
	require.Greater(t, len(shipped), 20)
	require.Equal(t, tested, shipped, "raise the version in go.mod: GOWORK=off go get MODULE@VERSION && GOWORK=off go mod tidy")
	for _, module := range []string{
		"github.com/valyala/fasthttp", "github.com/gofiber/fiber/v2", "github.com/minio/minio-go/v7", "github.com/twmb/franz-go",
		"github.com/klauspost/compress", "google.golang.org/grpc", "google.golang.org/protobuf", "go.yaml.in/yaml/v3", "github.com/alecthomas/kong",
	} {
		require.Contains(t, shipped, module, "it parses what comes from outside")
	}
}

// linked returns the version of every module in the binary.
func linked(t *testing.T, workspace string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}", "./cmd/orak")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOWORK="+workspace)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	versions := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		if path != "" && path != module {
			versions[path] = version
		}
	}
	return versions
}
