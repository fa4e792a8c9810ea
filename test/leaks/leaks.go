// Package leaks fails the tests of a package that leave goroutines running.
package leaks

import (
	"fmt"
	"os"

	"go.uber.org/goleak"
)

// Main is the TestMain of a package that starts goroutines.
func Main(m goleak.TestingM) { os.Exit(Run(m)) }

// Run runs the tests and returns the exit code: 1 where they pass and leave
// goroutines behind. It is for a TestMain that does more.
func Run(m goleak.TestingM) int {
	code := m.Run()
	if code != 0 {
		return code // a failed test may have left anything
	}
	if err := goleak.Find(Ignored()...); err != nil {
		fmt.Fprintln(os.Stderr, "goroutines outlive the tests:", err)
		return 1
	}
	return 0
}

// Ignored are the goroutines that may outlive a test, each with its reason.
func Ignored() []goleak.Option {
	return []goleak.Option{
		// The servers of test/stack are shared by the tests of a process and end with it.
		goleak.IgnoreAnyFunction("orak/test/stack.(*Child).follow"),
		goleak.IgnoreAnyFunction("orak/test/stack.(*Child).keep"),
	}
}
