package compose

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
)

func TestImageIsPinnedAndNotRoot(t *testing.T) {
	t.Parallel()
	dockerfile := read(t, "Dockerfile")
	for _, from := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(dockerfile, -1) {
		require.Regexp(t, versionTag, from[1])
	}
	require.Regexp(t, `(?m)^USER [1-9][0-9]*:[1-9][0-9]*$`, dockerfile)
	require.Regexp(t, `(?m)^HEALTHCHECK `, dockerfile)
	require.Regexp(t, `(?m)^ENTRYPOINT \["orak"\]$`, dockerfile, "so that the process itself gets the stop signal")
	for _, copied := range regexp.MustCompile(`(?m)^COPY (?:--chmod=\d+ )?(deploy/\S+)`).FindAllStringSubmatch(dockerfile, -1) {
		_, err := os.Stat(filepath.Join(root, copied[1]))
		require.NoError(t, err)
	}
}

func TestModelServerImageIsPinnedNotRootAndComplete(t *testing.T) {
	t.Parallel()
	dockerfile := read(t, "modelserver/Dockerfile")
	from := regexp.MustCompile(`(?m)^FROM (\S+)`).FindStringSubmatch(dockerfile)
	require.NotNil(t, from)
	require.Regexp(t, versionTag, from[1])
	target := regexp.MustCompile(`target-version = "py3(\d+)"`).FindStringSubmatch(read(t, "modelserver/pyproject.toml"))
	require.NotNil(t, target)
	require.Contains(t, from[1], "python:3."+target[1]+".", "the Python that the requirements were made with")
	require.Regexp(t, `(?m)^USER [1-9][0-9]*:[1-9][0-9]*$`, dockerfile)
	require.Regexp(t, `(?m)^HEALTHCHECK `, dockerfile)
	require.Regexp(t, `(?m)^ENTRYPOINT \["python", "-m", "server"\]$`, dockerfile)

	ignored := ignoredBy(t, "modelserver/.dockerignore")
	files, err := fs.Glob(os.DirFS(filepath.Join(root, "modelserver")), "*/*.py")
	require.NoError(t, err)
	files = append(files, "requirements.txt", "requirements-gpu.txt", "models/pitch/manifest.json", "models/pitch/model.onnx")
	served := 0
	for _, file := range files {
		needed := strings.HasPrefix(file, "server/") || path.Ext(file) != ".py"
		require.Equal(t, !needed, ignored(file), file)
		if strings.HasPrefix(file, "server/") {
			served++
		}
	}
	require.Greater(t, served, 5)
	require.True(t, ignored(".venv/bin/python"))
}

// ignoredBy returns whether a .dockerignore keeps a file out of an image.
func ignoredBy(t *testing.T, name string) func(file string) bool {
	t.Helper()
	patterns, err := ignorefile.ReadAll(strings.NewReader(read(t, name)))
	require.NoError(t, err)
	matcher, err := patternmatcher.New(patterns)
	require.NoError(t, err)
	return func(file string) bool {
		t.Helper()
		ignored, err := matcher.MatchesOrParentMatches(file)
		require.NoError(t, err)
		return ignored
	}
}

// Tests run the versions that are deployed.
func TestVersionsAreTheSameInEveryFile(t *testing.T) {
	t.Parallel()
	own, err := modfile.Parse("go.mod", []byte(read(t, "go.mod")), nil)
	require.NoError(t, err)
	require.Contains(t, read(t, "Dockerfile"), "FROM golang:"+own.Go.Version+"-")

	standalone, err := modfile.Parse("go.mod", []byte(read(t, "standalone/go.mod")), nil)
	require.NoError(t, err)
	versions := map[string]string{}
	for _, r := range standalone.Require {
		versions[r.Mod.Path] = strings.TrimPrefix(r.Mod.Version, "v")
	}
	file := read(t, "docker-compose.yml")
	require.Contains(t, file, "image: temporalio/server:"+versions["go.temporal.io/server"]+"\n")
	require.Contains(t, file, "image: temporalio/admin-tools:"+versions["go.temporal.io/server"]+"\n", "the schema's version is the server's")
	require.Contains(t, file, "image: temporalio/ui:"+versions["github.com/temporalio/ui-server/v2"]+"\n")
	require.Contains(t, file, ":-versity/versitygw:v"+versions["github.com/versity/versitygw"]+"}\n")
	tasks := read(t, "Taskfile.yml")
	for name, module := range map[string]string{"TEMPORAL": "go.temporal.io/server", "TEMPORAL_UI": "github.com/temporalio/ui-server/v2", "VERSITYGW": "github.com/versity/versitygw"} {
		require.Contains(t, tasks, "      "+name+": v"+versions[module]+"\n", "the rehearsal's versions are those of docker-compose.yml")
	}

	kafka := regexp.MustCompile(`<artifactId>kafka_2\.13</artifactId>\s*<version>([^<]+)</version>`).FindStringSubmatch(read(t, "deploy/kafka/pom.xml"))
	require.NotNil(t, kafka)
	require.Contains(t, file, "image: apache/kafka:"+kafka[1]+"\n")
}

// The image is built from what .dockerignore admits. A needed folder that it
// ignores would break a build that a machine without an engine cannot try.
func TestBuildContextHoldsTheWholeProgram(t *testing.T) {
	t.Parallel()
	ignored := ignoredBy(t, ".dockerignore")
	files := []string{"go.mod", "go.sum", "deploy/healthcheck.sh", "deploy/ffmpeg/build.sh", "deploy/ffmpeg/components.txt"}
	seen := map[string]bool{}
	sources(t, "cmd/orak", seen, &files)
	require.Greater(t, len(seen), 5)
	for _, file := range files {
		require.False(t, ignored(file), "%s is needed and ignored", file)
	}
	for _, file := range []string{".env", ".git/config", ".orak/credentials", "standalone/main.go", "bin/orak"} {
		require.True(t, ignored(file), "%s is not needed and not ignored", file)
	}
}

// sources adds the files of a package and of its imports in this module.
func sources(t *testing.T, dir string, seen map[string]bool, files *[]string) {
	t.Helper()
	if seen[dir] {
		return
	}
	seen[dir] = true
	entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(dir)))
	require.NoError(t, err)
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		*files = append(*files, name)
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, filepath.FromSlash(name)), nil, parser.ParseComments)
		require.NoError(t, err)
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			if imported == "orak" {
				sources(t, ".", seen, files)
			} else if below, own := strings.CutPrefix(imported, "orak/"); own {
				sources(t, below, seen, files)
			}
		}
		for _, group := range parsed.Comments {
			for _, comment := range group.List {
				if embedded, ok := strings.CutPrefix(comment.Text, "//go:embed "); ok {
					*files = append(*files, globbed(t, dir, strings.Fields(embedded))...)
				}
			}
		}
	}
}

// globbed finds the files that an embed directive names.
func globbed(t *testing.T, dir string, patterns []string) []string {
	t.Helper()
	found := map[string]bool{}
	tree := os.DirFS(root)
	for _, pattern := range patterns {
		matches, err := fs.Glob(tree, path.Join(dir, strings.TrimPrefix(pattern, "all:")))
		require.NoError(t, err)
		require.NotEmpty(t, matches, pattern)
		for _, match := range matches {
			require.NoError(t, fs.WalkDir(tree, match, func(name string, entry fs.DirEntry, err error) error {
				if err == nil && !entry.IsDir() {
					found[name] = true
				}
				return err
			}))
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(content)
}
