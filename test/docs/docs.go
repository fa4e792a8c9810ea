package docs

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Documents returns the Markdown files of a tree by path.
func Documents(tree fs.FS) (map[string]string, error) {
	documents := map[string]string{}
	err := walk(tree, ".md", func(name string, content []byte) error {
		documents[name] = string(content)
		return nil
	})
	return documents, err
}

// walk visits the files with an extension that are the project's own.
func walk(tree fs.FS, extension string, visit func(name string, content []byte) error) error {
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != "." && (name == "bin" || entry.Name() == "testdata" || entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != extension {
			return nil
		}
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		return visit(name, content)
	})
}

var (
	taskCommand = regexp.MustCompile(`\bgo tool task ([a-z][a-z0-9:-]*)`)
	link        = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	codeBlock   = regexp.MustCompile("(?s)```.*?```|`[^`\n]+`")
	treePath    = regexp.MustCompile(`(?:^|[\s` + "`" + `(]|\./)([a-z][a-zA-Z0-9_.-]*/[a-zA-Z0-9_./-]*[a-zA-Z0-9_])`)
	goTest      = regexp.MustCompile(`(?m)^\s*go test (\./[^\n]+)$`)
	orakCommand = regexp.MustCompile(`(?:^|[\s|;&(` + "`" + `]|cmd/|bin/)orak((?: [a-z][a-z-]+)+)`)
)

// Tasks returns every task that a document tells the reader to run.
func Tasks(document string) []string {
	return unique(submatches(taskCommand, document))
}

// Paths returns the paths in the code of a document that begin with one of the
// tree's own folders, without what is built.
func Paths(tree fs.FS, document string) []string {
	var found []string
	for _, code := range codeBlock.FindAllString(document, -1) {
		for _, p := range submatches(treePath, code) {
			p = strings.TrimSuffix(strings.TrimSuffix(p, "/..."), "/")
			top, _, below := strings.Cut(p, "/")
			if info, err := fs.Stat(tree, top); err == nil && info.IsDir() && below && top != "bin" && !strings.Contains(p, "/.") {
				found = append(found, p)
			}
		}
	}
	return unique(found)
}

// GoTest is a call of go test in a document.
type GoTest struct {
	Package string
	// Run is the pattern of -run, empty without one; Flags are the flags of the
	// test binary.
	Run   string
	Flags []string
}

// GoTests returns the calls of go test in the code of a document.
func GoTests(document string) []GoTest {
	var found []GoTest
	for _, code := range codeBlock.FindAllString(document, -1) {
		for _, line := range submatches(goTest, code) {
			var call GoTest
			line, _, _ = strings.Cut(line, "#")
			words := strings.Fields(line)
			for i, word := range words {
				switch {
				case strings.HasPrefix(word, "./"):
					call.Package = strings.TrimPrefix(word, "./")
				case word == "-run" && i+1 < len(words):
					call.Run = words[i+1]
				case strings.HasPrefix(word, "-"):
					call.Flags = append(call.Flags, strings.TrimPrefix(word, "-"))
				}
			}
			found = append(found, call)
		}
	}
	return found
}

// Commands returns the words after "orak" in the code of a document: the
// command and, further on, what may be a sub-command or an argument.
func Commands(document string) []string {
	var found []string
	for _, code := range codeBlock.FindAllString(document, -1) {
		for _, words := range submatches(orakCommand, code) {
			found = append(found, strings.TrimSpace(words))
		}
	}
	return unique(found)
}

// DeadLinks returns the relative links of a document whose target is not in
// the tree.
func DeadLinks(tree fs.FS, name, document string) []string {
	var dead []string
	for _, target := range unique(submatches(link, document)) {
		if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		if _, err := fs.Stat(tree, path.Join(path.Dir(name), target)); err != nil {
			dead = append(dead, target)
		}
	}
	return dead
}

var requirement = regexp.MustCompile(`(?m)^(?:require )?\t?([a-z0-9.-]+\.[a-z]+/\S+) v\S+`)

// Dependencies returns the modules whose packages the Go files of a module
// import. dir is the module's folder; its nested modules are left out.
func Dependencies(tree fs.FS, dir string) ([]string, error) {
	module, err := fs.ReadFile(tree, path.Join(dir, "go.mod"))
	if err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	required := submatches(requirement, string(module))
	used := map[string]bool{}
	below, err := fs.Sub(tree, dir)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", dir, err)
	}
	err = walk(below, ".go", func(name string, content []byte) error {
		if nested(below, path.Dir(name)) {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, content, parser.ImportsOnly)
		if err != nil {
			return fmt.Errorf("parsing %s: %w", name, err)
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return fmt.Errorf("parsing an import of %s: %w", name, err)
			}
			if owner := ownerOf(imported, required); owner != "" {
				used[owner] = true
			}
		}
		return nil
	})
	for _, tool := range submatches(regexp.MustCompile(`(?m)^(?:tool |\t)([a-z0-9.-]+\.[a-z]+/\S+)$`), string(module)) {
		if owner := ownerOf(tool, required); owner != "" {
			used[owner] = true
		}
	}
	return slices.Sorted(maps.Keys(used)), err
}

// nested reports whether a folder belongs to a nested module.
func nested(tree fs.FS, dir string) bool {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, err := fs.Stat(tree, path.Join(dir, "go.mod")); err == nil {
			return true
		}
	}
	return false
}

// ownerOf returns the required module of a package: the longest match.
func ownerOf(imported string, required []string) string {
	owner := ""
	for _, module := range required {
		if (imported == module || strings.HasPrefix(imported, module+"/")) && len(module) > len(owner) {
			owner = module
		}
	}
	return owner
}

var dependencyRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.+) \\|$")

// Reasons returns the modules that docs/dependencies.md lists under the
// heading of a go.mod, with their reasons.
func Reasons(document, module string) map[string]string {
	_, section, _ := strings.Cut(document, "\n## "+module+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	reasons := map[string]string{}
	for _, row := range dependencyRow.FindAllStringSubmatch(section, -1) {
		reasons[row[1]] = row[2]
	}
	return reasons
}

func submatches(pattern *regexp.Regexp, text string) []string {
	var found []string
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

func unique(values []string) []string {
	slices.Sort(values)
	return slices.Compact(values)
}
