// Package analysis is the built-in engine: it analyzes a voice recording by signal
// processing, without a model.
//
// The recording streams through five meters at once. Only the memory of the pitch
// curve grows with its length: 9 bytes every 10 ms, and 4 more while it is
// summarized.
//
//	WAV ─► wav.Reader ┬─► loudnessMeter  K-weighting, gates; peakMeter
//	                  ├─► melFrames      cepstra, centroid ─► Timbre
//	                  │     └─► tempoMeter  onsets ─► Tempo
//	                  └─► halver         half of the rate
//	                        ├─► pitchTrack   pitchFrames ─► tracker ─► PitchCurve, Pitch
//	                        └─► chromaMeter  spectral peaks ─► Key
//	                                         all of it ─► Embedding
//
// The hot loops are in kernels.go, in a plain form and in one for vector
// instructions that gives the same bits.
//
// # Pitch
//
// YIN's cumulative mean normalized difference (de Cheveigné & Kawahara, JASA
// 111, 2002), on frames of 64 ms every 10 ms. The difference is taken from
// the autocorrelation of a Hann-windowed frame divided by that of the window
// (Boersma, IFA Proc. 17, 1993), through the power spectrum, which is faded out
// above the voice's strong harmonics, from 2.5 to 3.9 kHz. Unlike YIN's one-sided
// window this is symmetric in time, so that a glide is not reported late, and it
// removes half of a white noise. So half of the samples suffice; the
// autocorrelation still has lags of the full rate. Noise, by an estimate over 2 s,
// is subtracted from the spectrum before (noise.go).
//
// All minima are candidates, as in pYIN (Mauch & Dixon, ICASSP 2014). But where
// pYIN spreads thresholds and a grid of pitches over a hidden Markov model, here
// the candidates are its states, with Boersma's costs. That resolves the same
// ambiguities (octaves, voiced or not) with a tenth of the work, and still works in
// noise, where pYIN's thresholds fail. Each decision is made 1.5 s later, so that
// the track streams.
//
// The search covers A1 to A6 (see Config). A frame is voiced where the path through
// the candidates, which depends on its neighbours too, says so; PitchCurve.Voicing
// is the frame's own periodicity as a probability. A frame softer than -75 dBFS, or
// 45 dB softer than the loud voiced ones, is silence. Where several notes sound at
// once, the curve follows their common period or none: it is a curve for one voice.
//
// # Loudness
//
// ITU-R BS.1770-4 and EBU R128, of the converted recording: 16 kHz, mono. So two
// channels are measured as their mean, and frequencies above 8 kHz do not count.
// Both make the value lower than that of the original recording, by some 3 LU where
// the channels are equal (BS.1770 adds the channels' powers).
//
// # Key, tempo, timbre, embedding
//
// Each file begins with its method and its source. Without evidence none of them
// reports a value: no key without three notes, no tempo without four periodic
// onsets.
//
// # Not promised
//
// Equal results on different kinds of processors: the last digits may be rounded
// differently. On the same kind the same bytes give the same result.
package analysis
