package architecture

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestTreeFollowsTheRules(t *testing.T) {
	t.Parallel()
	files, err := Load(os.DirFS("../.."))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, v := range Check(files) {
		t.Error(v)
	}
}

func TestEveryRuleHasAReason(t *testing.T) {
	t.Parallel()
	for _, f := range floors {
		require.NotEmpty(t, f.why, f.dir)
	}
	for _, dir := range technologies {
		_, known := placeOf(dir)
		require.True(t, known, dir)
	}
	for _, h := range homes {
		require.NotEmpty(t, h.why, h.imports)
	}
	for _, b := range bans {
		require.NotEmpty(t, b.why, b.dirs)
	}
}

// A row that matches nothing has no effect, and may be a typo.
func TestEveryRowMatchesSomething(t *testing.T) {
	t.Parallel()
	files, err := Load(os.DirFS("../.."))
	require.NoError(t, err)
	// imported reports whether a program below one of dirs has an import that matches
	// pattern.
	imported := func(pattern string, dirs ...string) bool {
		return slices.ContainsFunc(files, func(f File) bool {
			return !f.Test && withinAny(dirs, f.Dir) && slices.ContainsFunc(f.Imports, func(i string) bool { return within(pattern, i) })
		})
	}
	exists := func(pattern string) bool {
		return slices.ContainsFunc(files, func(f File) bool { return within(pattern, f.Dir) || within(pattern, f.Path) })
	}
	for _, f := range floors {
		require.Truef(t, exists(f.dir), "floor %s", f.dir)
	}
	for _, dir := range slices.Concat(technologies, roots) {
		require.Truef(t, exists(dir), dir)
	}
	for _, h := range homes {
		for _, pattern := range h.imports {
			require.Truef(t, imported(pattern, h.dirs...), "home of %s: nobody there imports it", pattern)
		}
		for _, dir := range h.dirs {
			require.True(t, slices.ContainsFunc(h.imports, func(i string) bool { return imported(i, dir) }), "home of %s: %s imports none", h.imports, dir)
		}
	}
	for _, b := range bans {
		for _, dir := range b.dirs {
			require.Truef(t, exists(dir), "ban for %s", dir)
		}
		for _, pattern := range b.except {
			require.Truef(t, imported(pattern, b.dirs...), "ban for %s: nobody needs the exception %s", b.dirs, pattern)
		}
	}
	for _, h := range habitRules {
		for _, pattern := range h.except {
			require.Truef(t, exists(pattern), "%s: %s", h.what, pattern)
		}
	}
}

// Each rule is tested with a breach: a checker that finds nothing would accept every
// tree.
func TestBreachesAreFound(t *testing.T) {
	t.Parallel()
	workflow := "package workflows\nimport \"go.temporal.io/sdk/workflow\"\nfunc ProcessUpload(ctx workflow.Context) error { return nil }\nfunc UploadWorkflowID() string { return \"\" }\n"
	for name, test := range map[string]struct {
		files map[string]string
		want  string // in the one violation expected; empty: none
	}{
		"the root may import the standard library":      {one("upload.go", "package orak", "time"), ""},
		"the root imports a vendor":                     {one("upload.go", "package orak", "github.com/google/uuid"), "the root package imports github.com/google/uuid"},
		"the api imports the bridge":                    {one("api/a.go", "package api", "orak/bridge"), "api imports bridge, which is not below it"},
		"the bridge imports another edge":               {one("bridge/a.go", "package bridge", "orak/worker"), "bridge imports worker"},
		"events import a technology":                    {one("events/a.go", "package events", "orak/internal/kafka"), "events imports internal/kafka"},
		"a technology imports another":                  {one("internal/media/a.go", "package media", "orak/internal/analysis"), "internal/media imports internal/analysis"},
		"kafka may import events":                       {one("internal/kafka/a.go", "package kafka", "orak/events"), ""},
		"a package may import its own sub-package":      {one("operate/a.go", "package operate", "orak/operate/lag"), ""},
		"activities import a technology":                {one("activities/a.go", "package activities", "orak/internal/media"), "activities imports orak/internal/media"},
		"workflows read the world":                      {one("workflows/a.go", "package workflows", "net/http"), "workflows imports net/http"},
		"workflows reach for a technology":              {one("workflows/a.go", "package workflows", "orak/internal/kafka"), "workflows imports orak/internal/kafka"},
		"a new folder has no place":                     {one("extras/a.go", "package extras"), "a folder without a floor"},
		"fiber outside the api":                         {one("bridge/a.go", "package bridge", "github.com/gofiber/fiber/v2"), "github.com/gofiber/fiber/v2 is imported outside of its home"},
		"an embedded server in the product":             {one("internal/app/a.go", "package app", "go.temporal.io/server/temporal"), "go.temporal.io/server/temporal is imported outside"},
		"the command line read in a package":            {one("worker/a.go", "package worker", "github.com/alecthomas/kong"), "github.com/alecthomas/kong is imported outside"},
		"the client may import the wire types":          {one("client/a.go", "package client", "orak", "orak/api/resource", "net/http"), ""},
		"the client imports a vendor":                   {one("client/a.go", "package client", "github.com/google/uuid"), "client imports github.com/google/uuid"},
		"the wire types import a vendor":                {one("api/resource/a.go", "package resource", "github.com/google/uuid"), "api/resource imports github.com/google/uuid"},
		"a program reaches for a technology":            {one("cmd/orak/a.go", "package main", "orak/internal/media"), "cmd/orak imports orak/internal/media"},
		"two technologies meet outside the root":        {one("worker/a.go", "package worker", "orak/internal/media", "orak/internal/analysis"), "two technologies meet: internal/analysis, internal/media"},
		"two technologies meet in two files":            {map[string]string{"worker/a.go": "package worker\nimport _ \"orak/internal/media\"", "worker/b.go": "package worker\nimport _ \"orak/internal/analysis\""}, "two technologies meet"},
		"technologies may meet in the composition root": {one("internal/app/a.go", "package app", "orak/internal/media", "orak/internal/analysis"), ""},
		"a test may reach for the real thing":           {one("api/a_test.go", "package api", "orak/internal/objectstore", "orak/internal/kafka"), ""},
		"a vague package":                               {one("internal/app/helpers/a.go", "package helpers"), "a package named helpers"},
		"an init function":                              {map[string]string{"api/a.go": "package api\nfunc init() {}"}, "api/a.go:2: an init function"},
		"a method named init is no init function":       {map[string]string{"api/a.go": "package api\ntype T struct{}\nfunc (T) init() {}"}, ""},
		"the global logger":                             {map[string]string{"api/a.go": "package api\nimport \"log/slog\"\nfunc f() { slog.Info(\"x\") }"}, "api/a.go:3: the global logger"},
		"a skipped test":                                {map[string]string{"api/a_test.go": "package api\nimport \"testing\"\nfunc TestX(t *testing.T) { t.Skip() }"}, "api/a_test.go:3: a skipped test"},
		"a context kept":                                {map[string]string{"api/a.go": "package api\nimport \"context\"\ntype T struct { ctx context.Context }"}, "a context kept in a struct"},
		"a log without a context":                       {map[string]string{"api/a.go": "package api\nfunc f() { s.log.Info(\"x\") }"}, "api/a.go:2: a log line without a context"},
		"a log with attributes":                         {map[string]string{"api/a.go": "package api\nfunc f() { log.InfoContext(ctx, \"x\", slog.String(\"a\", b)) }"}, "api/a.go:2: a log line with slog attributes"},
		"a log with a message that is not constant":     {map[string]string{"api/a.go": "package api\nfunc f() { log.WarnContext(ctx, \"x\"+y) }"}, "api/a.go:2: a log line with slog attributes"},
		"a log of pairs":                                {map[string]string{"api/a.go": "package api\nfunc f() { s.deps.Log.InfoContext(ctx, \"x\", \"a\", b) }"}, ""},
		"an article in front of a test":                 {map[string]string{"api/a_test.go": "package api\nfunc TestAnUploadArrives(t *testing.T) {}"}, "api/a_test.go:2: a test whose name begins with an article"},
		"a test about API":                              {map[string]string{"api/a_test.go": "package api\nfunc TestAPIServes(t *testing.T) {}"}, ""},
		"a Temporal client of its own":                  {map[string]string{"bridge/a.go": "package bridge\nvar c, _ = client.Dial(client.Options{})"}, "bridge/a.go:2: a Temporal client of its own"},
		"the default data converter":                    {map[string]string{"bridge/a.go": "package bridge\nvar c = converter.GetDefaultDataConverter()"}, "bridge/a.go:2: the default data converter"},
		"the default data converter in its place":       {map[string]string{"workflows/payloads.go": "package workflows\nvar c = converter.GetDefaultDataConverter()"}, ""},
		"a file that is too long":                       {map[string]string{"api/a.go": "package api\n" + strings.Repeat("//\n", maxLines)}, "601 lines"},
		"an edge links workflow code":                   {map[string]string{"workflows/w.go": workflow, "bridge/a.go": "package bridge\nimport \"orak/workflows\"\nvar f = workflows.ProcessUpload"}, "bridge/a.go:3: workflow code workflows.ProcessUpload"},
		"an edge may use the names of workflows":        {map[string]string{"workflows/w.go": workflow, "bridge/a.go": "package bridge\nimport \"orak/workflows\"\nvar f = workflows.UploadWorkflowID"}, ""},
		"what Go ignores is ignored":                    {one("api/testdata/a.go", "package util", "orak/bridge"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := fstest.MapFS{}
			for path, src := range test.files {
				tree[path] = &fstest.MapFile{Data: []byte(src)}
			}
			files, err := Load(tree)
			require.NoError(t, err)
			found := Check(files)
			if test.want == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			require.Contains(t, found[0].String(), test.want)
			require.NotEmpty(t, found[0].Why)
		})
	}
}

func TestFileThatCannotBeParsedIsAnError(t *testing.T) {
	t.Parallel()
	_, err := Load(fstest.MapFS{"api/a.go": {Data: []byte("package")}})
	require.ErrorContains(t, err, "parsing api/a.go")
}

// one returns a tree of one file with the given imports.
func one(path, clause string, imports ...string) map[string]string {
	var src strings.Builder
	src.WriteString(clause + "\n")
	for _, imported := range imports {
		src.WriteString("import _ \"" + imported + "\"\n")
	}
	return map[string]string{path: src.String()}
}
