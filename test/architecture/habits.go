package architecture

import (
	"fmt"
	"go/ast"
	"slices"
)

// habit is something that a file must not do, told by its syntax alone.
type habit struct {
	what string
	why  string
	// tests says which files it binds.
	tests, programs bool
	breach          func(ast.Node) bool
}

var habitRules = []habit{
	{
		what: "an init function", why: "nothing happens because a package is imported; constructors do the work",
		tests: true, programs: true,
		breach: func(n ast.Node) bool {
			fn, ok := n.(*ast.FuncDecl)
			return ok && fn.Recv == nil && fn.Name.Name == "init"
		},
	},
	{
		what: "the global logger", why: "loggers are passed in, so that each line carries its ids and tests can read them",
		programs: true,
		breach: func(n ast.Node) bool {
			return isCall(n, "slog", "Default", "SetDefault", "Debug", "Info", "Warn", "Error", "Log", "LogAttrs",
				"DebugContext", "InfoContext", "WarnContext", "ErrorContext") ||
				isCall(n, "log", "Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf")
		},
	},
	{
		what: "a skipped test", why: "a test that may be skipped proves nothing on the day that it matters",
		tests: true,
		breach: func(n ast.Node) bool {
			return isCall(n, "t", "Skip", "Skipf", "SkipNow") || isCall(n, "b", "Skip", "Skipf", "SkipNow")
		},
	},
	{
		what: "metrics in the global registry", why: "registerers are passed in, so that two of a part can live in one process",
		tests: true, programs: true,
		breach: func(n ast.Node) bool {
			return isCall(n, "prometheus", "MustRegister", "Register") || isCall(n, "promauto", "NewCounter", "NewCounterVec", "NewGauge", "NewGaugeVec", "NewHistogram", "NewHistogramVec")
		},
	},
	{
		what: "a context kept in a struct", why: "a context belongs to one call; kept, it outlives its caller's deadline or dies before it",
		programs: true,
		breach: func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			return ok && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool { return isSelector(f.Type, "context", "Context") })
		},
	},
}

// habits holds one file to the habits and to a readable length.
func habits(f File) []Violation {
	var found []Violation
	if f.Lines > maxLines && !ast.IsGenerated(f.AST) {
		found = append(found, Violation{f.Path, fmt.Sprintf("%d lines", f.Lines), fmt.Sprintf("a file past %d lines has more than one subject", maxLines)})
	}
	ast.Inspect(f.AST, func(n ast.Node) bool {
		for _, h := range habitRules {
			if n != nil && (f.Test && h.tests || !f.Test && h.programs) && h.breach(n) {
				found = append(found, Violation{f.At(n.Pos()), h.what, h.why})
			}
		}
		return true
	})
	return found
}

// isCall reports whether a node is a call of one of pkg's functions.
func isCall(n ast.Node, pkg string, names ...string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	return slices.ContainsFunc(names, func(name string) bool { return isSelector(call.Fun, pkg, name) })
}
