package docs

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const root = "../.."

// tasks is the checked part of Taskfile.yml.
type tasks struct {
	Vars  map[string]string
	Tasks map[string]struct {
		Desc     string
		Internal bool
	}
}

func readTasks(t *testing.T) (file tasks) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "Taskfile.yml"))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(content, &file))
	require.NotEmpty(t, file.Tasks)
	return file
}

// Each test that `task test` leaves out has its own task, and continuous
// integration runs every such task.
func TestContinuousIntegrationRunsEveryTestTask(t *testing.T) {
	t.Parallel()
	var runs string
	for _, name := range []string{".ci/run", ".ci/readme", ".ci/long"} {
		content, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		runs += string(content)
	}
	for name := range readTasks(t).Tasks {
		if name == "test" || strings.HasPrefix(name, "test:") || strings.HasSuffix(name, ":test") {
			require.Regexp(t, `(?m)go tool task `+regexp.QuoteMeta(name)+`$`, runs)
		}
	}
}

func TestTestsThatHaveATaskOfTheirOwnExist(t *testing.T) {
	t.Parallel()
	var names []string
	require.NoError(t, walk(os.DirFS(root), ".go", func(_ string, content []byte) error {
		names = append(names, submatches(regexp.MustCompile(`(?m)^func (Test\w+)\(`), string(content))...)
		return nil
	}))
	vars := readTasks(t).Vars
	for _, list := range []string{vars["STORMS"], vars["OPERATORS"]} {
		alternatives := regexp.MustCompile(`^\^Test\((.+)\)$`).FindStringSubmatch(list)
		require.NotNil(t, alternatives, list)
		for _, beginning := range strings.Split(alternatives[1], "|") {
			require.True(t, slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "Test"+beginning) }), beginning)
		}
	}
}

func TestTasksThatDocumentsNameExist(t *testing.T) {
	t.Parallel()
	taskfile := readTasks(t)
	for name, task := range taskfile.Tasks {
		require.True(t, task.Internal || task.Desc != "", "task %s does not say what it does", name)
	}
	for name, document := range documents(t) {
		for _, task := range Tasks(document) {
			found, exists := taskfile.Tasks[task]
			require.True(t, exists && !found.Internal, "%s names the task %s", name, task)
		}
	}
}

func TestCommandsThatDocumentsNameExist(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "orak")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/orak")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	commands := map[string][]string{} // words → documents
	for name, document := range documents(t) {
		for _, words := range Commands(document) {
			commands[words] = append(commands[words], name)
		}
	}
	require.NotEmpty(t, commands)
	for _, words := range slices.Sorted(maps.Keys(commands)) {
		args := append(strings.Fields(words), "--help")
		out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
		require.NoError(t, err, "orak %s, of %v: %s", words, commands[words], out)
	}
}

// The changelog also names paths that are gone.
func TestPathsThatDocumentsNameExist(t *testing.T) {
	t.Parallel()
	tree := os.DirFS(root)
	for name, document := range documents(t) {
		if name == "CHANGELOG.md" {
			continue
		}
		for _, p := range Paths(tree, document) {
			_, err := fs.Stat(tree, p)
			require.NoError(t, err, "%s names it", name)
		}
	}
}

// The commands are not run here, since they write goldens and histories; the
// packages, tests and flags that they name exist.
func TestGoTestsThatDocumentsNameExist(t *testing.T) {
	t.Parallel()
	found := 0
	for name, document := range documents(t) {
		for _, call := range GoTests(document) {
			found++
			files, err := filepath.Glob(filepath.Join(root, call.Package, "*_test.go"))
			require.NoError(t, err)
			var source strings.Builder
			for _, file := range files {
				content, err := os.ReadFile(file)
				require.NoError(t, err)
				source.Write(content)
			}
			require.Regexp(t, `(?m)^func Test\w*`+call.Run, source.String(), "%s names %+v", name, call)
			for _, flag := range call.Flags {
				require.Contains(t, source.String(), `flag.Bool("`+flag+`"`, "%s names %+v", name, call)
			}
		}
	}
	require.Positive(t, found)
}

// The workflow runs the same script, with actions that are pinned to a commit.
func TestWorkflowRunsTheScriptFromPinnedActions(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join(root, ".github", "workflows", "ci.yml"))
	require.NoError(t, err)
	var file struct {
		Permissions map[string]string
		Jobs        map[string]struct {
			Timeout int `yaml:"timeout-minutes"`
			Steps   []struct {
				Uses string
				Run  string
				With map[string]any
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(content, &file))
	require.Equal(t, map[string]string{"contents": "read"}, file.Permissions)
	job := file.Jobs["ci"]
	require.Positive(t, job.Timeout)
	var runs []string
	for _, step := range job.Steps {
		if step.Uses != "" {
			require.Regexp(t, `^[\w/-]+@[0-9a-f]{40}$`, step.Uses)
			continue
		}
		runs = append(runs, step.Run)
		require.FileExists(t, filepath.Join(root, step.Run))
	}
	require.Equal(t, []string{".ci/run", ".ci/long"}, runs)
}

func TestLinksOfDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	for name, document := range documents(t) {
		require.Empty(t, DeadLinks(os.DirFS(root), name, document), name)
	}
}

func TestEveryDirectDependencyHasAReason(t *testing.T) {
	t.Parallel()
	document := documents(t)["docs/dependencies.md"]
	for _, module := range []string{"go.mod", "standalone/go.mod", "tools/go.mod", "tools/checks/go.mod", "deploy/grafana/go.mod", "tools/kube/go.mod", "deploy/helm/check/go.mod"} {
		used, err := Dependencies(os.DirFS(root), filepath.Dir(module))
		require.NoError(t, err)
		require.NotEmpty(t, used, module)
		reasons := Reasons(document, module)
		require.ElementsMatch(t, used, slices.Collect(maps.Keys(reasons)), module)
		for name, reason := range reasons {
			require.Greater(t, len(reason), 15, "%s has no reason worth reading", name)
		}
	}
}

func TestGlossaryIsAlphabeticalAndHasEachWordOnce(t *testing.T) {
	t.Parallel()
	words := submatches(regexp.MustCompile(`(?m)^- \*\*(.+)\*\*: `), documents(t)["docs/glossary.md"])
	require.NotEmpty(t, words)
	for i := range words {
		words[i] = strings.ToLower(words[i])
	}
	require.Equal(t, slices.Compact(slices.Sorted(slices.Values(words))), words)
}

// Each finder finds something.
func TestFindersFind(t *testing.T) {
	t.Parallel()
	document := "Run `go tool task up`, or:\n```sh\norak dlq list | grep x\ngo run ./cmd/orak upload FILE --watch\n```\n" +
		"The orak service. [here](a.md#part) [gone](../b.md) [away](https://example.org)"
	require.Equal(t, []string{"up"}, Tasks(document))
	require.Equal(t, []string{"dlq list", "upload"}, Commands(document))
	require.Equal(t, []string{"api/config.go", "bridge/lag"}, Paths(fstest.MapFS{"api/x": {}, "bridge/x": {}}, "`api/config.go` `pending/x` `api/` bridge/y\n```sh\ngo test ./bridge/lag/...\n```\n"))
	require.Equal(t, []GoTest{{Package: "worker", Run: "Done", Flags: []string{"record"}}}, GoTests("```sh\ngo test ./worker -run Done -record   # once\n```\n"))
	require.Equal(t, []string{"../b.md"}, DeadLinks(fstest.MapFS{"docs/a.md": {}}, "docs/x.md", document))

	tree := fstest.MapFS{
		"go.mod":        {Data: []byte("module orak\n\nrequire example.org/one v1.0.0\n\nrequire (\n\texample.org/two/v2 v2.0.0 // indirect\n\texample.org/three v1.0.0\n)\n")},
		"a.go":          {Data: []byte("package a\nimport _ \"example.org/two/v2/sub\"\nimport _ \"example.org/one\"\nimport _ \"fmt\"\n")},
		"nested/go.mod": {Data: []byte("module orak/nested\n")},
		"nested/a.go":   {Data: []byte("package a\nimport _ \"example.org/three\"\n")},
	}
	used, err := Dependencies(tree, ".")
	require.NoError(t, err)
	require.Equal(t, []string{"example.org/one", "example.org/two/v2"}, used)
	require.Equal(t, map[string]string{"example.org/one": "why"}, Reasons("# D\n\n## go.mod\n\n| `example.org/one` | why |\n\n## other\n\n| `x.org/y` | z |\n", "go.mod"))
}

func documents(t *testing.T) map[string]string {
	t.Helper()
	documents, err := Documents(os.DirFS(root))
	require.NoError(t, err)
	require.Contains(t, documents, "README.md")
	return documents
}
