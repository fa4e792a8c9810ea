package activities

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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

// compute is Analyze with nothing to reuse.
func (a *Activities) compute(ctx context.Context, engine Analyzer, in AnalyzeInput) (orak.Analysis, error) {
	u := in.Upload
	leave, err := a.admit(ctx, in.Audio)
	if err != nil {
		return orak.Analysis{}, err
	}
	defer leave()
	body, _, err := a.deps.Store.Open(ctx, orak.AudioKey(u.Tenant, u.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return orak.Analysis{}, internalFault(fmt.Errorf("opening converted audio: %w", err))
	}
	if err != nil {
		return orak.Analysis{}, fmt.Errorf("opening converted audio: %w", err)
	}
	defer body.Close()
	src := &source{r: body}
	analysis, curve, err := engine.Analyze(ctx, src, progress(ctx))
	if src.err != nil {
		// The store's fault, whatever the engine took it for.
		return orak.Analysis{}, fmt.Errorf("reading converted audio: %w", src.err)
	}
	if err != nil {
		return orak.Analysis{}, fmt.Errorf("analyzing: %w", err)
	}
	if err := a.putJSON(ctx, orak.PitchKey(u.Tenant, u.ID), curve.Final()); err != nil {
		return orak.Analysis{}, err
	}
	analysis.Audio = in.Audio
	return analysis.Final(), nil
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
func (a *Activities) admit(ctx context.Context, audio orak.Audio) (leave func(), err error) {
	if a.deps.Admission == nil {
		return func() {}, nil
	}
	leave, err = a.deps.Admission.Admit(ctx, time.Duration(audio.DurationS*float64(time.Second)))
	if err != nil {
		return nil, fmt.Errorf("waiting for memory: %w", err)
	}
	return leave, nil
}
