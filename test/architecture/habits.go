package architecture

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strings"
)

// habit is something that a file must not do, as far as its syntax shows.
type habit struct {
	what string
	why  string
	// tests and programs say which files it binds, and except which folders or
	// files (patterns) it does not.
	tests, programs bool
	except          []string
	breach          func(ast.Node) bool
}

var habitRules = []habit{
	{
		what: "an init function", why: "an import must have no effect; constructors do the work",
		tests: true, programs: true,
		breach: func(n ast.Node) bool {
			fn, ok := n.(*ast.FuncDecl)
			return ok && fn.Recv == nil && fn.Name.Name == "init"
		},
	},
	{
		what: "the global logger", why: "loggers are passed in, so that each line has its ids and tests can read them",
		programs: true,
		breach: func(n ast.Node) bool {
			return isCall(n, "slog", "Default", "SetDefault", "Debug", "Info", "Warn", "Error", "Log", "LogAttrs",
				"DebugContext", "InfoContext", "WarnContext", "ErrorContext") ||
				isCall(n, "log", "Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf")
		},
	},
	{
		what: "a skipped test", why: "a test that may be skipped proves nothing when it matters",
		tests: true,
		breach: func(n ast.Node) bool {
			return isCall(n, "t", "Skip", "Skipf", "SkipNow") || isCall(n, "b", "Skip", "Skipf", "SkipNow")
		},
	},
	{
		what: "metrics in the global registry", why: "registerers are passed in, so that one process can have two of a part",
		tests: true, programs: true,
		breach: func(n ast.Node) bool {
			return isCall(n, "prometheus", "MustRegister", "Register") || isCall(n, "promauto", "NewCounter", "NewCounterVec", "NewGauge", "NewGaugeVec", "NewHistogram", "NewHistogramVec")
		},
	},
	{
		what: "a context kept in a struct", why: "a context belongs to one call; in a struct, it outlives the deadline of its caller or ends before it",
		programs: true,
		breach: func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			return ok && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool { return isSelector(f.Type, "context", "Context") })
		},
	},
	{
		what: "a log line without a context", why: "log.InfoContext(ctx, …) is the one form: handlers read trace and request ids from the context",
		programs: true,
		breach: func(n ast.Node) bool {
			return isLogCall(n, "Debug", "Info", "Warn", "Error")
		},
	},
	{
		what: "a log line with slog attributes, or with a message that is not constant", why: "a constant message can be searched for; details are pairs: \"key\", value",
		programs: true,
		breach: func(n ast.Node) bool {
			if !isLogCall(n, "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "With") {
				return false
			}
			return slices.ContainsFunc(n.(*ast.CallExpr).Args, func(arg ast.Expr) bool {
				return isCall(arg, "slog", "Any", "Bool", "Duration", "Float64", "Int", "Int64", "String", "Time", "Uint64")
			}) || isMade(n.(*ast.CallExpr))
		},
	},
	{
		what: "a test whose name begins with an article", why: "a test is named for its subject: TestCancellationRequestIsNotACanceledEvent",
		tests: true,
		breach: func(n ast.Node) bool {
			fn, ok := n.(*ast.FuncDecl)
			return ok && fn.Recv == nil && articled.MatchString(fn.Name.Name)
		},
	},
	{
		what: "a Temporal client of its own", why: "internal/temporal makes them all, with the same TLS, credentials and payload codec: another one would write in clear",
		programs: true, except: []string{"internal/temporal/...", "bench/...", "test/..."},
		breach: func(n ast.Node) bool { return isCall(n, "client", "Dial", "DialContext", "NewLazyClient", "NewClient") },
	},
	{
		what: "the default data converter", why: "payloads are decoded by workflows.Payloads, with the client's own converter: behind a codec the default one reads nothing",
		programs: true, except: []string{"workflows/payloads.go", "internal/temporal/..."},
		breach: func(n ast.Node) bool { return isCall(n, "converter", "GetDefaultDataConverter") },
	},
}

var articled = regexp.MustCompile(`^(Test|Benchmark|Fuzz)(A[A-Z][a-z]|(An|The)[A-Z0-9])`)

// habits checks a file against the habits and the maximum length.
func habits(f File) []Violation {
	var found []Violation
	if f.Lines > maxLines && !ast.IsGenerated(f.AST) {
		found = append(found, Violation{f.Path, fmt.Sprintf("%d lines", f.Lines), fmt.Sprintf("a file of more than %d lines has more than one subject", maxLines)})
	}
	ast.Inspect(f.AST, func(n ast.Node) bool {
		for _, h := range habitRules {
			if n != nil && (f.Test && h.tests || !f.Test && h.programs) && !withinAny(h.except, f.Path) && h.breach(n) {
				found = append(found, Violation{f.At(n.Pos()), h.what, h.why})
			}
		}
		return true
	})
	return found
}

// isCall reports whether a node is a call of one of the functions of pkg.
func isCall(n ast.Node, pkg string, names ...string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	return slices.ContainsFunc(names, func(name string) bool { return isSelector(call.Fun, pkg, name) })
}

// isLogCall reports whether a node calls one of the methods of a value that is named
// as a logger.
func isLogCall(n ast.Node, methods ...string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains(methods, method.Sel.Name) {
		return false
	}
	name := ""
	switch x := method.X.(type) {
	case *ast.Ident:
		name = x.Name
	case *ast.SelectorExpr:
		name = x.Sel.Name
	}
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "log") && name != "slog" || strings.HasSuffix(name, "logger")
}

// isMade reports whether the message of a …Context call is an expression.
func isMade(call *ast.CallExpr) bool {
	if len(call.Args) < 2 || !strings.HasSuffix(call.Fun.(*ast.SelectorExpr).Sel.Name, "Context") {
		return false
	}
	switch call.Args[1].(type) {
	case *ast.CallExpr, *ast.BinaryExpr:
		return true
	}
	return false
}
