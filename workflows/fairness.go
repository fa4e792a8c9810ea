package workflows

import (
	"go.temporal.io/sdk/temporal"

	"orak"
)

// Priorities on Temporal's scale of 1 (first) to 5. New uploads have its
// default, 3: somebody waits for them. They go before what is run again after a
// dead letter, which goes before what is replayed or restarted. A priority
// orders the backlog of a queue, not what runs already.
const (
	PriorityReprocessed = 4
	LowestPriority      = 5
)

// Priorities of new uploads by the tier of their tenant.
const (
	PriorityRealtime = 2
	PriorityStandard = 3
	PriorityBackfill = LowestPriority
)

// Lane returns the name of a priority for operators; empty for one that orak does not
// use.
func Lane(priority int) string {
	switch priority {
	case PriorityRealtime:
		return "realtime"
	case PriorityStandard:
		return "standard"
	case PriorityReprocessed:
		return "reprocessed"
	case PriorityBackfill:
		return "backfill"
	default:
		return ""
	}
}

// fair shares the task queues among tenants: the tenant is the fairness key. Nobody
// waits for the reference recording of a song.
func fair(u orak.Upload) temporal.Priority {
	p := temporal.Priority{FairnessKey: string(u.Tenant)}
	if u.Kind == orak.KindSong {
		p.PriorityKey = LowestPriority
	}
	return p
}

// priority is that of the upload's stages. Before the upload is reprocessed it
// inherits the priority of the workflow.
func (u *upload) priority() temporal.Priority {
	p := fair(u.in.Upload)
	if u.progress.Cycle > u.in.Cycle && p.PriorityKey == 0 {
		p.PriorityKey = PriorityReprocessed
	}
	return p
}
