package worker

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"orak"
	"orak/activities"
	"orak/internal/temporal"
	"orak/workflows"
)

// Config has the settings of a worker. Its flags have their full names: embed it
// without a prefix.
type Config struct {
	Queues        []string      `name:"worker-queues" help:"Task queues that this process serves: orak-pipeline, orak-convert, orak-gpu." default:"orak-pipeline,orak-convert,orak-gpu"`
	PipelineSlots int           `name:"pipeline-slots" help:"Concurrent activities of the queue orak-pipeline in this process: those that write results and publish to Kafka." default:"1000"`
	ControlSlots  int           `name:"control-slots" help:"Concurrent activities in this process, for each of the queues orak-control (alerts, outage messages, probes) and orak-erase. A process that serves orak-pipeline serves these queues as well." default:"100"`
	ConvertSlots  int           `name:"convert-slots" help:"Concurrent conversions in this process. 0: one for each CPU." default:"0"`
	GPUSlots      int           `name:"gpu-slots" help:"Concurrent analyses in this process." default:"2"`
	GPUPrefetch   int           `name:"gpu-prefetch" help:"Analyses whose audio is fetched ahead while others hold the slots, so that no slot waits for the store. Each needs scratch disk for one recording, and runs before a more urgent one that comes later. 0: none." default:"1"`
	Engine        string        `name:"engine" help:"Engine of the analysis: builtin; http, a model server with orak's contract; oip, one with the Open Inference Protocol v2." default:"builtin"`
	Reuse         bool          `name:"reuse-analyses" help:"Reuse a finished analysis of the same bytes, of the same tenant, by the same engine and version. If false, every upload is computed." default:"true"`
	ScratchDir    string        `name:"scratch-dir" help:"Folder for the files of running conversions and analyses. Empty: the system's temporary folder." default:""`
	StopTimeout   time.Duration `name:"worker-stop-timeout" help:"How long a stopping worker waits for running steps. After half of it they are interrupted and returned to the server." default:"20s"`

	GPUMemory          int64         `name:"gpu-memory" help:"Memory of the model server, in bytes, that the concurrent analyses of this process may use. 0: only their number is bounded." default:"0"`
	GPUMemoryPerSecond int64         `name:"gpu-memory-per-second" help:"Memory for a second of audio, in bytes, where the model server does not declare it." default:"4000000"`
	GPUWindow          time.Duration `name:"gpu-window" help:"Maximum audio of one recording that uses memory at once: a window (model-server-window) with its context." default:"61s"`

	AlertGroupWait      time.Duration `name:"alert-group-wait" help:"How long the first alert of a stage and class waits for others." default:"10s"`
	AlertGroupInterval  time.Duration `name:"alert-group-interval" help:"Interval of further messages of a stage and class, while new failures arrive." default:"5m"`
	AlertRepeatInterval time.Duration `name:"alert-repeat-interval" help:"Interval of reminders of a stage and class, while uploads are still parked." default:"4h"`

	ReconcileInterval time.Duration `name:"reconcile-interval" help:"Interval of the reconciliation, which finds and repairs inconsistencies. The worker that starts last decides for all. 0: the schedule is neither created nor changed." default:"30m"`
	ReconcileMinAge   time.Duration `name:"reconcile-min-age" help:"Minimum age of an inconsistency: something younger is probably still in progress." default:"5m"`
	ReconcilePage     int           `name:"reconcile-page" help:"Markers, records or workflows that a step of the reconciliation examines at a time." default:"500"`

	ReconcileLettersEvery time.Duration `name:"reconcile-letters-every" help:"Interval at which the reconciliation compares all retained dead letters with the parked uploads; between, only what is new. 0: every run compares all." default:"24h"`

	LakeCompactInterval time.Duration `name:"lake-compact-interval" help:"Interval of the compaction of the lake, which also removes the rows of erased uploads: they are gone after twice the interval plus lake-compact-grace. The worker that starts last decides for all. 0: the schedule is neither created nor changed." default:"6h"`

	Version temporal.WorkerVersion `embed:""`

	Outage   OutageConfig       `embed:""`
	Budget   activities.Budget  `embed:""`
	Settings workflows.Settings `embed:""`
}

// OutageConfig says when the outage of a dependency is posted.
type OutageConfig struct {
	GroupWait      time.Duration `name:"outage-group-wait" help:"How long a dependency (store, kafka, alert-webhook, converter, model-server) must be unavailable before a message reports it; less is a hiccup." default:"10s"`
	Quiet          time.Duration `name:"outage-quiet" help:"How long no attempt may have failed of an outage before it counts as over. It must be longer than retry-max-delay plus outage-report-interval." default:"1m"`
	RepeatInterval time.Duration `name:"outage-repeat-interval" help:"Interval of reminders while an outage lasts." default:"4h"`
	ReportInterval time.Duration `name:"outage-report-interval" help:"Minimum interval at which this process reports the outage of a dependency to Temporal; failures in between are counted." default:"10s"`
}

// Validate returns an error for the first setting that cannot work.
func (c OutageConfig) Validate() error {
	if min(c.GroupWait, c.Quiet, c.RepeatInterval, c.ReportInterval) <= 0 {
		return errors.New("outage-group-wait, outage-quiet, outage-repeat-interval, outage-report-interval: want more than 0")
	}
	return nil
}

// knownQueues are the valid values of Config.Queues.
var knownQueues = []string{workflows.QueuePipeline, workflows.QueueConvert, workflows.QueueGPU}

// maxReconcilePage bounds the work of one activity.
const maxReconcilePage = 10_000

// Validate returns an error for the first setting that cannot work.
func (c Config) Validate() error {
	if len(c.Queues) == 0 {
		return errors.New("worker-queues: want at least one")
	}
	for _, q := range c.Queues {
		if !slices.Contains(knownQueues, q) {
			return fmt.Errorf("worker-queues: unknown queue %q, want some of %v", q, knownQueues)
		}
	}
	switch {
	case c.PipelineSlots < 2 || c.ControlSlots < 2:
		return fmt.Errorf("pipeline-slots %d and control-slots %d: want at least 2", c.PipelineSlots, c.ControlSlots)
	case c.ConvertSlots < 0:
		return fmt.Errorf("convert-slots %d: want at least 0", c.ConvertSlots)
	case c.GPUSlots < 1:
		return fmt.Errorf("gpu-slots %d: want at least 1", c.GPUSlots)
	case c.GPUPrefetch < 0:
		return fmt.Errorf("gpu-prefetch %d: want at least 0", c.GPUPrefetch)
	case !slices.Contains(orak.Engines(), c.Engine):
		return fmt.Errorf("engine: unknown engine %q, want one of %v", c.Engine, orak.Engines())
	case c.GPUMemory < 0 || c.GPUMemoryPerSecond < 0 || c.GPUWindow <= 0:
		return errors.New("gpu-memory and gpu-memory-per-second: want at least 0; gpu-window: want more than 0")
	case c.StopTimeout <= 0:
		return fmt.Errorf("worker-stop-timeout %v: want more than 0", c.StopTimeout)
	case c.AlertGroupWait <= 0 || c.AlertGroupInterval <= 0 || c.AlertRepeatInterval <= 0:
		return errors.New("alert-group-wait, alert-group-interval and alert-repeat-interval: want more than 0")
	case c.AlertRepeatInterval < c.AlertGroupInterval:
		return fmt.Errorf("alert-repeat-interval %v: want at least alert-group-interval (%v)", c.AlertRepeatInterval, c.AlertGroupInterval)
	case c.LakeCompactInterval != 0 && c.LakeCompactInterval < time.Second:
		return fmt.Errorf("lake-compact-interval %v: want at least 1s, or 0", c.LakeCompactInterval)
	case c.ReconcileInterval != 0 && c.ReconcileInterval < time.Second:
		return fmt.Errorf("reconcile-interval %v: want at least 1s, or 0", c.ReconcileInterval)
	case c.ReconcileMinAge < 0:
		return errors.New("reconcile-min-age: want at least 0")
	case c.ReconcileLettersEvery < 0:
		return errors.New("reconcile-letters-every: want at least 0")
	case c.ReconcilePage < 1 || c.ReconcilePage > maxReconcilePage:
		return fmt.Errorf("reconcile-page %d: want 1 to %d", c.ReconcilePage, maxReconcilePage)
	}
	if err := c.Version.Validate(); err != nil {
		return err
	}
	if err := c.Budget.Validate(); err != nil {
		return err
	}
	if err := c.Outage.Validate(); err != nil {
		return err
	}
	if longest := c.Budget.MaxDelay + c.Outage.ReportInterval; c.Outage.Quiet <= longest {
		return fmt.Errorf("outage-quiet %v: want more than retry-max-delay plus outage-report-interval (%v)", c.Outage.Quiet, longest)
	}
	return c.Settings.Validate()
}

// queues returns the queues that are served. Those for control and erasure go with
// QueuePipeline, so that a worker also runs what its workflows schedule there.
func (c Config) queues() []string {
	if !slices.Contains(c.Queues, workflows.QueuePipeline) {
		return c.Queues
	}
	return append(slices.Clone(c.Queues), workflows.QueueControl, workflows.QueueErase)
}

// kinds returns the queues that are served, each with a kind of tasks that it has.
func (c Config) kinds() map[string]enumspb.TaskQueueType {
	all := make(map[string]enumspb.TaskQueueType)
	for _, queue := range c.queues() {
		all[queue] = enumspb.TASK_QUEUE_TYPE_ACTIVITY
	}
	return all
}

// slots returns the concurrent activities of each queue that is served.
func (c Config) slots() map[string]int {
	all := map[string]int{
		workflows.QueuePipeline: c.PipelineSlots, workflows.QueueControl: c.ControlSlots, workflows.QueueErase: c.ControlSlots,
		workflows.QueueConvert: c.convertSlots(), workflows.QueueGPU: c.GPUSlots,
	}
	served := make(map[string]int)
	for _, queue := range c.queues() {
		served[queue] = all[queue]
	}
	return served
}

func (c Config) convertSlots() int {
	if c.ConvertSlots == 0 {
		return runtime.NumCPU()
	}
	return c.ConvertSlots
}
