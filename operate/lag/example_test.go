package lag_test

import (
	"fmt"
	"time"

	"orak/operate/lag"
)

// The window of a monitor has a sample per interval. Each says what the
// partition holds, and what the group has committed.
func ExampleEvaluate() {
	rules := lag.Rules{Window: 2 * time.Minute}
	began := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	window := func(committed ...int64) []lag.Sample {
		var samples []lag.Sample
		for i, offset := range committed {
			samples = append(samples, lag.Sample{
				At: began.Add(time.Duration(i) * time.Minute), End: int64(100 + 10*i), Committed: offset,
			})
		}
		return samples
	}
	fmt.Println("as fast as the producers:", lag.Evaluate(window(100, 110, 120), rules))
	fmt.Println("slower:                  ", lag.Evaluate(window(50, 55, 60), rules))
	fmt.Println("catching up:             ", lag.Evaluate(window(50, 70, 90), rules))
	fmt.Println("no commits:              ", lag.Evaluate(window(50, 50, 50), rules))
	fmt.Println("half a window:           ", lag.Evaluate(window(50, 50), rules))
	// Output:
	// as fast as the producers: OK
	// slower:                   WARN
	// catching up:              OK
	// no commits:               STOP
	// half a window:            UNKNOWN
}
