// Package leaks detects goroutines that outlive the tests of a package.
package leaks

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"go.uber.org/goleak"
)

// Main is the TestMain of a package that starts goroutines.
func Main(m goleak.TestingM) { os.Exit(Run(m)) }

// Run runs the tests and returns their exit code, or 1 if they pass and leave goroutines
// behind. It is for a TestMain that does more than Main.
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

// patience is how long goroutines may take to end. Temporal's SDK goes on reporting the
// result of an activity after its worker has stopped: it tries for 60 s, and its last
// call may take another 10 s (reportActivityComplete).
const patience = 80 * time.Second

// Find returns an error that lists the goroutines that are neither in before nor allowed
// to outlive a test, and have not ended within patience.
func Find(before ...goleak.Option) error {
	http.DefaultClient.CloseIdleConnections()
	options := append(before, ignored()...)
	deadline := time.Now().Add(patience)
	for {
		// Each call waits about half a second by itself.
		err := goleak.Find(options...)
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// ignored returns the goroutines that may outlive a test, each with its reason.
func ignored() []goleak.Option {
	return []goleak.Option{
		// The servers of test/stack are shared by the tests of a process and end with it.
		goleak.IgnoreAnyFunction("orak/test/stack.(*Child).follow"),
		goleak.IgnoreAnyFunction("orak/test/stack.(*Child).keep"),
		// The cleaner of a stopped fasthttp worker pool ends at its next round, every 10 s.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		// fasthttp's compressors wait for their next answer as long as the process lives.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp/stackless.funcWorker"),
		// fasthttp refreshes the date of its answers as long as the process lives.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	}
}
