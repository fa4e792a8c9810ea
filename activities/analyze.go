package activities

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"orak"
)

// AnalyzeInput asks for the analysis of a converted upload.
type AnalyzeInput struct {
	Upload orak.Upload `json:"upload"`
	// Audio is what the conversion found.
	Audio orak.Audio `json:"audio"`
	// Engine is the one that was asked for; empty means the one that is set.
	Engine string `json:"engine,omitempty"`
}

// Analyze streams orak.AudioKey through the engine, stores the curve under
// orak.PitchKey and returns the summary, which holds no curve. What the same
// engine found in the same bytes before is not computed again, unless the engine
// was asked for.
//
// The numbers of both are rounded here, whichever engine found them: what is
// stored, announced and answered later on is the same.
func (a *Activities) Analyze(ctx context.Context, in AnalyzeInput) (orak.Analysis, error) {
	engine, err := a.engine(in.Engine)
	if err != nil {
		return orak.Analysis{}, err
	}
	if in.Engine == "" && !a.deps.ComputeAnew {
		if analysis, found, err := a.reuse(ctx, engine, in); err != nil || found {
			return analysis, err
		}
	}
	return a.compute(ctx, engine, in)
}

// compute is Analyze with nothing to reuse. The audio is fetched before a slot is
// asked for, so that no slot waits for the store.
func (a *Activities) compute(ctx context.Context, engine Analyzer, in AnalyzeInput) (orak.Analysis, error) {
	wav, err := a.fetchAudio(ctx, in.Upload)
	if err != nil {
		return orak.Analysis{}, err
	}
	defer wav.Close()
	analysis, curve, err := a.run(ctx, engine, in.Audio, wav)
	if err != nil {
		return orak.Analysis{}, fmt.Errorf("analyzing: %w", err)
	}
	if err := a.putJSON(ctx, orak.PitchKey(in.Upload.Tenant, in.Upload.ID), curve.Final()); err != nil {
		return orak.Analysis{}, err
	}
	return analysis.Of(in.Audio).Final(), nil
}

// run has the engine analyze wav within a slot. A recording that the engine's
// server may have failed for has it alone, once the server has shown that it
// serves: what fails then is the recording's own fault.
func (a *Activities) run(ctx context.Context, engine Analyzer, audio orak.Audio, wav io.Reader) (orak.Analysis, orak.PitchCurve, error) {
	prover, alone := engine.(Prover)
	alone = alone && suspected(ctx)
	leave, err := a.admit(ctx, audio, alone)
	if err != nil {
		return orak.Analysis{}, orak.PitchCurve{}, err
	}
	defer leave()
	if alone {
		if err := prover.Prove(ctx, durationOf(audio)); err != nil {
			return orak.Analysis{}, orak.PitchCurve{}, err
		}
	}
	analysis, curve, err := engine.Analyze(ctx, wav, progress(ctx))
	if alone {
		err = blame(err)
	}
	return analysis, curve, err
}

// blame makes what a server does to one recording, and not to others, that
// recording's fault.
func blame(err error) error {
	f := (*orak.Fault)(nil)
	if !errors.As(err, &f) || !f.Suspect || f.Class != orak.ClassDependency {
		return err
	}
	return &orak.Fault{Class: orak.ClassModel, Message: "The model server fails whenever it analyzes this recording, and analyzes others.", Err: err}
}

// engine is the one of a name; empty means the one that is set.
func (a *Activities) engine(name string) (Analyzer, error) {
	if name == "" {
		return a.deps.Analyzer, nil
	}
	engine, ok := a.deps.Engines[name]
	if !ok {
		// It would not come by itself: whoever asked is told.
		return nil, &orak.Fault{
			Class: orak.ClassInternal, Message: fmt.Sprintf("The worker has no engine %q: set model-server-url there, or ask for another.", name),
			Err: fmt.Errorf("no engine %q", name),
		}
	}
	return engine, nil
}

// admit waits for room. The attempt's heartbeats go on meanwhile.
func (a *Activities) admit(ctx context.Context, audio orak.Audio, alone bool) (leave func(), err error) {
	if a.deps.Admission == nil {
		return func() {}, nil
	}
	leave, err = a.deps.Admission.Admit(ctx, durationOf(audio), alone)
	if err != nil {
		return nil, fmt.Errorf("waiting for a slot: %w", err)
	}
	return leave, nil
}

func durationOf(audio orak.Audio) time.Duration {
	return time.Duration(audio.DurationS * float64(time.Second))
}
