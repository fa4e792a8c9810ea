package conformance

import (
	"context"
	"errors"
	"fmt"
	"math"

	"orak"
	"orak/internal/modelserver"
)

const (
	second = modelserver.SampleRate
	// tolerance is in cents.
	tolerance = 50
	// most is the share of frames that must be correct.
	most = 0.9
)

// sung returns a tone with the overtones of a voice, at a quarter of full scale.
func sung(hz float64, samples int) []float64 {
	x := make([]float64, samples)
	for i := range x {
		for k := 1; k <= 8; k++ {
			x[i] += 0.25 / float64(k*k) * math.Sin(2*math.Pi*hz*float64(k*i)/second)
		}
	}
	return x
}

// analyze sends x as a worker does, in windows, and checks the answer.
func (s *suite) analyze(ctx context.Context, x []float64) (modelserver.Found, error) {
	r := s.client.Start(ctx, s.target.OIP)
	defer r.Abandon()
	if err := r.Push(x); err != nil {
		return modelserver.Found{}, err
	}
	found, err := r.Finish()
	if err != nil {
		return modelserver.Found{}, err
	}
	if s.engine.Name == "" {
		s.engine = found.Engine
	}
	if found.Engine != s.engine {
		return modelserver.Found{}, fmt.Errorf("the result is from %v, but the server is %v", found.Engine, s.engine)
	}
	return found, nil
}

func (s *suite) tone(ctx context.Context) (string, error) {
	found, err := s.analyze(ctx, sung(220, 2*second))
	if err != nil {
		return "", err
	}
	c := found.Curve
	if len(c.F0Hz) == 0 {
		return "the model gives no pitch", nil
	}
	edge := len(c.F0Hz) / 8
	return within(c.F0Hz[edge:len(c.F0Hz)-edge], 220)
}

// within checks that most frames have the pitch hz.
func within(f0 []float32, hz float64) (string, error) {
	right := 0
	for _, f := range f0 {
		if f > 0 && math.Abs(1200*math.Log2(float64(f)/hz)) <= tolerance {
			right++
		}
	}
	said := fmt.Sprintf("%d of %d frames are within %d cents of %g Hz", right, len(f0), tolerance, hz)
	if float64(right) < most*float64(len(f0)) {
		return "", errors.New(said)
	}
	return said, nil
}

func (s *suite) silence(ctx context.Context) (string, error) {
	found, err := s.analyze(ctx, make([]float64, second))
	if err != nil {
		return "", err
	}
	silent, f0 := 0, found.Curve.F0Hz
	for _, f := range f0 {
		if f == 0 {
			silent++
		}
	}
	said := fmt.Sprintf("%d of %d frames have no pitch", silent, len(f0))
	if float64(silent) < most*float64(len(f0)) {
		return "", errors.New(said)
	}
	return said, nil
}

func (s *suite) empty(ctx context.Context) (string, error) {
	found, err := s.analyze(ctx, nil)
	if err != nil {
		return "", err
	}
	if n := len(found.Curve.F0Hz); n > 0 {
		return "", fmt.Errorf("%d frames were found in an empty recording", n)
	}
	return "no frames were found", nil
}

// long checks in particular the frames around each seam.
func (s *suite) long(ctx context.Context) (string, error) {
	x := sung(330, 10*second+77)
	found, err := s.analyze(ctx, x)
	if err != nil {
		return "", err
	}
	c := found.Curve
	if len(c.F0Hz) == 0 {
		return "the model gives no pitch", nil
	}
	perWindow := int(math.Round(window.Seconds() / c.HopS))
	for seam := perWindow; seam+10 < len(c.F0Hz); seam += perWindow {
		if said, err := within(c.F0Hz[seam-10:seam+10], 330); err != nil {
			return "", fmt.Errorf("a seam shows at %.2f s: %s%w", float64(seam)*c.HopS, said, err)
		}
	}
	return within(c.F0Hz, 330)
}

func (s *suite) repeat(ctx context.Context) (string, error) {
	var found [2]modelserver.Found
	for i := range found {
		var err error
		if found[i], err = s.analyze(ctx, sung(175, second)); err != nil {
			return "", err
		}
	}
	a, b := found[0], found[1]
	// A GPU may add in a different order each time: almost equal is equal.
	switch {
	case !near(a.Curve.F0Hz, b.Curve.F0Hz, 0.5), !near(a.Curve.Voicing, b.Curve.Voicing, 0.02):
		return "", errors.New("the same recording had a different curve the second time")
	case (a.Embedding == nil) != (b.Embedding == nil), a.Embedding != nil && !alike(*a.Embedding, *b.Embedding):
		return "", errors.New("the same recording had a different embedding the second time")
	default:
		return "the same recording had the same result twice", nil
	}
}

func alike(a, b orak.Embedding) bool {
	return a.Name == b.Name && a.Version == b.Version && near(a.Values, b.Values, 0.001)
}

func near(a, b []float32, apart float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Abs(float64(a[i]-b[i])) > apart {
			return false
		}
	}
	return true
}
