package outage

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"orak"
	"orak/internal/modelserver"
)

// newModelServer runs a server of orak's contract that finds the same note in
// every recording, and returns its address.
func newModelServer(t *testing.T) string {
	t.Helper()
	engine := orak.Engine{Name: "one-note", Version: "1"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+modelserver.ReadyPath, func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v1/capacity", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, modelserver.Capacity{Engine: engine, SampleRateHz: modelserver.SampleRate, Slots: 4, Queue: 16})
	})
	mux.HandleFunc("POST /v1/analyze", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller is gone
		}
		const header, hop = 44, 2 * modelserver.SampleRate / 100
		frames := (len(body) - header + hop - 1) / hop
		curve := orak.PitchCurve{HopS: 0.01, F0Hz: make([]float32, frames), Voicing: make([]float32, frames)}
		for i := range frames {
			curve.F0Hz[i], curve.Voicing[i] = 220, 1
		}
		answer(w, modelserver.Found{Engine: engine, Curve: curve})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the caller may be gone
}
