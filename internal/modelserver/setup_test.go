package modelserver

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
)

// settings returns the settings of a client of url, with short windows.
func settings(url string) Config {
	return Config{URL: url, Model: "m", Timeout: 5 * time.Second, Window: time.Second, Context: 100 * time.Millisecond, Patience: 5 * time.Second}
}

// serve serves handler over real HTTP.
func serve(t *testing.T, handler http.HandlerFunc) Config {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return settings(server.URL)
}

// answering gives the same answer to every request.
func answering(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

var engine = orak.Engine{Name: "test", Version: "1"}

// first returns the value of the first sample of each hop, so that a lost, doubled or
// moved frame shows.
func first(samples []int16) Found {
	f := Found{Engine: engine, Curve: orak.PitchCurve{HopS: 0.01, F0Hz: []float32{}, Voicing: []float32{}}}
	for at := 0; at < len(samples); at += 160 {
		f.Curve.F0Hz = append(f.Curve.F0Hz, float32(samples[at]))
		f.Curve.Voicing = append(f.Curve.Voicing, 1)
	}
	return f
}

// honest keeps orak's contract; change alters the result of its nth window.
func honest(t *testing.T, change func(n int, f *Found)) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "audio/wav" || int64(len(body)) != r.ContentLength || string(body[:4]) != "RIFF" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		samples := make([]int16, (len(body)-44)/2)
		for i := range samples {
			samples[i] = int16(binary.LittleEndian.Uint16(body[44+2*i:]))
		}
		f := first(samples)
		n++
		if change != nil {
			change(n, &f)
		}
		if err := json.NewEncoder(w).Encode(f); err != nil {
			t.Error(err)
		}
	}
}

// ramp has a different value at the start of each hop.
func ramp(samples int) []float64 {
	x := make([]float64, samples)
	for i := range x {
		x[i] = float64(i/160%8000) / 32768
	}
	return x
}

// record sends x in blocks of a quarter of a second.
func record(t *testing.T, c *Client, x []float64, oip bool) (Found, error) {
	t.Helper()
	r := c.Start(t.Context(), oip)
	defer r.Abandon()
	for len(x) > 0 {
		n := min(len(x), 4000)
		if err := r.Push(x[:n]); err != nil {
			return Found{}, err
		}
		x = x[n:]
	}
	return r.Finish()
}

func faultOf(t *testing.T, err error) *orak.Fault {
	t.Helper()
	var f *orak.Fault
	require.ErrorAs(t, err, &f)
	return f
}
