package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"orak/internal/media"
	"orak/workflows"
)

// converter tries ffmpeg at the start, so that a missing one fails the start and
// not every upload. A worker that converts nothing needs no ffmpeg.
func (a *App) converter(ctx context.Context) (*media.Converter, error) {
	c, err := media.New(a.cfg.Media, a.log)
	if err != nil || !slices.Contains(a.cfg.Worker.Queues, workflows.QueueConvert) {
		return c, err
	}
	if err := c.Check(ctx); err != nil {
		return nil, fmt.Errorf("trying ffmpeg (go tool task ffmpeg installs it): %w", err)
	}
	logStartTime(ctx, a.log, c.StartTime())
	return c, nil
}

// slowStart is the processor time of a start of ffmpeg from which another build is
// worth its while.
const slowStart = 40 * time.Millisecond

// logStartTime logs how long a start of ffmpeg took, since every conversion begins
// with one.
func logStartTime(ctx context.Context, log *slog.Logger, took time.Duration) {
	ms := took.Milliseconds()
	if took < slowStart {
		log.InfoContext(ctx, "ffmpeg starts quickly", "start_ms", ms)
		return
	}
	log.InfoContext(ctx, "ffmpeg starts slowly, at each conversion", "start_ms", ms,
		"remedy", "go tool task ffmpeg:audio builds one that starts in a few ms; name it with ORAK_MEDIA_FFMPEG and ORAK_MEDIA_FFPROBE (docs/benchmarks.md)")
}
