package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/media/mediatest"
	"orak/test/stack"
)

// service is one service for all tests, which authenticates its callers.
var service = sync.OnceValues(func() (*stack.Process, error) {
	return stack.Launch("up", stack.Options{Env: []string{"ORAK_AUTH=required", "ORAK_LOG_LEVEL=warn"}})
})

func TestMain(m *testing.M) {
	code := m.Run()
	if p, err := service(); err == nil {
		_ = p.Close() // it is killed
	}
	os.Exit(code)
}

// run runs a program in dir with the server and its key in the environment, and returns
// what it printed.
func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	p, err := service()
	require.NoError(t, err)
	require.NotEmpty(t, p.APIKey)
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ORAK_URL="+p.API, "ORAK_API_KEY="+p.APIKey)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// recording writes a recording and returns its path, and one for the result.
func recording(t *testing.T) (sung, heard string) {
	t.Helper()
	dir := t.TempDir()
	sung, heard = filepath.Join(dir, "take.wav"), filepath.Join(dir, "heard.wav")
	require.NoError(t, os.WriteFile(sung, mediatest.WAV(16000, 1, mediatest.Tune(16000)), 0o600))
	return sung, heard
}

func requireSung(t *testing.T, out, heard string) {
	t.Helper()
	require.Contains(t, out, "sent as ")
	require.Contains(t, out, "webhook: orak.upload.completed")
	require.Regexp(t, `range [A-G]#?\d to [A-G]#?\d, \d+ beats per minute`, out)
	audio, err := os.ReadFile(heard)
	require.NoError(t, err)
	require.Equal(t, "RIFF", string(audio[:4]))
}

func TestGoProgramHearsOfItsUpload(t *testing.T) {
	sung, heard := recording(t)
	requireSung(t, run(t, "../..", "go", "run", "./examples/go", sung, heard), heard)
}

func TestJavaScriptProgramHearsOfItsUpload(t *testing.T) {
	sung, heard := recording(t)
	require.DirExists(t, "../../examples/javascript/node_modules", "run go tool task test:examples, which installs its packages")
	requireSung(t, run(t, "../../examples/javascript", "node", "sing.js", sung, heard), heard)
}

func TestCommandsOfTheGuideWork(t *testing.T) {
	script := "set -euo pipefail\n" + strings.Join(blocks(t, "sh"), "\n")
	out := run(t, t.TempDir(), "bash", "-c", script)
	for _, want := range []string{`"status":"queued"`, "event: end", `"integrated_lufs"`, `"f0_hz"`, `"owner":"user-17"`, `"status":"erasing"`} {
		require.Contains(t, out, want)
	}
}

func TestProgramsOfTheGuideAreTheExamples(t *testing.T) {
	for language, path := range map[string]string{"go": "../../examples/go/main.go", "js": "../../examples/javascript/sing.js"} {
		program, err := os.ReadFile(path)
		require.NoError(t, err)
		shown := blocks(t, language)
		require.NotEmpty(t, shown)
		for _, block := range shown {
			require.Contains(t, string(program), block)
		}
	}
}

// blocks returns the code in a language that docs/api.md shows.
func blocks(t *testing.T, language string) (found []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/api.md")
	require.NoError(t, err)
	for i, part := range strings.Split(string(text), "```") {
		name, code, _ := strings.Cut(part, "\n")
		if i%2 == 0 {
			continue
		}
		require.Contains(t, []string{"sh", "go", "js"}, name, "code that no test runs")
		if name == language {
			found = append(found, code)
		}
	}
	return found
}
