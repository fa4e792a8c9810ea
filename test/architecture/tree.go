package architecture

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// module is the prefix of the tree's own imports.
const module = "orak"

// File is one parsed Go file of the tree.
type File struct {
	Path    string // slash-separated, from the root of the tree
	Dir     string // folder of Path; "." is the root
	Package string // the name in its package clause
	Imports []string
	Test    bool // ends in _test.go
	Lines   int
	AST     *ast.File
	fset    *token.FileSet
}

// At returns a position as file:line.
func (f File) At(p token.Pos) string {
	return fmt.Sprintf("%s:%d", f.Path, f.fset.Position(p).Line)
}

// Load parses every Go file below root, including nested modules. It skips the folders
// that Go ignores (testdata, vendor, names that begin with a dot or an underscore) and
// built programs. A file that cannot be parsed is an error.
func Load(root fs.FS) ([]File, error) {
	var files []File
	fset := token.NewFileSet()
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if ignored(name, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		file, err := load(root, fset, name)
		if err != nil {
			return err
		}
		files = append(files, file)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the tree: %w", err)
	}
	return files, nil
}

func ignored(name, base string) bool {
	if name == "." {
		return false
	}
	return base == "testdata" || base == "vendor" || base == "node_modules" || name == "bin" ||
		strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")
}

func load(root fs.FS, fset *token.FileSet, name string) (File, error) {
	src, err := fs.ReadFile(root, name)
	if err != nil {
		return File{}, fmt.Errorf("reading %s: %w", name, err)
	}
	tree, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return File{}, fmt.Errorf("parsing %s: %w", name, err)
	}
	file := File{
		Path: name, Dir: path.Dir(name), Package: tree.Name.Name,
		Test: strings.HasSuffix(name, "_test.go"), Lines: bytes.Count(src, []byte("\n")),
		AST: tree, fset: fset,
	}
	for _, spec := range tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return File{}, fmt.Errorf("parsing an import of %s: %w", name, err)
		}
		file.Imports = append(file.Imports, imported)
	}
	return file, nil
}

// within reports whether name matches pattern, as for the go command: "a/b" is that
// folder or import, "a/b/..." it and everything below, "..." everything, and "std" the
// standard library.
func within(pattern, name string) bool {
	if pattern == "std" {
		return standard(name)
	}
	prefix, deep := strings.CutSuffix(pattern, "...")
	if !deep {
		return pattern == name
	}
	prefix = strings.TrimSuffix(prefix, "/")
	return prefix == "" || name == prefix || strings.HasPrefix(name, prefix+"/")
}

func withinAny(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if within(pattern, name) {
			return true
		}
	}
	return false
}

// ownDir returns the folder of an import of the tree's own code, and false for other
// imports.
func ownDir(imported string) (string, bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// standard reports whether an import is from the standard library.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	_, own := ownDir(imported)
	return !own && !strings.Contains(first, ".")
}
