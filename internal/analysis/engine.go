package analysis

import (
	"context"
	"errors"
	"fmt"
	"io"

	"orak"
	"orak/internal/wav"
)

const sampleRate = wav.SampleRate

// Name and version of the engine in analysis.json. The version changes whenever the
// result of the same recording changes.
const (
	EngineName    = "orak-builtin"
	EngineVersion = "4"
)

// blockSize is how many samples are read at a time: 0.25 s. Between two blocks the
// context is checked and progress is reported.
const blockSize = sampleRate / 4

// Engine is the built-in analysis. It has only settings, and is safe for concurrent
// use.
type Engine struct {
	cfg Config
}

// New makes an engine. cfg must be valid.
func New(cfg Config) *Engine { return &Engine{cfg: cfg.withDefaults()} }

// Identity returns the engine as it is named in every result.
func (e *Engine) Identity(context.Context) (orak.Engine, error) { return e.identity(), nil }

// identity includes settings that are not the defaults in the version, since they
// change the result.
func (e *Engine) identity() orak.Engine {
	version, usual := EngineVersion, (Config{}).withDefaults()
	if e.cfg.MinF0Hz != usual.MinF0Hz || e.cfg.MaxF0Hz != usual.MaxF0Hz {
		version += fmt.Sprintf("-f0.%g.%g", e.cfg.MinF0Hz, e.cfg.MaxF0Hz)
	}
	return orak.Engine{Name: EngineName, Version: version}
}

func (e *Engine) kernels() kernels {
	if e.cfg.Plain {
		return plainKernels()
	}
	return fastest()
}

// Vectors reports whether this program was built with vector instructions and runs
// on a processor that has them. Then engines use them unless Config.Plain is set.
func Vectors() bool { return fastest().vectors }

// Analyze reads a 16 kHz, mono, 16-bit PCM WAV to its end and returns the analysis,
// without Analysis.Audio, which only the converter knows.
//
// progress, which may be nil, is called after every quarter of a second of audio
// with the share that is done, 0 to 1; if the WAV's header has no length, with 0,
// and 1 at the end. It is called on the caller's goroutine: the analysis waits for
// it.
//
// A recording may have any length, also none; every number of the result is finite.
// Once ctx is done, Analyze returns its error within a quarter of a second of audio
// (a reader that blocks must heed ctx itself). Other errors are a *orak.Fault of
// ClassInternal for a WAV of another format, of ClassTransient for one that is cut
// off, of ClassModel where the analysis itself failed; and the error of the reader,
// wrapped.
func (e *Engine) Analyze(ctx context.Context, recording io.Reader, progress func(done float64)) (orak.Analysis, orak.PitchCurve, error) {
	return e.AnalyzeAlong(ctx, recording, progress, func([]float64) error { return nil })
}

// AnalyzeAlong is Analyze, and also passes every block of samples, whose full scale
// is 1, to another, which must not keep it. Its first error ends the analysis.
func (e *Engine) AnalyzeAlong(ctx context.Context, recording io.Reader, progress func(done float64), another func(block []float64) error) (orak.Analysis, orak.PitchCurve, error) {
	if progress == nil {
		progress = func(float64) {}
	}
	src, err := wav.Open(recording)
	if err != nil {
		return orak.Analysis{}, orak.PitchCurve{}, err
	}
	run := newRun(e.cfg, e.kernels())
	block := make([]float64, blockSize)
	for {
		if err := ctx.Err(); err != nil {
			return orak.Analysis{}, orak.PitchCurve{}, fmt.Errorf("analyzing: %w", err)
		}
		n, err := src.Next(block)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return orak.Analysis{}, orak.PitchCurve{}, err
		}
		if err := another(block[:n]); err != nil {
			return orak.Analysis{}, orak.PitchCurve{}, err
		}
		run.push(block[:n])
		progress(src.Done())
	}
	analysis, curve := run.result()
	analysis.Engine = e.identity()
	if err := checkFinite(analysis, curve); err != nil {
		return orak.Analysis{}, orak.PitchCurve{}, err
	}
	progress(1)
	return analysis, curve, nil
}

// run is one analysis: the recording passes all meters at once.
type run struct {
	// clean removes rumble and direct current, which every measure takes for
	// periodic; halver halves the rate for pitch and chroma.
	clean    *biquad
	scratch  []float64
	halver   *halver
	pitch    *pitchTrack
	loudness *loudnessMeter
	mel      *melFrames
	tempo    *tempoMeter
	chroma   *chromaMeter
}

func newRun(cfg Config, k kernels) *run {
	r := &run{
		clean: highPass(40), halver: newHalver(k), pitch: newPitchTrack(cfg, k), loudness: newLoudnessMeter(k),
		tempo: newTempoMeter(), chroma: newChromaMeter(k),
	}
	r.mel = newMelFrames(k, r.tempo.frame)
	return r
}

func (r *run) push(x []float64) {
	r.loudness.push(x)
	r.mel.push(x)
	r.scratch = r.scratch[:0]
	for _, v := range x {
		r.scratch = append(r.scratch, r.clean.next(v))
	}
	r.pushHalved(r.halver.push(r.scratch))
}

func (r *run) pushHalved(x []float64) {
	r.pitch.push(x)
	r.chroma.push(x)
}

func (r *run) result() (orak.Analysis, orak.PitchCurve) {
	r.pushHalved(r.halver.flush())
	pitch, curve := r.pitch.result()
	timbre := r.mel.result()
	chroma := r.chroma.result(curve)
	tempo, onsetRate := r.tempo.result()
	a := orak.Analysis{
		Pitch:    pitch,
		Key:      findKey(chroma),
		Tempo:    tempo,
		Loudness: r.loudness.result(),
		Timbre:   timbre.summary(),
	}
	a.Embedding = embed(timbre, chroma, curve, a, onsetRate)
	return a, curve
}
