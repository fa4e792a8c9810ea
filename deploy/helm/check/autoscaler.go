package check

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Autoscaler decides on a number of pods as Kubernetes' HorizontalPodAutoscaler does with
// what KEDA gives it: the algorithm of its controller for external metrics with average
// values, with tolerance, stabilization, and policies of which the largest change counts.
type Autoscaler struct {
	Min, Max int
	// Targets are what each trigger allows for each pod.
	Targets []Trigger

	stabilizeDown    time.Duration
	up, down         []scalingPolicy
	recommendations  []change
	added, withdrawn []change
}

// Trigger is one metric and its target for each pod.
type Trigger struct {
	Type   string // kafka, temporal or prometheus
	Of     string // the topic or task queue
	Target float64
	// Even rounds the pods up to a number by which the partitions divide.
	Even bool
}

type scalingPolicy struct {
	percent bool
	value   float64
	period  time.Duration
}

// change is a number at a time.
type change struct {
	at time.Duration
	n  int
}

// tolerance is the HorizontalPodAutoscaler's own: nearer to the target, nothing changes.
const tolerance = 0.1

// NewAutoscaler reads a ScaledObject.
func NewAutoscaler(o Object) (*Autoscaler, error) {
	a := &Autoscaler{Min: o.number("spec", "minReplicaCount"), Max: o.number("spec", "maxReplicaCount")}
	behavior := Object(o.fields("spec", "advanced", "horizontalPodAutoscalerConfig", "behavior"))
	if behavior.number("scaleUp", "stabilizationWindowSeconds") != 0 {
		return nil, fmt.Errorf("%s: a stabilization of scaling up is not simulated", o)
	}
	a.stabilizeDown = time.Duration(behavior.number("scaleDown", "stabilizationWindowSeconds")) * time.Second
	a.up, a.down = policies(behavior.each("scaleUp", "policies")), policies(behavior.each("scaleDown", "policies"))
	for _, t := range o.each("spec", "triggers") {
		target, err := strconv.ParseFloat(t.text("metadata", targetField(t)), 64)
		if err != nil || target <= 0 {
			return nil, fmt.Errorf("%s: a trigger's target is %q", o, t.text("metadata", targetField(t)))
		}
		a.Targets = append(a.Targets, Trigger{
			Type: t.text("type"), Of: t.text("metadata", "topic") + t.text("metadata", "taskQueue"), Target: target,
			Even: t.text("metadata", "ensureEvenDistributionOfPartitions") == "true",
		})
	}
	if a.Min < 1 || a.Max < a.Min || len(a.Targets) == 0 || len(a.up) == 0 || len(a.down) == 0 || a.stabilizeDown == 0 {
		return nil, fmt.Errorf("%s: its limits, triggers or behavior are missing", o)
	}
	return a, nil
}

func policies(objects []Object) []scalingPolicy {
	found := make([]scalingPolicy, 0, len(objects))
	for _, p := range objects {
		found = append(found, scalingPolicy{
			percent: p.text("type") == "Percent", value: float64(p.number("value")), period: time.Duration(p.number("periodSeconds")) * time.Second,
		})
	}
	return found
}

// Decide returns the pods wanted at a time, where current pods exist and metrics has the
// total of each trigger. It must be called in the order of time.
func (a *Autoscaler) Decide(now time.Duration, current int, metrics []float64) int {
	desired := 0
	for i, trigger := range a.Targets {
		desired = max(desired, wanted(metrics[i], trigger, current))
	}
	a.recommendations = append(since(a.recommendations, now-a.stabilizeDown), change{now, desired})
	stable := desired
	if desired < current {
		for _, r := range a.recommendations {
			stable = max(stable, r.n)
		}
		stable = min(stable, current)
	}
	next := current
	switch {
	case stable > current:
		next = min(stable, a.upLimit(now, current))
	case stable < current:
		next = max(stable, a.downLimit(now, current))
	}
	next = min(max(next, a.Min), a.Max)
	if next > current {
		a.added = append(a.added, change{now, next - current})
	}
	if next < current {
		a.withdrawn = append(a.withdrawn, change{now, current - next})
	}
	return next
}

func wanted(total float64, trigger Trigger, current int) int {
	if trigger.Even {
		total = evenly(total, trigger.Target)
	}
	if current > 0 && math.Abs(total/(trigger.Target*float64(current))-1) <= tolerance {
		return current
	}
	return int(math.Ceil(total / trigger.Target))
}

// partitions is that of the topics, events.Partitions.
const partitions = 12

// evenly returns the total with which KEDA asks for a number of pods by which the partitions divide.
func evenly(total, target float64) float64 {
	for pods := 1; pods <= partitions; pods++ {
		if partitions%pods == 0 && float64(pods)*target >= total {
			return float64(pods) * target
		}
	}
	return partitions * target
}

// upLimit is the most pods that the policies allow now: the largest change counts.
func (a *Autoscaler) upLimit(now time.Duration, current int) int {
	limit := 0
	for _, p := range a.up {
		before := float64(current - sum(since(a.added, now-p.period)) + sum(since(a.withdrawn, now-p.period)))
		if p.percent {
			limit = max(limit, int(math.Ceil(before*(1+p.value/100))))
			continue
		}
		limit = max(limit, int(before+p.value))
	}
	return max(limit, current)
}

func (a *Autoscaler) downLimit(now time.Duration, current int) int {
	limit := current
	for _, p := range a.down {
		before := float64(current - sum(since(a.added, now-p.period)) + sum(since(a.withdrawn, now-p.period)))
		if p.percent {
			limit = min(limit, int(before*(1-p.value/100)))
			continue
		}
		limit = min(limit, int(before-p.value))
	}
	return limit
}

func since(changes []change, t time.Duration) []change {
	for i, c := range changes {
		if c.at > t {
			return changes[i:]
		}
	}
	return nil
}

func sum(changes []change) (n int) {
	for _, c := range changes {
		n += c.n
	}
	return n
}
