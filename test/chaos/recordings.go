package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"orak"
	"orak/internal/media/mediatest"
	"orak/test/accounts"
)

// recording is one kind of file, with its expected outcome.
type recording struct {
	// kind is also the file name of its uploads, after a number.
	kind        string
	contentType string
	body        []byte
	// weight is how often it is chosen, relative to the others.
	weight int
	want   accounts.Outcome
}

// The lengths of the longer recordings. maxSeconds is the limit of a run, low
// enough that a recording beyond it is cheap to make and to detect.
const (
	largeSeconds = 240
	longSeconds  = 600
	maxSeconds   = 1200
)

// crashMark begins the sound on which ffmpeg.sh dies.
const crashMark = "ORAK-CHAOS-CRASH"

// recordings makes all kinds in a folder of the run. attempts is the retry
// budget, which one kind uses up.
func recordings(ctx context.Context, dir string, attempts int) ([]recording, error) {
	files, err := encode(ctx, filepath.Join(dir, "recordings"))
	if err != nil {
		return nil, err
	}
	cut := func(name string) []byte { return files[name][:len(files[name])*6/10] }
	sound, input := accounts.Outcome{DurationS: mediatest.Seconds}, accounts.Outcome{Class: orak.ClassInput}
	return []recording{
		{"tune.wav", "audio/wav", files["tune.wav"], 12, sound},
		{"tune.m4a", "audio/mp4", files["tune.m4a"], 12, sound},
		{"tune.mp3", "audio/mpeg", files["tune.mp3"], 12, sound},
		{"tune.ogg", "audio/ogg", files["tune.ogg"], 12, sound},
		{"tune.webm", "audio/webm", files["tune.webm"], 12, sound},
		{"tune.flac", "audio/flac", files["tune.flac"], 12, sound},
		{"large.wav", "audio/wav", files["large.wav"], 4, accounts.Outcome{DurationS: largeSeconds}},
		{"long.ogg", "audio/ogg", files["long.ogg"], 5, accounts.Outcome{DurationS: longSeconds}},
		// It completes with what is there; an m4a has its index at its end.
		{"cut.mp3", "audio/mpeg", cut("tune.mp3"), 3, accounts.Outcome{}},
		{"cut.m4a", "audio/mp4", cut("tune.m4a"), 4, input},
		{"one-hertz.wav", "audio/wav", mediatest.WAV(1, 1, mediatest.Tune(8000)), 3, input},
		{"no-samples.wav", "audio/wav", mediatest.WAV(16000, 1, nil), 3, input},
		{"too-long.flac", "audio/flac", files["too-long.flac"], 2, input},
		{"crash.wav", "audio/wav", crashing(), 2, accounts.Outcome{Class: orak.ClassTransient, Attempts: attempts}},
		{"letter.m4a", "audio/mp4", []byte("This is no recording; it is a letter."), 2, accounts.Outcome{Refused: http.StatusUnsupportedMediaType}},
		{"empty.mp3", "audio/mpeg", nil, 2, accounts.Outcome{Refused: http.StatusBadRequest}},
	}, nil
}

// encode makes the real recordings with ffmpeg, by name.
func encode(ctx context.Context, dir string) (map[string][]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of recordings: %w", err)
	}
	tune := filepath.Join(dir, "source.wav")
	if err := os.WriteFile(tune, mediatest.WAV(48000, 1, mediatest.Tune(48000)), 0o600); err != nil {
		return nil, fmt.Errorf("writing the tune: %w", err)
	}
	files := map[string][]byte{}
	for name, args := range map[string][]string{
		"tune.wav":      {"-i", tune, "-c:a", "pcm_s16le"},
		"tune.m4a":      {"-i", tune, "-c:a", "aac"},
		"tune.mp3":      {"-i", tune, "-c:a", "libmp3lame", "-q:a", "4"},
		"tune.ogg":      {"-i", tune, "-c:a", "libopus"},
		"tune.webm":     {"-i", tune, "-c:a", "libopus"},
		"tune.flac":     {"-i", tune, "-c:a", "flac"},
		"large.wav":     {"-f", "lavfi", "-i", source("sine=frequency=220:sample_rate=48000", largeSeconds), "-ac", "2", "-c:a", "pcm_s16le"},
		"long.ogg":      {"-f", "lavfi", "-i", source("sine=frequency=220:sample_rate=16000", longSeconds), "-c:a", "libopus", "-b:a", "16k"},
		"too-long.flac": {"-f", "lavfi", "-i", source("anullsrc=r=8000:cl=mono", maxSeconds+60), "-c:a", "flac"},
	} {
		path := filepath.Join(dir, name)
		cmd := exec.CommandContext(ctx, "ffmpeg", slices.Concat([]string{"-hide_banner", "-nostdin", "-loglevel", "error", "-y"}, args, []string{path})...)
		if said, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("making %s with ffmpeg (go tool task ffmpeg installs it): %w: %s", name, err, said)
		}
		var err error
		if files[name], err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return files, nil
}

func source(filter string, seconds int) string { return fmt.Sprintf("%s:duration=%d", filter, seconds) }

// crashing is a sound file on which ffmpeg.sh dies.
func crashing() []byte {
	wav := mediatest.WAV(16000, 1, mediatest.Tune(16000))
	const header = 44
	copy(wav[header:], crashMark)
	return wav
}

// crashingFFmpeg is the ffmpeg of a run.
//
//go:embed ffmpeg.sh
var crashingFFmpeg []byte

// installFFmpeg writes the ffmpeg of a run into its folder.
func installFFmpeg(dir string) (string, error) {
	path := filepath.Join(dir, "ffmpeg")
	if err := os.WriteFile(path, crashingFFmpeg, 0o700); err != nil {
		return "", fmt.Errorf("writing the ffmpeg of the run: %w", err)
	}
	return path, nil
}
