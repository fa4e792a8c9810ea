package schemathesis

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/test/stack"
)

const (
	// programEnv names the command schemathesis.
	programEnv = "ORAK_SCHEMATHESIS"
	// secondsEnv is how long requests are sent; 60 by default.
	secondsEnv = "ORAK_SCHEMATHESIS_SECONDS"
)

func TestEveryAnswerIsInTheContract(t *testing.T) {
	program := os.Getenv(programEnv)
	require.NotEmpty(t, program, "run go tool task test:schemathesis, which sets "+programEnv)
	p := stack.StartUp(t, stack.Options{Env: []string{"ORAK_AUTH=required", "ORAK_LOG_LEVEL=error"}})
	report := filepath.Join(t.TempDir(), "report.txt")
	out, err := os.Create(report)
	require.NoError(t, err)
	defer out.Close()
	cmd := exec.Command(program, "--no-color", "run", p.API+"/v1/openapi.yaml", "--header", "Authorization: Bearer "+p.APIKey,
		"--max-time", cmp.Or(os.Getenv(secondsEnv), "60"), "--request-timeout", "30", "--continue-on-failure",
		// Streams are endless, and what describes tus asks for no credential.
		"--exclude-operation-id-regex", "^(stream|describe)",
		// Not whether a request should have been accepted: a schema does not say which bytes
		// are a recording, and where JSON has null the server takes it as absent.
		"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,ignored_auth",
		"--generation-database", "none", "--warnings", "off")
	cmd.Env = append(os.Environ(), "SCHEMATHESIS_HOOKS=hooks")
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	text, readErr := os.ReadFile(report)
	require.NoError(t, readErr)
	require.NoError(t, err, "%.20000s", strings.ReplaceAll(string(text), p.APIKey, "KEY"))
	t.Logf("%s", text[max(0, len(text)-1500):])
}
