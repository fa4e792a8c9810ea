package conformance

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/modelserver"
)

// The reference server is held to the suite by its own tests; here the suite is
// held to servers that break one promise each.

// server keeps orak's contract, but for what a test takes from it.
type server struct {
	engine   orak.Engine
	slots    chan struct{}
	capacity func(*modelserver.Capacity)
	change   func(samples []int16, f *modelserver.Found)
	// instead answers a request in the server's place where it returns true.
	instead func(w http.ResponseWriter, r *http.Request) bool
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.instead != nil && s.instead(w, r) {
		return
	}
	switch r.URL.Path {
	case "/livez", "/readyz":
	case "/v1/capacity":
		c := modelserver.Capacity{Engine: s.engine, SampleRateHz: 16000, Slots: 1, Queue: 1, MemoryBytes: 1 << 30, MemoryBytesPerSecond: 1 << 20}
		if s.capacity != nil {
			s.capacity(&c)
		}
		_ = json.NewEncoder(w).Encode(c)
	case "/v1/analyze":
		s.analyze(w, r)
	default:
		refuse(w, http.StatusNotFound)
	}
}

func (s *server) analyze(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Content-Type") == "application/json":
		refuse(w, http.StatusBadRequest)
		return
	case r.Header.Get("Content-Type") != "audio/wav":
		refuse(w, http.StatusUnsupportedMediaType)
		return
	case r.ContentLength < 0:
		refuse(w, http.StatusLengthRequired)
		return
	case r.ContentLength > 1<<24:
		refuse(w, http.StatusRequestEntityTooLarge)
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || len(body) < 44 || string(body[:4]) != "RIFF" || binary.LittleEndian.Uint32(body[24:]) != 16000 || int(binary.LittleEndian.Uint32(body[40:])) != len(body)-44 {
		refuse(w, http.StatusUnsupportedMediaType)
		return
	}
	samples := make([]int16, (len(body)-44)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(body[44+2*i:]))
	}
	found := modelserver.Found{Engine: s.engine, Curve: orak.PitchCurve{HopS: 0.01, F0Hz: []float32{}, Voicing: []float32{}}}
	for at := 0; at < len(samples); at += 160 {
		found.Curve.F0Hz = append(found.Curve.F0Hz, pitch(samples[max(at-1600, 0):min(at+1600, len(samples))]))
		found.Curve.Voicing = append(found.Curve.Voicing, 1)
	}
	if s.change != nil {
		s.change(samples, &found)
	}
	_ = json.NewEncoder(w).Encode(found)
}

// pitch counts rising crossings of zero: enough for a steady tone.
func pitch(x []int16) float32 {
	first, last, n := 0, 0, 0
	for i := 1; i < len(x); i++ {
		if x[i-1] < 0 && x[i] >= 0 {
			if n == 0 {
				first = i
			}
			last, n = i, n+1
		}
	}
	if n < 2 {
		return 0
	}
	return float32(16000 * float64(n-1) / float64(last-first))
}

func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "urn:test", "title": http.StatusText(status), "status": status})
}

func conforming() *server {
	return &server{engine: orak.Engine{Name: "test", Version: "1"}, slots: make(chan struct{}, 2)}
}

func check(t *testing.T, s *server) (failed []string, all int) {
	t.Helper()
	web := httptest.NewServer(s)
	defer web.Close()
	Run(t.Context(), Target{URL: web.URL + "/", Timeout: 20 * time.Second}, func(c Check) {
		all++
		require.NotEmpty(t, c.Why, c.Name)
		if !c.OK {
			failed = append(failed, c.Name)
		}
	})
	return failed, all
}

func TestCheckPassesAConformingServer(t *testing.T) {
	t.Parallel()
	failed, all := check(t, conforming())
	require.Empty(t, failed)
	require.Equal(t, 18, all)
}

func TestCheckPassesAModelWithoutPitch(t *testing.T) {
	t.Parallel()
	s := conforming()
	s.change = func(_ []int16, f *modelserver.Found) {
		f.Curve = orak.PitchCurve{}
		f.Embedding = &orak.Embedding{Name: "e", Version: "1", Values: []float32{1}}
	}
	failed, _ := check(t, s)
	require.Empty(t, failed)
}

func TestCheckFindsEachViolation(t *testing.T) {
	t.Parallel()
	analyzing := func(media string, answer http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v1/analyze" || r.Header.Get("Content-Type") != media {
				return false
			}
			answer(w, r)
			return true
		}
	}
	at := func(path string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != path {
				return false
			}
			refuse(w, http.StatusServiceUnavailable)
			return true
		}
	}
	var calls atomic.Int32
	for name, c := range map[string]struct {
		spoil func(s *server)
		want  string // the check that fails, alone
	}{
		"not live":            {func(s *server) { s.instead = at("/livez") }, "live"},
		"not ready":           {func(s *server) { s.instead = at("/readyz") }, "ready"},
		"no slot":             {func(s *server) { s.capacity = func(c *modelserver.Capacity) { c.Slots = 0 } }, "capacity"},
		"another rate":        {func(s *server) { s.capacity = func(c *modelserver.Capacity) { c.SampleRateHz = 44100 } }, "capacity"},
		"no memory":           {func(s *server) { s.capacity = func(c *modelserver.Capacity) { c.MemoryBytes = 1 } }, "capacity"},
		"another engine":      {func(s *server) { s.capacity = func(c *modelserver.Capacity) { c.Engine.Version = "2" } }, "a tone"},
		"a semitone too high": {func(s *server) { s.change = scale(1.0595) }, "a tone"},
		"a frame too many": {func(s *server) {
			s.change = func(_ []int16, f *modelserver.Found) { f.Curve.F0Hz = append(f.Curve.F0Hz, 0) }
		}, "a tone"},
		"a pitch in silence": {func(s *server) {
			s.change = func(x []int16, f *modelserver.Found) {
				for i := range f.Curve.F0Hz {
					if x[len(x)/2] == 0 && x[len(x)/3] == 0 {
						f.Curve.F0Hz[i] = 100
					}
				}
			}
		}, "silence"},
		"something in nothing": {func(s *server) {
			s.change = func(x []int16, f *modelserver.Found) {
				if len(x) == 0 {
					f.Curve.F0Hz, f.Curve.Voicing = []float32{1}, []float32{1}
				}
			}
		}, "an empty recording"},
		"a seam": {func(s *server) {
			s.change = func(x []int16, f *modelserver.Found) {
				if len(x) < 60000 { // the windows in between alone have context on both sides
					return
				}
				for i := 50; i < 58; i++ {
					f.Curve.F0Hz[i] = 0
				}
			}
		}, "a recording longer than a window"},
		"moods": {func(s *server) {
			s.change = func(x []int16, f *modelserver.Found) {
				if call := calls.Add(1); len(x) == 16000 {
					scale(1+float32(call)/200)(x, f)
				}
			}
		}, "results repeat"},
		"a refusal that is no problem": {func(s *server) {
			s.instead = analyzing("text/plain", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnsupportedMediaType) })
		}, "refused: another media type"},
		"a refusal of another status": {func(s *server) {
			s.instead = analyzing("text/plain", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusInternalServerError) })
		}, "refused: another media type"},
		"no Retry-After": {func(s *server) {
			s.instead = crowded(func(w http.ResponseWriter) { refuse(w, http.StatusTooManyRequests) })
		}, "more at once than it takes"},
		"a crash under load": {func(s *server) {
			s.instead = crowded(func(http.ResponseWriter) { panic(http.ErrAbortHandler) })
		}, "more at once than it takes"},
	} {
		t.Run(name, func(t *testing.T) {
			s := conforming()
			c.spoil(s)
			failed, _ := check(t, s)
			require.Equal(t, []string{c.want}, failed)
		})
	}
}

// crowded answers otherwise from the second request of the crowd on.
func crowded(answer func(http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
	var n atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.ContentLength != 44+2*5*second || n.Add(1) == 1 {
			return false
		}
		answer(w)
		return true
	}
}

func scale(by float32) func([]int16, *modelserver.Found) {
	return func(_ []int16, f *modelserver.Found) {
		for i := range f.Curve.F0Hz {
			f.Curve.F0Hz[i] *= by
		}
	}
}

func TestCheckFailsOnceWithoutAServer(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(conforming())
	web.Close()
	var checks []Check
	Run(t.Context(), Target{URL: web.URL, Timeout: time.Second}, func(c Check) { checks = append(checks, c) })
	require.Len(t, checks, 1)
	require.False(t, checks[0].OK)
	require.True(t, strings.Contains(checks[0].Why, "refused"), checks[0].Why)
}

func TestToneIsNotClipped(t *testing.T) {
	t.Parallel()
	for _, v := range sung(220, second) {
		require.Less(t, math.Abs(v), 1.0)
	}
}
