package worker

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"orak"
	"orak/activities"
	"orak/workflows"
)

// Config says what a worker serves. Its flags carry their whole names: embed
// it without a prefix.
type Config struct {
	Queues        []string      `name:"worker-queues" help:"Task queues that this process serves: orak-pipeline, orak-convert, orak-gpu." default:"orak-pipeline,orak-convert,orak-gpu"`
	PipelineSlots int           `name:"pipeline-slots" help:"Activities of the queue orak-pipeline at once in this process: those that write results and publish to Kafka." default:"1000"`
	ControlSlots  int           `name:"control-slots" help:"Activities of the queue orak-control (alerts, messages of outages, probes) and of the queue orak-erase at once in this process, of each. Who serves orak-pipeline serves these queues, too." default:"100"`
	ConvertSlots  int           `name:"convert-slots" help:"Conversions at once in this process. 0: one for each CPU." default:"0"`
	GPUSlots      int           `name:"gpu-slots" help:"Analyses at once in this process." default:"2"`
	GPUPrefetch   int           `name:"gpu-prefetch" help:"Analyses whose audio is fetched ahead while others hold the slots, so that no slot waits for the store. Each takes the scratch disk for one recording, and goes before whatever is more urgent but comes later. 0: none." default:"1"`
	Engine        string        `name:"engine" help:"What analyzes: builtin; http, a model server of orak's contract; oip, one of the Open Inference Protocol v2." default:"builtin"`
	Reuse         bool          `name:"reuse-analyses" help:"Take over a finished analysis of the same bytes, of the same tenant, by the same engine and version. Off, every upload is computed." default:"true"`
	ScratchDir    string        `name:"scratch-dir" help:"Folder for the files of running conversions and analyses. Empty: the system's temporary folder." default:""`
	StopTimeout   time.Duration `name:"worker-stop-timeout" help:"How long a stopping worker waits for running steps. After half of it they are interrupted and handed back to the server." default:"20s"`

	GPUMemory          int64         `name:"gpu-memory" help:"Memory of the model server, in bytes, that the analyses of this process may take at once. 0: only their number is bounded." default:"0"`
	GPUMemoryPerSecond int64         `name:"gpu-memory-per-second" help:"What a second of audio takes of it, in bytes, where the model server does not say." default:"4000000"`
	GPUWindow          time.Duration `name:"gpu-window" help:"How much audio of one recording takes memory at once, at most: that of a window (model-server-window) with its context." default:"61s"`

	AlertGroupWait      time.Duration `name:"alert-group-wait" help:"How long the first alert of a stage and class waits for company." default:"10s"`
	AlertGroupInterval  time.Duration `name:"alert-group-interval" help:"Distance between the further alerts of a stage and class, while new failures arrive." default:"5m"`
	AlertRepeatInterval time.Duration `name:"alert-repeat-interval" help:"How long after the last alert of a stage and class it is repeated, while uploads are still parked." default:"4h"`

	ReconcileInterval time.Duration `name:"reconcile-interval" help:"How often what slipped through is looked for and mended. The worker that starts last decides for all. 0: the schedule is neither made nor changed." default:"30m"`
	ReconcileMinAge   time.Duration `name:"reconcile-min-age" help:"How old something must be to count as slipped through: what is younger is probably on its way." default:"5m"`
	ReconcilePage     int           `name:"reconcile-page" help:"How many markers, records or workflows one step of the reconciliation examines at a time." default:"500"`

	Outage   OutageConfig       `embed:""`
	Budget   activities.Budget  `embed:""`
	Settings workflows.Settings `embed:""`
}

// OutageConfig says when the outage of a dependency is told of.
type OutageConfig struct {
	GroupWait      time.Duration `name:"outage-group-wait" help:"How long a dependency (store, kafka, alert-webhook, converter, model-server) must be away before a message tells of it; less is a hiccup." default:"10s"`
	Quiet          time.Duration `name:"outage-quiet" help:"How long nothing may have met an outage before it is told to be over. It is to be longer than retry-max-delay, plus outage-report-interval." default:"1m"`
	RepeatInterval time.Duration `name:"outage-repeat-interval" help:"Distance at which an outage is told of again while it goes on." default:"4h"`
	ReportInterval time.Duration `name:"outage-report-interval" help:"How often this process reports one dependency's outage to Temporal at most; what fails meanwhile is counted." default:"10s"`
}

// Validate reports the first setting that cannot work.
func (c OutageConfig) Validate() error {
	if min(c.GroupWait, c.Quiet, c.RepeatInterval, c.ReportInterval) <= 0 {
		return errors.New("outage-group-wait, outage-quiet, outage-repeat-interval, outage-report-interval: want more than 0")
	}
	return nil
}

// knownQueues are those that Config.Queues can name.
var knownQueues = []string{workflows.QueuePipeline, workflows.QueueConvert, workflows.QueueGPU}

// maxReconcilePage keeps what one activity does bounded.
const maxReconcilePage = 10_000

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	if len(c.Queues) == 0 {
		return errors.New("worker-queues: want one at least")
	}
	for _, q := range c.Queues {
		if !slices.Contains(knownQueues, q) {
			return fmt.Errorf("worker-queues: unknown queue %q, want some of %v", q, knownQueues)
		}
	}
	switch {
	case c.PipelineSlots < 2 || c.ControlSlots < 2:
		return fmt.Errorf("pipeline-slots %d and control-slots %d: want 2 at least", c.PipelineSlots, c.ControlSlots)
	case c.ConvertSlots < 0:
		return fmt.Errorf("convert-slots %d: want 0 at least", c.ConvertSlots)
	case c.GPUSlots < 1:
		return fmt.Errorf("gpu-slots %d: want 1 at least", c.GPUSlots)
	case c.GPUPrefetch < 0:
		return fmt.Errorf("gpu-prefetch %d: want 0 at least", c.GPUPrefetch)
	case !slices.Contains(orak.Engines(), c.Engine):
		return fmt.Errorf("engine: unknown engine %q, want one of %v", c.Engine, orak.Engines())
	case c.GPUMemory < 0 || c.GPUMemoryPerSecond < 0 || c.GPUWindow <= 0:
		return errors.New("gpu-memory, gpu-memory-per-second and gpu-window: want none below 0, and a window")
	case c.StopTimeout <= 0:
		return fmt.Errorf("worker-stop-timeout %v: want more than 0", c.StopTimeout)
	case c.AlertGroupWait <= 0 || c.AlertGroupInterval <= 0 || c.AlertRepeatInterval <= 0:
		return errors.New("alert-group-wait, alert-group-interval and alert-repeat-interval: want more than 0")
	case c.AlertRepeatInterval < c.AlertGroupInterval:
		return fmt.Errorf("alert-repeat-interval %v: want %v at least, which is alert-group-interval", c.AlertRepeatInterval, c.AlertGroupInterval)
	case c.ReconcileInterval != 0 && c.ReconcileInterval < time.Second:
		return fmt.Errorf("reconcile-interval %v: want 1s at least, or 0", c.ReconcileInterval)
	case c.ReconcileMinAge < 0:
		return errors.New("reconcile-min-age: want 0 at least")
	case c.ReconcilePage < 1 || c.ReconcilePage > maxReconcilePage:
		return fmt.Errorf("reconcile-page %d: want 1 to %d", c.ReconcilePage, maxReconcilePage)
	}
	if err := c.Budget.Validate(); err != nil {
		return err
	}
	if err := c.Outage.Validate(); err != nil {
		return err
	}
	if longest := c.Budget.MaxDelay + c.Outage.ReportInterval; c.Outage.Quiet <= longest {
		return fmt.Errorf("outage-quiet %v: want more than %v, which is retry-max-delay and outage-report-interval together", c.Outage.Quiet, longest)
	}
	return c.Settings.Validate()
}
