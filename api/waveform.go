package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/api/resource"
	"orak/internal/objectstore"
	"orak/internal/wav"
)

const (
	paramPoints          = "points"
	paramSamplesPerPixel = "samples_per_pixel"

	defaultPoints = 4000
	// maxPoints bounds an answer to about 1 MB.
	maxPoints = 100_000
	// minPerPixel is the least that readers of the format take.
	minPerPixel = 2
	maxPerPixel = 1 << 24
)

// errLengthless means that the recording does not say how long it is.
var errLengthless = errors.New("the header of the converted recording has no length")

// resolution is what a request for a waveform asks for; one of the two is 0.
type resolution struct {
	// points is the most pairs.
	points int
	// perPixel is the samples of a pair.
	perPixel int
}

// resolutionOf reads the parameters of a waveform.
func resolutionOf(c *fiber.Ctx) (resolution, error) {
	if err := checkParameters(c, []string{paramPoints, paramSamplesPerPixel}); err != nil {
		return resolution{}, err
	}
	points, perPixel := c.Query(paramPoints), c.Query(paramSamplesPerPixel)
	if perPixel == "" {
		n, err := countOf(paramPoints, points, defaultPoints, 1, maxPoints)
		return resolution{points: n}, err
	}
	if points != "" {
		return resolution{}, refuse(codeInvalidRequest, "Give points or samples_per_pixel, not both.")
	}
	n, err := countOf(paramSamplesPerPixel, perPixel, 0, minPerPixel, maxPerPixel)
	return resolution{perPixel: n}, err
}

// countOf reads a number; "" is the default.
func countOf(name, given string, byDefault, least, most int) (int, error) {
	if given == "" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < least || n > most {
		return 0, refuse(codeInvalidRequest, fmt.Sprintf("%s must be %d to %d.", name, least, most))
	}
	return n, nil
}

// tag distinguishes the answers about the same recording.
func (r resolution) tag() string { return fmt.Sprintf("-%d-%d", r.points, r.perPixel) }

// of returns the samples of a pair for a recording of samples: for a number of points,
// the least power of two that does not exceed it.
func (r resolution) of(samples int64) (int, error) {
	if r.perPixel == 0 {
		n := minPerPixel
		for wav.Pixels(samples, n) > int64(r.points) {
			n *= 2
		}
		return n, nil
	}
	if wav.Pixels(samples, r.perPixel) > maxPoints {
		return 0, refuse(codeInvalidRequest, fmt.Sprintf("samples_per_pixel must be at least %d for this recording, which has %d samples: at most %d points are answered.",
			wav.Pixels(samples, maxPoints), samples, maxPoints))
	}
	return r.perPixel, nil
}

// getWaveform answers with the peaks of the converted recording. They are made from the
// recording at each request that does not have them (see
// docs/decisions/0036-waveforms-on-request.md).
func (s *Server) getWaveform(c *fiber.Ctx) error {
	asked, err := resolutionOf(c)
	if err != nil {
		return err
	}
	st, err := s.lookupFor(c)
	if err != nil {
		return err
	}
	info, err := s.store.Stat(c.UserContext(), orak.AudioKey(st.Upload.Tenant, st.Upload.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return st.withoutAudio()
	}
	if err != nil {
		return err
	}
	if notModified(c, info.ETag+asked.tag()) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	release, err := s.waveforms.take(exchangeOf(c).caller.Tenant)
	if err != nil {
		return s.noWaveformPlace(err)
	}
	defer release()
	w, err := s.waveform(c.UserContext(), info, asked)
	if err != nil {
		return err
	}
	return c.JSON(w)
}

func (s *Server) noWaveformPlace(err error) error {
	r := refuse(codeUnavailable, "The service is making as many waveforms as it can at once. Try again later.")
	if errors.Is(err, errNoPlaceOfTenant) {
		r = refuse(codeRateLimited, fmt.Sprintf("The tenant may have %d waveforms made at once by each instance of the server.", s.cfg.MaxTenantWaveforms))
	}
	r.again = time.Second
	return r
}

// waveform reads a converted recording.
func (s *Server) waveform(ctx context.Context, info objectstore.Info, asked resolution) (resource.Waveform, error) {
	if info.Size == 0 {
		return resource.Waveform{}, errLengthless
	}
	body, err := s.store.GetRangeOf(ctx, info, 0, info.Size)
	switch {
	case errors.Is(err, objectstore.ErrChanged):
		return resource.Waveform{}, refuse(codeUnavailable, "The recording was just converted again. Repeat the request.").because(err)
	case err != nil:
		return resource.Waveform{}, err
	}
	defer body.Close()
	r, err := wav.Open(body)
	if err != nil {
		return resource.Waveform{}, inTime(ctx, err)
	}
	if r.Samples() < 0 {
		return resource.Waveform{}, errLengthless
	}
	perPixel, err := asked.of(r.Samples())
	if err != nil {
		return resource.Waveform{}, err
	}
	peaks, err := r.Peaks(perPixel)
	if err != nil {
		return resource.Waveform{}, inTime(ctx, err)
	}
	return resource.Waveform{
		Version: 2, Channels: 1, SampleRate: wav.SampleRate, SamplesPerPixel: perPixel, Bits: 8, Length: len(peaks) / 2, Data: peaks,
	}, nil
}
