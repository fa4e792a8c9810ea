package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"
)

// Settings are what an operator may set about a workflow. Each run records
// those that it began with, and keeps them.
type Settings struct {
	ParkFor          time.Duration `name:"park-for" help:"How long a dead-lettered upload stays parked for an operator, before it expires." default:"168h"`
	ExpiryWarning    time.Duration `name:"park-expiry-warning" help:"How long before it expires an alert says so of a parked upload. 0 means none; so does anything that is not less than park-for." default:"24h"`
	ConvertTimeout   time.Duration `name:"convert-timeout" help:"How long one attempt to convert may take. It is to be longer than what the converter gives itself (media-timeout), which tells more." default:"15m"`
	AnalyzeTimeout   time.Duration `name:"analyze-timeout" help:"How long one attempt to analyze may take." default:"1h"`
	PublishTimeout   time.Duration `name:"publish-timeout" help:"How long one attempt to publish may take." default:"5m"`
	HeartbeatTimeout time.Duration `name:"heartbeat-timeout" help:"How long a worker may be silent before its attempt is taken for dead and another one begins." default:"30s"`
	StageLimit       time.Duration `name:"stage-limit" help:"How long a stage may take in all, with every retry and the wait in its queue. It is the last resort against an upload that is stuck; it must leave room for the longest backlog and outage." default:"168h"`
	ErasePatience    time.Duration `name:"erase-patience" help:"How long the processing of an upload that is erased may take to end by itself, before it is terminated." default:"5m"`
}

// Validate reports the first setting that cannot work.
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
		return fmt.Errorf("park-expiry-warning %v: want 0 at least", s.ExpiryWarning)
	}
	if longest := max(s.ConvertTimeout, s.AnalyzeTimeout, s.PublishTimeout); s.StageLimit < longest {
		return fmt.Errorf("stage-limit %v: want %v at least, the longest attempt", s.StageLimit, longest)
	}
	return nil
}

// Flows holds every workflow as a method; worker registers them.
type Flows struct{ settings Settings }

// New makes the workflows.
func New(s Settings) *Flows { return &Flows{settings: s} }

// recorded is the same on every replay, whatever the worker was restarted
// with.
func (f *Flows) recorded(ctx workflow.Context) (Settings, error) {
	var s Settings
	err := workflow.SideEffect(ctx, func(workflow.Context) any { return f.settings }).Get(&s)
	if err != nil {
		return Settings{}, fmt.Errorf("reading recorded settings: %w", err)
	}
	return s, nil
}
