package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"orak"
	"orak/internal/analysis"
)

// passes is how often every recording is analyzed for the speed. The fastest pass
// counts, since disturbances only make one slower.
const passes = 5

// figures are the results of one engine.
type figures struct {
	// Speed is in seconds of audio for each second of processor time.
	Speed float64    `json:"times_real_time"`
	Clean pitchScore `json:"clean"`
	Noisy pitchScore `json:"white_noise_0_db"`
	Pink  pitchScore `json:"pink_noise_0_db"`
}

type report struct {
	Recordings int     `json:"recordings"`
	Seconds    int     `json:"seconds"`
	Builtin    figures `json:"built_in"`
	// Vectors is the built-in engine with vector instructions, if this program
	// was built with them (GOEXPERIMENT=simd).
	Vectors *figures `json:"built_in_vectors,omitempty"`
	Aubio   *figures `json:"aubiopitch,omitempty"`
	// LoudnessLU is the largest difference to ffmpeg's integrated loudness.
	LoudnessLU *float64 `json:"loudness_difference_lu,omitempty"`
	// MemoryMiB is the heap in use towards the end of a minute of audio and of
	// an hour, including the pitch curve, which is the result.
	MemoryMiB [2]float64 `json:"memory_mib_minute_hour"`
}

// measure makes the recordings, each clean and in noise, and runs every installed
// engine on them.
func measure(ctx context.Context, count, seconds int) (report, error) {
	folder, err := os.MkdirTemp("", "bench-analyze")
	if err != nil {
		return report{}, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // the system cleans its temporary folder
	b := bench{file: filepath.Join(folder, "song.wav"), hasAubio: installed("aubiopitch"), hasFFmpeg: installed("ffmpeg")}
	for i := range count {
		song := sing(seconds, uint64(i))
		for condition, song := range [conditions]recording{song, song.inNoise(white(uint64(i))), song.inNoise(pink(uint64(i)))} {
			if err := b.measure(ctx, song, condition); err != nil {
				return report{}, err
			}
		}
	}
	audio := float64(conditions * count * seconds)
	r := report{Recordings: count, Seconds: seconds, Builtin: b.builtin.figures(audio)}
	if analysis.Vectors() {
		f := b.vectors.figures(audio)
		r.Vectors = &f
	}
	if b.hasAubio {
		f := b.aubio.figures(audio)
		r.Aubio = &f
	}
	if b.hasFFmpeg {
		r.LoudnessLU = &b.loudness
	}
	for i, minutes := range []int{1, 60} {
		if r.MemoryMiB[i], err = live(ctx, minutes); err != nil {
			return report{}, err
		}
	}
	return r, nil
}

// conditions are clean, white noise and pink noise.
const conditions = 3

// tally collects the results of one engine in each condition.
type tally struct {
	scores [conditions]score
	spent  time.Duration
}

func (t *tally) figures(audio float64) figures {
	return figures{audio / t.spent.Seconds(), t.scores[0].result(), t.scores[1].result(), t.scores[2].result()}
}

type bench struct {
	file                string
	hasAubio, hasFFmpeg bool
	// builtin is without vector instructions.
	builtin, vectors, aubio tally
	loudness                float64
}

func (b *bench) measure(ctx context.Context, song recording, condition int) error {
	wav := song.wav(1)
	found, curve, took, err := fastest(ctx, wav, analysis.Config{Plain: true})
	if err != nil {
		return err
	}
	b.builtin.spent += took
	b.builtin.scores[condition].add(song.f0, func(i int) float64 { return float64(curve.F0Hz[i]) })
	if analysis.Vectors() {
		again, curveAgain, took, err := fastest(ctx, wav, analysis.Config{})
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(found, again) || !reflect.DeepEqual(curve, curveAgain) {
			return errors.New("the vector instructions give a different result")
		}
		b.vectors.spent += took
		b.vectors.scores[condition] = b.builtin.scores[condition]
	}
	if err := os.WriteFile(b.file, wav, 0o600); err != nil {
		return err
	}
	if b.hasAubio {
		hz, took, err := aubiopitch(ctx, b.file)
		if err != nil {
			return err
		}
		b.aubio.spent += took
		b.aubio.scores[condition].add(song.f0, hz)
	}
	if b.hasFFmpeg {
		theirs, err := ebur128(ctx, b.file)
		if err != nil {
			return err
		}
		b.loudness = max(b.loudness, math.Abs(found.Loudness.IntegratedLUFS-theirs))
	}
	return nil
}

// fastest analyzes a WAV a few times; took is the least processor time.
func fastest(ctx context.Context, wav []byte, cfg analysis.Config) (found orak.Analysis, curve orak.PitchCurve, took time.Duration, err error) {
	took = math.MaxInt64
	for range passes {
		began := processorTime()
		found, curve, err = analysis.New(cfg).Analyze(ctx, bytes.NewReader(wav), nil)
		if err != nil {
			return orak.Analysis{}, orak.PitchCurve{}, 0, err
		}
		took = min(took, processorTime()-began)
	}
	return found, curve, took, nil
}

// processorTime is the processor time that this process has used, which does not
// grow while other processes run.
func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// live is the heap in use, in MiB, towards the end of an analysis of so many
// minutes.
func live(ctx context.Context, minutes int) (mib float64, err error) {
	wav := sing(60, 1).wav(minutes)
	before := heap()
	_, _, err = analysis.New(analysis.Config{}).Analyze(ctx, bytes.NewReader(wav), func(done float64) {
		if done > 0.99 && mib == 0 {
			mib = float64(heap()-before) / (1 << 20)
		}
	})
	return mib, err
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
