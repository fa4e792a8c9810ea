package modelserver

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"orak"
)

// SampleRate is the sample rate of windows, in Hz; they are mono with 16 bits.
const SampleRate = 16000

// Found is the result for one window, or for the whole recording.
type Found struct {
	Engine orak.Engine `json:"engine"`
	// Curve is empty if the model has no pitch.
	Curve orak.PitchCurve `json:"pitch_curve"`
	// Key and Tempo are nil if the model does not have them.
	Key   *orak.Key   `json:"key,omitempty"`
	Tempo *orak.Tempo `json:"tempo,omitempty"`
	// Embedding is nil if the model has none.
	Embedding *orak.Embedding `json:"embedding,omitempty"`
}

// protocol analyzes one window.
type protocol func(ctx context.Context, samples []int16) (Found, error)

// Analyze has one window analyzed, with orak's contract.
func (c *Client) Analyze(ctx context.Context, samples []int16) (Found, error) {
	answer, _, err := c.do(ctx, http.MethodPost, "/v1/analyze", http.Header{"Content-Type": {"audio/wav"}}, WAV(samples))
	if err != nil {
		return Found{}, err
	}
	var found Found
	if err := json.Unmarshal(answer, &found); err != nil {
		return Found{}, broken(fmt.Errorf("decoding an analysis: %w", err))
	}
	return found, found.check(len(samples))
}

// check refuses an invalid result: the answer of a server is untrusted input.
func (f Found) check(samples int) error {
	c := f.Curve
	switch {
	case !named.MatchString(f.Engine.Name) || !named.MatchString(f.Engine.Version):
		return broken(fmt.Errorf("an analysis of engine %.80q %.80q", f.Engine.Name, f.Engine.Version))
	case f.Embedding != nil && !comparable(*f.Embedding):
		return broken(errors.New("an embedding without a name or values, or with a value that is no number"))
	case f.Key != nil && !f.Key.Valid() || f.Tempo != nil && !f.Tempo.Valid():
		return broken(errors.New("an invalid key or tempo"))
	case len(c.F0Hz) != len(c.Voicing):
		return broken(fmt.Errorf("a curve of %d frequencies and %d voicings", len(c.F0Hz), len(c.Voicing)))
	case len(c.F0Hz) == 0:
		return nil
	case !(c.HopS >= 0.001 && c.HopS <= 1) || math.Abs(c.HopS*SampleRate-float64(step(c.HopS))) > 1e-6:
		return broken(fmt.Errorf("a curve with a hop of %g s: want 0.001 to 1, and a whole number of samples", c.HopS))
	case len(c.F0Hz) != frames(samples, c.HopS):
		return broken(fmt.Errorf("a curve of %d frames for %d samples", len(c.F0Hz), samples))
	case slices.ContainsFunc(c.F0Hz, outside(0, SampleRate/2)), slices.ContainsFunc(c.Voicing, outside(0, 1)):
		return broken(errors.New("a curve outside of 0 to 8000 Hz, or of a voicing of 0 to 1"))
	}
	return nil
}

// named matches the names and versions of engines, which appear in results and in
// object keys.
var named = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// maxDimensions bounds an embedding, which is part of events and histories.
const maxDimensions = 4096

// comparable reports whether an embedding is valid. Its values are bounded so that
// their sum is finite.
func comparable(e orak.Embedding) bool {
	return named.MatchString(e.Name) && named.MatchString(e.Version) && len(e.Values) > 0 && len(e.Values) <= maxDimensions &&
		!slices.ContainsFunc(e.Values, outside(-1e6, 1e6))
}

// step returns a hop in samples.
func step(hop float64) int { return int(math.Round(hop * SampleRate)) }

// frames returns the number of frames of a curve: one for each hop that begins
// within the samples.
func frames(samples int, hop float64) int { return (samples + step(hop) - 1) / step(hop) }

// outside returns a function that reports whether a value is not within low and
// high; NaN is not.
func outside(low, high float32) func(float32) bool {
	return func(v float32) bool { return !(v >= low && v <= high) }
}

// headerLength is the header for the length of the JSON in a body, in the binary
// extension of the Open Inference Protocol.
const headerLength = "Inference-Header-Content-Length"

type tensor struct {
	Name       string         `json:"name"`
	Datatype   string         `json:"datatype"`
	Shape      []int          `json:"shape"`
	Parameters map[string]any `json:"parameters,omitempty"`
	Data       []float32      `json:"data,omitempty"`
}

type inference struct {
	ModelName    string         `json:"model_name,omitempty"`
	ModelVersion string         `json:"model_version,omitempty"`
	Parameters   map[string]any `json:"parameters,omitempty"`
	Inputs       []tensor       `json:"inputs,omitempty"`
	Outputs      []tensor       `json:"outputs,omitempty"`
}

// Infer has one window analyzed, with the Open Inference Protocol. The input of the
// model is audio, FP32 [1, samples]; its outputs f0_hz and voicing, FP32 [1,
// frames], have an entry for every 10 ms. A tensor cannot be empty, and models
// differ in how they treat half a hop: so the audio is padded with silence, and the
// frames of the padding are dropped.
func (c *Client) Infer(ctx context.Context, samples []int16) (Found, error) {
	length := max(frames(len(samples), hopOIP), minFramesOIP) * step(hopOIP)
	audio := make([]byte, 4*length)
	for i, s := range samples {
		binary.LittleEndian.PutUint32(audio[4*i:], math.Float32bits(float32(s)/32768))
	}
	head, err := json.Marshal(inference{
		Parameters: map[string]any{"binary_data_output": true},
		Inputs: []tensor{{
			Name: "audio", Datatype: "FP32", Shape: []int{1, length},
			Parameters: map[string]any{"binary_data_size": len(audio)},
		}},
	})
	if err != nil {
		return Found{}, broken(fmt.Errorf("encoding an inference: %w", err))
	}
	header := http.Header{"Content-Type": {"application/octet-stream"}, headerLength: {strconv.Itoa(len(head))}}
	answer, answered, err := c.do(ctx, http.MethodPost, c.modelPath()+"/infer", header, append(head, audio...))
	if err != nil {
		return Found{}, err
	}
	found, err := decodeInference(answer, answered.Get(headerLength))
	if err != nil {
		return Found{}, broken(fmt.Errorf("decoding an inference: %w", err))
	}
	if err := found.check(length); err != nil {
		return Found{}, err
	}
	return found.first(frames(len(samples), hopOIP)), nil
}

// first returns f with at most the given number of frames.
func (f Found) first(frames int) Found {
	f.Curve.F0Hz = f.Curve.F0Hz[:min(frames, len(f.Curve.F0Hz))]
	f.Curve.Voicing = f.Curve.Voicing[:min(frames, len(f.Curve.Voicing))]
	return f
}

func (c *Client) modelPath() string { return "/v2/models/" + url.PathEscape(c.cfg.Model) }

const (
	// hopOIP is the hop of the curve in seconds; the protocol has no field for it.
	hopOIP = 0.01
	// minFramesOIP is the shortest audio that is sent, in frames: one second.
	minFramesOIP = 100
)

func decodeInference(answer []byte, length string) (Found, error) {
	cut := len(answer)
	if length != "" {
		n, err := strconv.Atoi(length)
		if err != nil || n < 0 || n > len(answer) {
			return Found{}, fmt.Errorf("%s: %q", headerLength, length)
		}
		cut = n
	}
	var i inference
	if err := json.Unmarshal(answer[:cut], &i); err != nil {
		return Found{}, err
	}
	found := Found{Engine: orak.Engine{Name: i.ModelName, Version: i.ModelVersion}, Curve: orak.PitchCurve{HopS: hopOIP}}
	tail := answer[cut:]
	for _, out := range i.Outputs {
		values, rest, err := out.values(tail)
		if err != nil {
			return Found{}, fmt.Errorf("output %q: %w", out.Name, err)
		}
		tail = rest
		switch out.Name {
		case "f0_hz":
			found.Curve.F0Hz = values
		case "voicing":
			found.Curve.Voicing = values
		}
	}
	for k := range min(len(found.Curve.F0Hz), len(found.Curve.Voicing)) {
		if v := found.Curve.Voicing[k]; v >= 0 && v < 0.5 {
			found.Curve.F0Hz[k] = 0
		}
	}
	return found, nil
}

// values returns the values of the tensor, from the JSON or from the start of the
// binary tail, and the rest of the tail.
func (t tensor) values(tail []byte) (values []float32, rest []byte, err error) {
	if t.Datatype != "FP32" {
		return nil, nil, fmt.Errorf("datatype %q, want FP32", t.Datatype)
	}
	size, ok := t.Parameters["binary_data_size"].(float64)
	if !ok {
		return t.Data, tail, nil
	}
	if size < 0 || size > float64(len(tail)) || int(size)%4 != 0 {
		return nil, nil, fmt.Errorf("binary_data_size %g of %d bytes", size, len(tail))
	}
	for at := 0; at < int(size); at += 4 {
		values = append(values, math.Float32frombits(binary.LittleEndian.Uint32(tail[at:])))
	}
	return values, tail[int(size):], nil
}

// WAV encodes samples as a WAV file: 16 kHz, mono, 16-bit PCM, shortest header.
func WAV(samples []int16) []byte {
	const header = 44
	le := binary.LittleEndian
	b := make([]byte, 0, header+2*len(samples))
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, uint32(header-8+2*len(samples)))
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1) // PCM
	b = le.AppendUint16(b, 1) // mono
	b = le.AppendUint32(b, SampleRate)
	b = le.AppendUint32(b, 2*SampleRate)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(2*len(samples)))
	for _, s := range samples {
		b = le.AppendUint16(b, uint16(s))
	}
	return b
}
