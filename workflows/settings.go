package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"
)

// Settings are the settings of the workflows. Each run records those of its start,
// and keeps them.
type Settings struct {
	ParkFor          time.Duration `name:"park-for" help:"How long a dead-lettered upload stays parked before it expires." default:"168h"`
	ExpiryWarning    time.Duration `name:"park-expiry-warning" help:"How long before the expiry of a parked upload an alert warns of it. 0, or park-for and more: no warning." default:"24h"`
	ConvertTimeout   time.Duration `name:"convert-timeout" help:"Maximum duration of one attempt to convert. It should be longer than the converter's own limit (media-timeout), whose error says more." default:"15m"`
	AnalyzeTimeout   time.Duration `name:"analyze-timeout" help:"Maximum duration of one attempt to analyze." default:"1h"`
	PublishTimeout   time.Duration `name:"publish-timeout" help:"Maximum duration of one attempt to publish." default:"5m"`
	HeartbeatTimeout time.Duration `name:"heartbeat-timeout" help:"How long a worker may send no heartbeat before its attempt counts as crashed and another one begins." default:"30s"`
	StageLimit       time.Duration `name:"stage-limit" help:"Maximum duration of a stage with all retries and the wait in its queue. It is the last resort against a stuck upload; it must leave room for the longest backlog and outage." default:"168h"`
	ErasePatience    time.Duration `name:"erase-patience" help:"How long the processing of an upload that is being erased may take to end before it is terminated." default:"5m"`
}

// Validate returns an error for the first setting that cannot work.
func (s Settings) Validate() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"park-for", s.ParkFor}, {"convert-timeout", s.ConvertTimeout}, {"analyze-timeout", s.AnalyzeTimeout},
		{"publish-timeout", s.PublishTimeout}, {"heartbeat-timeout", s.HeartbeatTimeout}, {"erase-patience", s.ErasePatience},
	} {
		if d.value <= 0 {
			return fmt.Errorf("%s %v: want more than 0", d.name, d.value)
		}
	}
	if s.ExpiryWarning < 0 {
		return fmt.Errorf("park-expiry-warning %v: want at least 0", s.ExpiryWarning)
	}
	if longest := max(s.ConvertTimeout, s.AnalyzeTimeout, s.PublishTimeout); s.StageLimit < longest {
		return fmt.Errorf("stage-limit %v: want at least %v, the longest attempt", s.StageLimit, longest)
	}
	return nil
}

// Flows has every workflow as a method; package worker registers them.
type Flows struct {
	settings Settings
	layout   int // of new runs
	parkFor  func() time.Duration
}

// New makes the workflows.
func New(s Settings) *Flows { return &Flows{settings: s, layout: newestLayout} }

// ParkFor makes new runs record what parkFor returns instead of Settings.ParkFor; a run
// that has begun keeps what it recorded. It returns f.
func (f *Flows) ParkFor(parkFor func() time.Duration) *Flows {
	f.parkFor = parkFor
	return f
}

// now returns the settings that a run records which begins now.
func (f *Flows) now() Settings {
	s := f.settings
	if f.parkFor != nil {
		s.ParkFor = f.parkFor()
	}
	return s
}

// Layouts of an upload's history. Like a version of workflow.GetVersion, the layout of
// a run is the one that was current when it began, but it needs no events of its own.
const (
	// layoutBrief is the layout in which stages publish their own events, the analysis
	// stays out of the history, and the end is tried as a local activity. Runs from
	// before it have recorded none.
	layoutBrief = 1
	// newestLayout is the layout of new runs, and the last that this build can go on with.
	newestLayout = layoutBrief
)

// recording is what a run records first.
type recording struct {
	Settings
	Layout int
}

// recorded returns what the run has recorded: the same on every replay.
func (f *Flows) recorded(ctx workflow.Context) (recording, error) {
	var r recording
	err := workflow.SideEffect(ctx, func(workflow.Context) any { return recording{f.now(), f.layout} }).Get(&r)
	if err != nil {
		return recording{}, fmt.Errorf("reading recorded settings: %w", err)
	}
	if r.Layout > newestLayout {
		// It fails the workflow task and not the workflow, as an unknown version of
		// workflow.GetVersion does: the build that began the run can go on with it.
		panic(fmt.Sprintf("the history has layout %d of a newer build; this one knows %d", r.Layout, newestLayout))
	}
	return r, nil
}
