package app

import (
	"context"
	"fmt"
	"io"
	"time"

	"orak"
	"orak/activities"
	"orak/internal/analysis"
	"orak/internal/modelserver"
	"orak/worker"
)

// modelEngine has from a model server what its model gives of pitch, key, tempo
// and an embedding, and the rest from the built-in engine: both read the
// recording at the same time.
type modelEngine struct {
	builtin *analysis.Engine
	server  *modelserver.Client
	oip     bool
}

var (
	_ activities.Analyzer = modelEngine{}
	_ activities.Prover   = modelEngine{}
)

// Analyze is activities.Analyzer's.
func (e modelEngine) Analyze(ctx context.Context, wav io.Reader, progress func(done float64)) (orak.Analysis, orak.PitchCurve, error) {
	sent := e.server.Start(ctx, e.oip)
	defer sent.Abandon()
	a, curve, err := e.builtin.AnalyzeAlong(ctx, wav, progress, sent.Push)
	if err != nil {
		return orak.Analysis{}, orak.PitchCurve{}, err
	}
	found, err := sent.Finish()
	if err != nil {
		return orak.Analysis{}, orak.PitchCurve{}, err
	}
	if len(found.Curve.F0Hz) > 0 {
		curve, a.Pitch = found.Curve, analysis.Summarize(found.Curve)
	}
	if found.Key != nil {
		a.Key = *found.Key
	}
	if found.Tempo != nil {
		a.Tempo = *found.Tempo
	}
	if found.Embedding != nil {
		a.Embedding = *found.Embedding
	}
	a.Engine = together(found.Engine, a.Engine)
	return a, curve, nil
}

// Prove is activities.Prover's.
func (e modelEngine) Prove(ctx context.Context, audio time.Duration) error {
	return e.server.Prove(ctx, e.oip, audio)
}

// Identity is activities.Analyzer's.
func (e modelEngine) Identity(ctx context.Context) (orak.Engine, error) {
	model, err := e.model(ctx)
	if err != nil {
		return orak.Engine{}, fmt.Errorf("asking the model server which it is: %w", err)
	}
	if !model.Known() {
		return orak.Engine{}, nil
	}
	builtin, err := e.builtin.Identity(ctx)
	return together(model, builtin), err
}

func (e modelEngine) model(ctx context.Context) (orak.Engine, error) {
	if e.oip {
		return e.server.ModelIdentity(ctx)
	}
	capacity, err := e.server.Capacity(ctx)
	return capacity.Engine, err
}

// together names a result in which both had a part: another version of either
// gives another result.
func together(model, builtin orak.Engine) orak.Engine {
	return orak.Engine{Name: model.Name, Version: model.Version + "+" + builtin.Name + "." + builtin.Version}
}

// engines are all that an analysis can be asked of: those of a model server where
// one is set.
func (a *App) engines() map[string]activities.Analyzer {
	builtin, server := analysis.New(a.cfg.Engine), modelserver.New(a.cfg.ModelServer)
	if !a.hasModelServer() {
		return map[string]activities.Analyzer{orak.EngineBuiltin: builtin}
	}
	return map[string]activities.Analyzer{
		orak.EngineBuiltin: builtin,
		orak.EngineHTTP:    modelEngine{builtin: builtin, server: server},
		orak.EngineOIP:     modelEngine{builtin: builtin, server: server, oip: true},
	}
}

func (a *App) hasModelServer() bool {
	return a.cfg.Worker.Engine != orak.EngineBuiltin || a.cfg.ModelServer.URL != ""
}

// modelGate says when the configured engine takes work, and what a second of
// audio takes of its memory; the built-in engine is always there.
type modelGate struct {
	server *modelserver.Client
	oip    bool
}

var _ worker.ModelServer = modelGate{}

func (a *App) modelServer() worker.ModelServer {
	if a.cfg.Worker.Engine == orak.EngineBuiltin {
		return nil
	}
	return a.modelGate()
}

func (a *App) modelGate() modelGate {
	return modelGate{server: modelserver.New(a.cfg.ModelServer), oip: a.cfg.Worker.Engine == orak.EngineOIP}
}

// Ready is worker.ModelServer's.
func (g modelGate) Ready(ctx context.Context) error {
	if g.oip {
		return g.server.Ready(ctx, modelserver.OIPReadyPath)
	}
	return g.server.Ready(ctx, modelserver.ReadyPath)
}

// MemoryPerSecond is worker.ModelServer's. The Open Inference Protocol has no
// word for it.
func (g modelGate) MemoryPerSecond(ctx context.Context) (int64, error) {
	if g.oip {
		return 0, nil
	}
	capacity, err := g.server.Capacity(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking the model server for its capacity: %w", err)
	}
	return capacity.MemoryBytesPerSecond, nil
}
