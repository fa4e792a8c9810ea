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
	// Audio is the result of the conversion.
	Audio orak.Audio `json:"audio"`
	// Engine is the one that was asked for; empty means the configured one.
	Engine string `json:"engine,omitempty"`
	// Announce asks for the event events.Analyzed, and for the analysis to be stored
	// instead of returned; nil in runs whose workflow does both.
	Announce *StageEvent `json:"announce,omitempty"`
}

// Analyzed is the result of Analyze. An embedding would be most of a history, so the
// analysis is returned only to runs that did not ask for the event.
type Analyzed struct {
	// Analysis is nil if it is stored under orak.AnalysisKey.
	*orak.Analysis
	// Announced is as in Converted.
	Announced bool `json:"announced,omitempty"`
}

// Analyze streams orak.AudioKey through the engine and stores the curve under
// orak.PitchKey. The summary, which has no curve, is stored under orak.AnalysisKey
// and its event is published, or it is returned; see AnalyzeInput. It reuses an
// analysis of the same bytes by the same engine, unless the engine was asked for.
//
// The numbers of both are rounded here for every engine, so that they are the
// same wherever they are stored, published and returned.
func (a *Activities) Analyze(ctx context.Context, in AnalyzeInput) (Analyzed, error) {
	analysis, err := a.analyze(ctx, in)
	switch {
	case err != nil:
		return Analyzed{}, err
	case in.Announce == nil:
		return Analyzed{Analysis: &analysis}, nil
	}
	if err := a.putJSON(ctx, orak.AnalysisKey(in.Upload.Tenant, in.Upload.ID), analysis); err != nil {
		return Analyzed{}, err
	}
	return Analyzed{Announced: a.announceStage(ctx, orak.StageAnalyze, in.Upload, in.Announce)}, nil
}

func (a *Activities) analyze(ctx context.Context, in AnalyzeInput) (orak.Analysis, error) {
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

// compute is analyze without reuse. It fetches the audio before it asks for a
// slot, so that no slot waits for the store.
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

// run has the engine analyze wav within a slot. A suspect recording, for which
// the server may have failed, is analyzed alone, after the server has proved that
// it works: a failure is then the fault of the recording.
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

// blame classifies a failure of the server that only this recording causes as
// orak.ClassModel.
func blame(err error) error {
	f := (*orak.Fault)(nil)
	if !errors.As(err, &f) || !f.Suspect || f.Class != orak.ClassDependency {
		return err
	}
	return &orak.Fault{Class: orak.ClassModel, Message: "The model server fails on this recording, while it analyzes others.", Err: err}
}

// engine returns the engine of a name; empty means the configured one.
func (a *Activities) engine(name string) (Analyzer, error) {
	if name == "" {
		return a.deps.Analyzer, nil
	}
	engine, ok := a.deps.Engines[name]
	if !ok {
		// A retry would not help; the operator who asked for it reads this.
		return nil, &orak.Fault{
			Class: orak.ClassInternal, Message: fmt.Sprintf("The worker has no engine %q: set model-server-url there, or ask for another.", name),
			Err: fmt.Errorf("no engine %q", name),
		}
	}
	return engine, nil
}

// admit waits for admission. The attempt sends heartbeats meanwhile.
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
