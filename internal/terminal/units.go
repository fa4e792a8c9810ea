package terminal

import (
	"fmt"
	"time"
)

// Count is a number of things, such as "1 record" or "2 records".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Times is how often, in words.
func Times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	default:
		return fmt.Sprintf("%d times", n)
	}
}

// Percent is a share in percent.
func Percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// Bytes is a size in powers of 1000.
func Bytes(n int64) string {
	switch {
	case n < 1000:
		return Count(int(n), "byte")
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	default:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
}

// Took is a duration in two units.
func Took(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// Clock is the layout of a point in time.
const Clock = "2006-01-02 15:04:05"

// Ago is a past time: the clock's, and how long ago that is.
func (t *Terminal) Ago(at time.Time) string {
	if at.IsZero() {
		return "unknown"
	}
	return fmt.Sprintf("%s (%s)", at.Local().Format(Clock), t.Since(at))
}

// Since is how long ago a past time is, in one unit.
func (t *Terminal) Since(at time.Time) string {
	if at.IsZero() {
		return "unknown"
	}
	return Brief(t.Now().Sub(at)) + " ago"
}

// Until is how long a future time takes to come, in one unit.
func (t *Terminal) Until(at time.Time) string { return "in " + Brief(at.Sub(t.Now())) }

// Brief is a duration in one unit.
func Brief(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	}
}
