package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"orak"
	"orak/activities"
	"orak/internal/analysis"
	"orak/internal/modelserver"
	"orak/internal/modelserver/conformance"
	"orak/internal/secure"
	"orak/worker"
)

// modelEngine takes pitch, key, tempo and embedding from a model server, as far
// as its model returns them, and everything else from the built-in engine. Both
// read the recording at the same time.
type modelEngine struct {
	builtin *analysis.Engine
	server  *modelserver.Client
	oip     bool
}

var (
	_ activities.Analyzer = modelEngine{}
	_ activities.Prover   = modelEngine{}
)

// Analyze implements activities.Analyzer.
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

// Prove implements activities.Prover.
func (e modelEngine) Prove(ctx context.Context, audio time.Duration) error {
	return e.server.Prove(ctx, e.oip, audio)
}

// Identity implements activities.Analyzer. It is zero where the model server does
// not name its model.
func (e modelEngine) Identity(ctx context.Context) (orak.Engine, error) {
	model, err := e.model(ctx)
	if err != nil {
		return orak.Engine{}, fmt.Errorf("asking the model server for its identity: %w", err)
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

// together names the engine of a combined result: it changes with the version of
// either part.
func together(model, builtin orak.Engine) orak.Engine {
	return orak.Engine{Name: model.Name, Version: model.Version + "+" + builtin.Name + "." + builtin.Version}
}

// engines returns every engine that an upload can be analyzed with, by name. Those
// of a model server are among them only where one is configured.
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

// modelGate reports when the configured model server takes work, and how much
// memory a second of audio takes there.
type modelGate struct {
	server *modelserver.Client
	oip    bool
}

var _ worker.ModelServer = modelGate{}

// modelServer returns nil for the built-in engine, which needs no server.
func (a *App) modelServer() worker.ModelServer {
	if a.cfg.Worker.Engine == orak.EngineBuiltin {
		return nil
	}
	return a.modelGate()
}

func (a *App) modelGate() modelGate {
	return modelGate{server: modelserver.New(a.cfg.ModelServer), oip: a.cfg.Worker.Engine == orak.EngineOIP}
}

// Ready implements worker.ModelServer.
func (g modelGate) Ready(ctx context.Context) error {
	if g.oip {
		return g.server.Ready(ctx, modelserver.OIPReadyPath)
	}
	return g.server.Ready(ctx, modelserver.ReadyPath)
}

// checkModelServer returns a *secure.WrongSetting if the model server can be reached but
// not used with these settings.
func (a *App) checkModelServer(ctx context.Context) error {
	if !a.hasModelServer() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := a.modelGate().Ready(ctx); secure.IsWrongSetting(err) {
		return err
	}
	return nil
}

// MemoryPerSecond implements worker.ModelServer. It is 0, unknown, with the Open
// Inference Protocol, which has no field for it.
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

// EngineTarget is the model server to check.
type EngineTarget = conformance.Target

// EngineAccess is how the model server lets its callers in.
type EngineAccess = modelserver.Access

// EngineCheck is the result of one check.
type EngineCheck = conformance.Check

// CheckEngine checks a model server against the contract and reports each check.
// It returns an error only for a target that cannot be used.
func CheckEngine(ctx context.Context, target EngineTarget, report func(EngineCheck)) error {
	if target.URL == "" {
		return errors.New("checking a model server: want its URL")
	}
	cfg := modelserver.Config{URL: target.URL, Timeout: target.Timeout, Window: time.Minute, Access: target.Access}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("checking a model server: %w", err)
	}
	if err := conformance.Run(ctx, target, report); err != nil {
		return fmt.Errorf("checking a model server: %w", err)
	}
	return nil
}
