// Package analysis is the built-in engine: it reports what a voice recording
// holds, from its samples alone and without a model.
//
// The recording streams through five meters at once; memory does not grow
// with its length, but for the pitch curve (9 bytes every 10 ms, and 4 more
// while it is summed up).
//
//	WAV ─► wavReader ─┬─► loudnessMeter  K-weighting, gates; peakMeter
//	                  ├─► melFrames      cepstra, centroid ─► Timbre
//	                  │     └─► tempoMeter  onsets ─► Tempo
//	                  └─► halver         half of the rate
//	                        ├─► pitchTrack   pitchFrames ─► tracker ─► PitchCurve, Pitch
//	                        └─► chromaMeter  spectral peaks ─► Key
//	                                         all of it ─► Embedding
//
// The loops that take the time are in kernels.go, in a plain form and in one
// for vector instructions that gives the same bits.
//
// # Pitch
//
// YIN's cumulative mean normalized difference (de Cheveigné & Kawahara, JASA
// 111, 2002), on frames of 64 ms every 10 ms. The difference is taken from
// the autocorrelation of a Hann-windowed frame divided by that of the window
// (Boersma, IFA Proc. 17, 1993), by way of the power spectrum, in which what
// lies above the voice's strong harmonics, from 2.5 to 3.9 kHz, is faded out:
// unlike YIN's own one-sided window it looks at both sides of its time alike, so
// that a glide is not reported late, and half of a white noise is gone before it
// can do harm. So half of the samples are enough; the autocorrelation is at
// lags of the whole rate all the same. What is noise in the spectrum, by an
// estimate over 2 s, is taken out before (noise.go). All minima are candidates,
// as in pYIN (Mauch & Dixon, ICASSP 2014); but where pYIN spreads thresholds and a grid of pitches over a hidden
// Markov model, here the candidates themselves are its states, with Boersma's
// costs: that decides the same doubts (octaves, voiced or not) at a tenth of
// the work, and goes on in noise, where pYIN's thresholds let go. Decisions
// fall 1.5 s late, so that they stream.
//
// Frequencies from A1 to A6 are looked for (see Config). A frame is voiced
// where the way through the candidates says so, which looks at its
// neighbours too; PitchCurve.Voicing is that frame's own periodicity as a
// probability. A frame softer than -75 dBFS, or than the loud voiced ones by
// 45 dB, is silence. Where several notes sound at once, the curve follows
// their common period or none: it is a curve for one voice.
//
// # Loudness
//
// ITU-R BS.1770-4 and EBU R128, of the converted recording: 16 kHz, mono. So
// a stereo recording's two channels are measured as their mean, and what was
// above 8 kHz does not count; both make the value lower than that of the
// recording as it was sent, by some 3 LU where the channels are alike (as
// BS.1770 adds the channels' powers).
//
// # Key, tempo, timbre, embedding
//
// Each file begins with its method and where that comes from. None of them
// reports what it did not find: no key without three notes, no tempo without
// four onsets that return.
//
// # Not promised
//
// The same bytes give the same result on the same kind of processor; another
// one may round the last digits differently.
package analysis
