package check

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scaled returns the autoscaler of a role in production, and the Deployment that it scales.
func scaled(t *testing.T, role string, args ...string) (*Autoscaler, Object) {
	t.Helper()
	objects := rendered(t, "production", args...)
	a, err := NewAutoscaler(find(t, objects, "ScaledObject", "orak-"+role))
	require.NoError(t, err)
	return a, find(t, objects, "Deployment", "orak-"+role)
}

// gpuWorkers are the workers of production; a recording takes 5 s to 43 s, as long as the
// longest one that was measured.
func gpuWorkers(t *testing.T, args ...string) Workers {
	t.Helper()
	a, deployment := scaled(t, "worker-gpu", args...)
	pod := Object(deployment.fields("spec", "template", "spec"))
	env := environment(pod.each("containers")[0])
	stop, err := time.ParseDuration(env["ORAK_WORKER_STOP_TIMEOUT"])
	require.NoError(t, err)
	require.Equal(t, "2", env["ORAK_GPU_SLOTS"])
	return Workers{
		Scale: a, Slots: 2, Takes: []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 43 * time.Second},
		// The worker interrupts what still runs after half of its time to stop.
		Finish: stop / 2, Grace: time.Duration(pod.number("terminationGracePeriodSeconds")) * time.Second,
		Start: 30 * time.Second, Queue: "orak-gpu",
	}
}

// most is what all pods of the workers can do in a second.
func (w Workers) most() float64 {
	mean := 0.0
	for _, d := range w.Takes {
		mean += d.Seconds() / float64(len(w.Takes))
	}
	return float64(w.Scale.Max*w.Slots) / mean
}

const (
	hour = time.Hour
	// withoutPrometheus leaves only the backlog to scale by.
	withoutPrometheus = `keda.prometheus.url=""`
)

func constant(rate float64) Load { return func(time.Duration) float64 { return rate } }

// burst is a rate with a higher one for ten minutes after an hour.
func burst(rate, peak float64) Load {
	return func(at time.Duration) float64 {
		if at >= hour && at < hour+10*time.Minute {
			return peak
		}
		return rate
	}
}

// day rises and falls over 24 hours, from a tenth of peak.
func day(peak float64) Load {
	return func(at time.Duration) float64 {
		return peak * (0.55 - 0.45*math.Cos(2*math.Pi*at.Hours()/24))
	}
}

// wave comes and goes with a period, the one that upsets an autoscaler most being near its
// own times.
func wave(peak float64, period time.Duration) Load {
	return func(at time.Duration) float64 {
		if at%period < period/2 {
			return peak
		}
		return 0
	}
}

func within(t *testing.T, a *Autoscaler, r Report) {
	t.Helper()
	for s, n := range r.Pods {
		require.True(t, n >= a.Min && n <= a.Max, "%d pods after %d s", n, s)
	}
}

func TestWorkersKeepTheirMinimumAndDrain(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"by slots and backlog": nil, "by backlog": {"--set-json", withoutPrometheus}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			most := gpuWorkers(t, args...).most()
			for name, test := range map[string]struct {
				load  Load
				after time.Duration // the end of the worst
				limit time.Duration // to drain by then
			}{
				"nothing":           {constant(0), 0, time.Second},
				"a trickle":         {constant(0.1 * most), hour, 5 * time.Minute},
				"half":              {constant(0.5 * most), hour, 15 * time.Minute},
				"a burst":           {burst(0.2*most, 3*most), hour + 10*time.Minute, 45 * time.Minute},
				"a day":             {day(0.8 * most), 12 * hour, 3 * hour},
				"waves of 10 min":   {wave(0.9*most, 10*time.Minute), 12 * hour, time.Hour},
				"waves of 40 min":   {wave(0.9*most, 40*time.Minute), 12 * hour, time.Hour},
				"more than can be ": {burst(0.1*most, 10*most), hour + 10*time.Minute, 2 * hour},
			} {
				w := gpuWorkers(t, args...)
				report := w.Run(24*hour, test.load)
				within(t, w.Scale, report)
				took, drained := report.Drained(test.after)
				t.Logf("%-18s %2d reversals, drained after %v, most waiting %.0f, %d handed back of %d", name, report.Reversals(hour, 24*hour), took, highest(report.Waiting), report.HandedBack, report.Arrived)
				require.True(t, drained, name)
				require.LessOrEqual(t, took, test.limit, name)
				require.Equal(t, report.Arrived, report.Done+report.Left, "%s: an analysis was lost or ran twice", name)
				require.Zero(t, report.Killed, name)
				require.Zero(t, report.HandedBack, "%s: none takes longer than a stopping pod waits", name)
			}
		})
	}
}

func highest(waiting []float64) (m float64) {
	for _, w := range waiting {
		m = max(m, w)
	}
	return m
}

// With the slots in use as a metric, a constant load settles on a number of pods.
func TestWorkersDoNotOscillate(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0.05, 0.2, 0.35, 0.5, 0.65, 0.8} {
		w := gpuWorkers(t)
		report := w.Run(13*hour, constant(share*w.most()))
		byBacklog := gpuWorkers(t, "--set-json", withoutPrometheus)
		alone := byBacklog.Run(13*hour, constant(share*w.most()))
		t.Logf("%3.0f %% of the most: %d reversals in 12 h by slots, %.1f an hour by backlog only", 100*share, report.Reversals(hour, 13*hour), float64(alone.Reversals(hour, 13*hour))/12)
		require.LessOrEqual(t, report.Reversals(hour, 13*hour), 6, "at most one in two hours, by chance")
		require.LessOrEqual(t, alone.Reversals(hour, 13*hour), 4*12, "at most four an hour: a pod stays for half an hour, and comes back")
	}
}

// A recording that takes longer than a stopping pod waits is handed back and done
// elsewhere; none is killed.
func TestLongAnalysesAreHandedBackWithinTheGracePeriod(t *testing.T) {
	t.Parallel()
	w := gpuWorkers(t, "--set-json", withoutPrometheus)
	w.Takes = []time.Duration{20 * time.Minute}
	report := w.Run(24*hour, wave(2*w.most(), 3*hour))
	require.Positive(t, report.HandedBack, "the simulation meets the case")
	require.Zero(t, report.Killed)
	require.Equal(t, report.Arrived, report.Done+report.Left)
	require.Greater(t, w.Grace, 2*w.Finish, "the worker's whole time to stop fits into the grace period")

	// The check itself: with Kubernetes' default of 30 s, analyses are killed.
	w = gpuWorkers(t, "--set-json", withoutPrometheus)
	w.Takes, w.Grace = []time.Duration{20 * time.Minute}, 30*time.Second
	require.Positive(t, w.Run(24*hour, wave(2*w.most(), 3*hour)).Killed)
}

func TestConvertersDrain(t *testing.T) {
	t.Parallel()
	a, _ := scaled(t, "worker")
	w := Workers{
		Scale: a, Slots: 2, Takes: []time.Duration{time.Second, 2 * time.Second, 36 * time.Second},
		Finish: time.Minute, Grace: 165 * time.Second, Start: 30 * time.Second, Queue: "orak-convert",
	}
	report := w.Run(24*hour, burst(0.2*w.most(), 2*w.most()))
	within(t, a, report)
	took, drained := report.Drained(hour + 10*time.Minute)
	require.True(t, drained)
	require.LessOrEqual(t, took, 30*time.Minute)
	require.Zero(t, report.Killed)
	require.Zero(t, report.HandedBack)
}

// groups are what one process of a consumer group handles in a second, and what the server
// behind all of them takes (docs/benchmarks.md): the bridge 130 starts of Temporal's 300; the
// index 1,300 events one at a time; the lake 5,000; a webhook's role 60 deliveries.
var groups = map[string]struct{ rate, bound float64 }{
	"bridge": {130, 300}, "index": {1300, 20000}, "lake": {5000, 30000}, "webhooks": {60, 600},
}

func TestConsumerGroupsKeepTheirMinimumAndDrain(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"by rate and lag": nil, "by lag": {"--set-json", withoutPrometheus}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for role, of := range groups {
				most := min(of.bound, 6*of.rate)
				for name, test := range map[string]struct {
					load  Load
					limit time.Duration // to drain after the burst, or the hour
				}{
					"nothing":              {constant(0), time.Minute},
					"half of one pod":      {constant(of.rate / 2), time.Minute},
					"two pods and a half":  {constant(min(2.5*of.rate, 0.9*most)), 45 * time.Minute},
					"a burst":              {burst(most/10, 3*most), 45 * time.Minute},
					"a day":                {day(0.8 * most), 2 * hour},
					"more than the server": {burst(most/10, 10*most), 2*hour + 30*time.Minute},
				} {
					a, _ := scaled(t, role, args...)
					report := Consumers{Scale: a, Rate: of.rate, Bound: of.bound, Rebalance: 5 * time.Second}.Run(24*hour, test.load)
					within(t, a, report)
					took, drained := report.Drained(hour + 10*time.Minute)
					t.Logf("%-8s %-20s %2d reversals, drained after %v, most lag %.0f", role, name, report.Reversals(hour, 24*hour), took, highest(report.Waiting))
					require.True(t, drained, "%s: %s", role, name)
					require.LessOrEqual(t, took, test.limit, "%s: %s", role, name)
					require.LessOrEqual(t, report.Reversals(hour, 24*hour), reversalsADay(args), "%s: %s", role, name)
				}
			}
		})
	}
}

// reversalsADay is how often the number of pods may change its direction: a few times with the
// day's load, and without Prometheus as often as the stabilization of half an hour allows.
func reversalsADay(args []string) int {
	if args == nil {
		return 4
	}
	return 4 * 24
}

// The algorithm is Kubernetes' own: cases of its documentation.
func TestAutoscalerIsThatOfKubernetes(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Duration { return time.Duration(s) * time.Second }
	fresh := func() *Autoscaler {
		return &Autoscaler{Min: 1, Max: 20, Targets: []Trigger{{Target: 10}}, stabilizeDown: at(300),
			up: []scalingPolicy{{true, 100, at(60)}, {false, 2, at(60)}}, down: []scalingPolicy{{false, 1, at(60)}}}
	}
	a := fresh()
	require.Equal(t, 4, a.Decide(0, 4, []float64{43}), "within the tolerance of a tenth")
	require.Equal(t, 5, a.Decide(at(15), 4, []float64{45}))
	a = fresh()
	require.Equal(t, 3, a.Decide(0, 1, []float64{1000}), "the larger policy: two pods, and not one")
	require.Equal(t, 3, a.Decide(at(15), 3, []float64{1000}), "no more within the period")
	require.Equal(t, 6, a.Decide(at(61), 3, []float64{1000}), "the larger policy: 100 %")
	require.Equal(t, 20, a.Decide(at(200), 16, []float64{1000}), "the maximum")
	require.Equal(t, 20, a.Decide(at(400), 20, []float64{0}), "the largest recommendation of 300 s counts")
	require.Equal(t, 19, a.Decide(at(501), 20, []float64{0}), "one pod in a period")
	require.Equal(t, 19, a.Decide(at(530), 19, []float64{0}))
	require.Equal(t, 18, a.Decide(at(562), 19, []float64{0}))
	require.Equal(t, 1, fresh().Decide(0, 1, []float64{0}), "the minimum")

	even := &Autoscaler{Min: 1, Max: 12, Targets: []Trigger{{Target: 10, Even: true}}, stabilizeDown: at(300), up: []scalingPolicy{{false, 12, at(60)}}, down: []scalingPolicy{{false, 1, at(60)}}}
	require.Equal(t, 6, even.Decide(0, 1, []float64{45}), "5 pods do not share 12 partitions evenly")
}

func TestAutoscalersOfTheChartAreComplete(t *testing.T) {
	t.Parallel()
	for _, variant := range variants {
		for _, o := range rendered(t, variant) {
			if o.Kind() != "ScaledObject" {
				continue
			}
			a, err := NewAutoscaler(o)
			require.NoError(t, err)
			require.GreaterOrEqual(t, a.stabilizeDown, 10*time.Minute)
			for _, p := range a.down {
				require.False(t, p.percent)
				require.Equal(t, 1.0, p.value, "%s: pods go one by one", o)
			}
		}
	}
}
