// Package leaks fails the tests of a package that leave goroutines running.
package leaks

import (
	"fmt"
	"net/http"
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
	if err := Find(); err != nil {
		fmt.Fprintln(os.Stderr, "goroutines outlive the tests:", err)
		return 1
	}
	return 0
}

// Find returns an error that names the goroutines which run beside those of
// before and those that may outlive a test. It waits a second for them to end.
func Find(before ...goleak.Option) error {
	http.DefaultClient.CloseIdleConnections()
	return goleak.Find(append(before, ignored()...)...)
}

// ignored are the goroutines that may outlive a test, each with its reason.
func ignored() []goleak.Option {
	return []goleak.Option{
		// The servers of test/stack are shared by the tests of a process and end with it.
		goleak.IgnoreAnyFunction("orak/test/stack.(*Child).follow"),
		goleak.IgnoreAnyFunction("orak/test/stack.(*Child).keep"),
		// A stopped pool of fasthttp notices that at its next round, every 10 s.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		// fasthttp refreshes the date of its answers as long as the process lives.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	}
}
