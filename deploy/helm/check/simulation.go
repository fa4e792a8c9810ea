package check

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Load is what arrives in a second, at a time from the start; less than one is a chance.
type Load func(at time.Duration) float64

// Report is what a simulation saw.
type Report struct {
	// Pods is the number of pods at each second, without those that stop.
	Pods []int
	// Waiting is the backlog, or lag, at each second.
	Waiting []float64
	// Arrived, Done and HandedBack count tasks; what is handed back is done later.
	Arrived, Done, HandedBack int
	// Killed counts tasks that ran when the grace period of their pod was over.
	Killed int
	// Left are the tasks that wait or run at the end.
	Left int
}

// Drained returns how long after a time the backlog was first empty; false if never.
func (r Report) Drained(after time.Duration) (time.Duration, bool) {
	for s := int(after.Seconds()); s < len(r.Waiting); s++ {
		if r.Waiting[s] < 1 {
			return time.Duration(s)*time.Second - after, true
		}
	}
	return 0, false
}

// Reversals counts the changes of direction of the number of pods between two times.
func (r Report) Reversals(from, to time.Duration) int {
	reversals, last := 0, 0
	for s := int(from.Seconds()) + 1; s < int(to.Seconds()); s++ {
		direction := 0
		if r.Pods[s] > r.Pods[s-1] {
			direction = 1
		}
		if r.Pods[s] < r.Pods[s-1] {
			direction = -1
		}
		if direction != 0 && last != 0 && direction != last {
			reversals++
		}
		if direction != 0 {
			last = direction
		}
	}
	return reversals
}

// Workers simulates pods that take tasks from a queue of Temporal.
type Workers struct {
	Scale *Autoscaler
	// Slots are the tasks that a pod runs at once, each for one of Takes.
	Slots int
	Takes []time.Duration
	// Finish is how long the tasks of a pod that stops go on, before they are handed back,
	// and Grace how long until it is killed.
	Finish, Grace time.Duration
	// Start is how long a new pod takes until it polls.
	Start time.Duration
	// Queue names the task queue in the triggers.
	Queue string
}

const (
	syncInterval = 15 * time.Second
	// What Prometheus answers is as old as a scrape, and a mean of ten minutes.
	scrapeDelay = 30 * time.Second
	mean        = 10 * time.Minute
)

// recent returns what Prometheus answers of a value at each second.
func recent(values []float64) float64 {
	values = values[:max(0, len(values)-int(scrapeDelay.Seconds()))]
	values = values[max(0, len(values)-int(mean.Seconds())):]
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total / float64(max(1, len(values)))
}

type pod struct {
	ready   time.Duration
	stopped time.Duration // when it was told to stop; negative: it was not
	left    []time.Duration
}

// Run simulates for a duration, in steps of a second. A pod that is scaled away is the one
// with the most tasks: the worst choice.
func (w Workers) Run(duration time.Duration, load Load) Report {
	random := rand.New(rand.NewPCG(1, 2))
	var report Report
	pods := make([]*pod, w.Scale.Min)
	for i := range pods {
		pods[i] = &pod{stopped: -1}
	}
	waiting := 0
	var used []float64
	for now := time.Duration(0); now < duration; now += time.Second {
		n := arrivals(load(now), random)
		waiting += n
		report.Arrived += n
		running := 0
		pods = slices.DeleteFunc(pods, func(p *pod) bool {
			report.Done += p.work()
			back, killed, gone := w.stop(p, now)
			waiting += back + killed
			report.HandedBack += back
			report.Killed += killed
			for p.stopped < 0 && now >= p.ready && len(p.left) < w.Slots && waiting > 0 {
				p.left = append(p.left, w.Takes[random.IntN(len(w.Takes))])
				waiting--
			}
			running += len(p.left)
			return gone
		})
		used = append(used, float64(running))
		if now%syncInterval == 0 {
			pods = w.scale(pods, now, float64(waiting), used)
		}
		report.Pods = append(report.Pods, serving(pods))
		report.Waiting = append(report.Waiting, float64(waiting))
		report.Left = waiting + running
	}
	return report
}

func arrivals(rate float64, random *rand.Rand) int {
	whole, part := math.Modf(rate)
	if random.Float64() < part {
		whole++
	}
	return int(whole)
}

// work passes a second, and returns how many tasks ended.
func (p *pod) work() (done int) {
	for i := range p.left {
		p.left[i] -= time.Second
	}
	before := len(p.left)
	p.left = slices.DeleteFunc(p.left, func(left time.Duration) bool { return left <= 0 })
	return before - len(p.left)
}

// stop goes on with a pod that was told to stop.
func (w Workers) stop(p *pod, now time.Duration) (back, killed int, gone bool) {
	switch {
	case p.stopped < 0:
		return 0, 0, false
	case now-p.stopped >= w.Grace:
		return 0, len(p.left), true
	case now-p.stopped >= w.Finish:
		return len(p.left), 0, true
	}
	return 0, 0, len(p.left) == 0
}

func serving(pods []*pod) (n int) {
	for _, p := range pods {
		if p.stopped < 0 {
			n++
		}
	}
	return n
}

func (w Workers) scale(pods []*pod, now time.Duration, waiting float64, used []float64) []*pod {
	metrics := make([]float64, len(w.Scale.Targets))
	for i, trigger := range w.Scale.Targets {
		switch {
		case trigger.Type == "prometheus":
			metrics[i] = recent(used)
		case trigger.Of == w.Queue:
			metrics[i] = waiting
		}
	}
	current := serving(pods)
	want := w.Scale.Decide(now, current, metrics)
	for ; current < want; current++ {
		pods = append(pods, &pod{ready: now + w.Start, stopped: -1})
	}
	for ; current > want; current-- {
		busiest := -1
		for i, p := range pods {
			if p.stopped < 0 && (busiest < 0 || len(p.left) > len(pods[busiest].left)) {
				busiest = i
			}
		}
		pods[busiest].stopped = now
	}
	return pods
}

// Consumers simulates the members of a consumer group.
type Consumers struct {
	Scale *Autoscaler
	// Rate is what a pod handles in a second; Bound what all can, whatever their number,
	// since the server behind them takes no more.
	Rate, Bound float64
	// Rebalance is how long nobody reads after a change of members.
	Rebalance time.Duration
}

// Run simulates for a duration, in steps of a second.
func (c Consumers) Run(duration time.Duration, load Load) Report {
	var report Report
	var handled []float64
	pods, lag, idleUntil := c.Scale.Min, 0.0, time.Duration(0)
	for now := time.Duration(0); now < duration; now += time.Second {
		lag += load(now)
		done := 0.0
		if now >= idleUntil {
			done = min(lag, c.Rate*float64(pods), c.Bound)
		}
		lag -= done
		handled = append(handled, done)
		if now%syncInterval == 0 {
			metrics := make([]float64, len(c.Scale.Targets))
			for i, trigger := range c.Scale.Targets {
				metrics[i] = lag
				if trigger.Type == "prometheus" {
					metrics[i] = recent(handled)
				}
			}
			want := c.Scale.Decide(now, pods, metrics)
			if want != pods {
				pods, idleUntil = want, now+c.Rebalance
			}
		}
		report.Pods = append(report.Pods, pods)
		report.Waiting = append(report.Waiting, lag)
	}
	return report
}
