package architecture

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// Violation is one breach of a rule.
type Violation struct {
	At   string // file, or file:line
	What string // what was found
	Why  string // why it is forbidden
}

// String returns the violation for the output of a test.
func (v Violation) String() string { return v.At + ": " + v.What + "\n\twhy: " + v.Why }

// Check returns every breach of every rule, in the order of the files.
func Check(files []File) []Violation {
	var found []Violation
	functions := workflowFunctions(files)
	for _, f := range files {
		found = append(found, names(f)...)
		found = append(found, habits(f)...)
		if f.Test {
			continue // a test may use the real thing everywhere
		}
		found = append(found, downward(f)...)
		found = append(found, athome(f)...)
		found = append(found, banned(f)...)
		found = append(found, namesOnly(f, functions)...)
	}
	return append(found, together(files)...)
}

// placeOf returns the floor of a folder: that of the longest pattern that matches.
func placeOf(dir string) (floor, bool) {
	var best floor
	for _, f := range floors {
		if within(f.dir, dir) && len(f.dir) > len(best.dir) {
			best = f
		}
	}
	return best, best.dir != ""
}

// downward checks imports within the tree against the floors.
func downward(f File) []Violation {
	from, known := placeOf(f.Dir)
	if !known {
		return []Violation{{f.Path, "a folder without a floor", "every folder has a floor in test/architecture/rules.go: add it"}}
	}
	var found []Violation
	for _, imported := range f.Imports {
		dir, own := ownDir(imported)
		if f.Dir == "." && !standard(imported) {
			found = append(found, Violation{f.Path, "the root package imports " + imported, from.why})
		}
		if !own {
			continue
		}
		to, known := placeOf(dir)
		if known && to.dir == from.dir {
			continue
		}
		if !known || to.height >= from.height {
			found = append(found, Violation{f.Path, fmt.Sprintf("%s imports %s, which is not below it", f.Dir, dir), to.why})
		}
	}
	return found
}

// athome checks that libraries are imported only in their home.
func athome(f File) []Violation {
	var found []Violation
	for _, h := range homes {
		if withinAny(h.dirs, f.Dir) {
			continue
		}
		for _, imported := range f.Imports {
			if withinAny(h.imports, imported) {
				found = append(found, Violation{f.Path, imported + " is imported outside of its home " + strings.Join(h.dirs, ", "), h.why})
			}
		}
	}
	return found
}

// banned checks imports against the bans.
func banned(f File) []Violation {
	var found []Violation
	for _, b := range bans {
		if !withinAny(b.dirs, f.Dir) {
			continue
		}
		for _, imported := range f.Imports {
			if withinAny(b.imports, imported) && !withinAny(b.except, imported) {
				found = append(found, Violation{f.Path, f.Dir + " imports " + imported, b.why})
			}
		}
	}
	return found
}

// together finds packages that import two technologies and are no root.
func together(files []File) []Violation {
	held := map[string][]string{} // folder → technologies
	for _, f := range files {
		if f.Test || withinAny(roots, f.Dir) || slices.Contains(technologies, f.Dir) {
			continue
		}
		for _, imported := range f.Imports {
			dir, _ := ownDir(imported)
			if slices.Contains(technologies, dir) && !slices.Contains(held[f.Dir], dir) {
				held[f.Dir] = append(held[f.Dir], dir)
			}
		}
	}
	var found []Violation
	for dir, concretes := range held {
		if len(concretes) > 1 {
			slices.Sort(concretes)
			found = append(found, Violation{dir, "two technologies meet: " + strings.Join(concretes, ", "),
				"concrete types meet only in internal/app, so that each can be replaced and tested separately"})
		}
	}
	slices.SortFunc(found, func(a, b Violation) int { return strings.Compare(a.At, b.At) })
	return found
}

// names finds packages with vague names.
func names(f File) []Violation {
	name := strings.TrimSuffix(f.Package, "_test")
	if !slices.Contains(vagueNames, name) {
		return nil
	}
	return []Violation{{f.Path, "a package named " + name, "a package with a vague name collects everything"}}
}

// workflowFunctions returns the exported functions of package workflows that are
// workflow code: those whose first parameter is a workflow.Context.
func workflowFunctions(files []File) map[string]bool {
	functions := map[string]bool{}
	for _, f := range files {
		if f.Dir != "workflows" || f.Test {
			continue
		}
		for _, decl := range f.AST.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || fn.Type.Params.NumFields() == 0 {
				continue
			}
			if isSelector(fn.Type.Params.List[0].Type, "workflow", "Context") {
				functions[fn.Name.Name] = true
			}
		}
	}
	return functions
}

// namesOnly keeps workflow code out of the edges: they may use the names and inputs of
// workflows, not their code.
func namesOnly(f File, functions map[string]bool) []Violation {
	if !withinAny([]string{"api/...", "bridge/..."}, f.Dir) {
		return nil
	}
	var found []Violation
	ast.Inspect(f.AST, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if ok && functions[sel.Sel.Name] && isSelector(sel, "workflows", sel.Sel.Name) {
			found = append(found, Violation{f.At(sel.Pos()), "workflow code workflows." + sel.Sel.Name + " used by " + f.Dir,
				"edges start workflows by name; linked code would be versioned with them"})
		}
		return true
	})
	return found
}

// isSelector reports whether an expression is pkg.name.
func isSelector(e ast.Expr, pkg, name string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg
}
