package modelserver

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"

	"orak"
)

// SampleRate is what windows are sent at, in Hz: mono, 16 bits.
const SampleRate = 16000

// Found is what a server found in one window, or in the whole recording.
type Found struct {
	Engine orak.Engine `json:"engine"`
	// Curve is empty where the model finds no pitch.
	Curve orak.PitchCurve `json:"pitch_curve"`
	// Embedding is nil where the model gives none.
	Embedding *orak.Embedding `json:"embedding,omitempty"`
}

// protocol has one window analyzed.
type protocol func(ctx context.Context, samples []int16) (Found, error)

// Analyze has one window analyzed by orak's contract: 16 kHz, mono.
func (c *Client) Analyze(ctx context.Context, samples []int16) (Found, error) {
	answer, _, err := c.do(ctx, http.MethodPost, "/v1/analyze", http.Header{"Content-Type": {"audio/wav"}}, wav(samples))
	if err != nil {
		return Found{}, err
	}
	var found Found
	if err := json.Unmarshal(answer, &found); err != nil {
		return Found{}, broken(fmt.Errorf("decoding an analysis: %w", err))
	}
	return found, found.check(len(samples))
}

// check refuses what would spoil a result: a server is input, too.
func (f Found) check(samples int) error {
	c := f.Curve
	switch {
	case f.Engine.Name == "" || f.Engine.Version == "":
		return broken(errors.New("an analysis without an engine"))
	case len(c.F0Hz) != len(c.Voicing):
		return broken(fmt.Errorf("a curve of %d frequencies and %d voicings", len(c.F0Hz), len(c.Voicing)))
	case len(c.F0Hz) == 0:
		return nil
	case !(c.HopS >= 0.001 && c.HopS <= 1):
		return broken(fmt.Errorf("a curve with a hop of %g s", c.HopS))
	case len(c.F0Hz) != frames(samples, c.HopS):
		return broken(fmt.Errorf("a curve of %d frames for %d samples", len(c.F0Hz), samples))
	case slices.ContainsFunc(c.F0Hz, outside(0, SampleRate/2)), slices.ContainsFunc(c.Voicing, outside(0, 1)):
		return broken(errors.New("a curve outside of 0 to 8000 Hz, or of a voicing of 0 to 1"))
	}
	return nil
}

// frames is how many a curve of so many samples has: one for each hop that
// begins within them.
func frames(samples int, hop float64) int {
	step := int(math.Round(hop * SampleRate))
	return (samples + step - 1) / step
}

func outside(low, high float32) func(float32) bool {
	return func(v float32) bool { return !(v >= low && v <= high) }
}

// headerLength announces how much of a body is JSON, in the Open Inference
// Protocol's binary extension.
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

// Infer has one window analyzed by the Open Inference Protocol. The model's
// input is audio, FP32 [1, samples]; its outputs f0_hz and voicing, FP32
// [1, frames], have an entry for every 10 ms.
func (c *Client) Infer(ctx context.Context, samples []int16) (Found, error) {
	audio := make([]byte, 0, 4*len(samples))
	for _, s := range samples {
		audio = binary.LittleEndian.AppendUint32(audio, math.Float32bits(float32(s)/32768))
	}
	head, err := json.Marshal(inference{
		Parameters: map[string]any{"binary_data_output": true},
		Inputs: []tensor{{
			Name: "audio", Datatype: "FP32", Shape: []int{1, len(samples)},
			Parameters: map[string]any{"binary_data_size": len(audio)},
		}},
	})
	if err != nil {
		return Found{}, broken(fmt.Errorf("encoding an inference: %w", err))
	}
	header := http.Header{"Content-Type": {"application/octet-stream"}, headerLength: {strconv.Itoa(len(head))}}
	answer, answered, err := c.do(ctx, http.MethodPost, "/v2/models/"+c.cfg.Model+"/infer", header, append(head, audio...))
	if err != nil {
		return Found{}, err
	}
	found, err := decodeInference(answer, answered.Get(headerLength))
	if err != nil {
		return Found{}, broken(fmt.Errorf("decoding an inference: %w", err))
	}
	return found, found.check(len(samples))
}

// hopOIP is the distance of two frames in seconds, which the protocol has no word for.
const hopOIP = 0.01

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
		if found.Curve.Voicing[k] < 0.5 {
			found.Curve.F0Hz[k] = 0
		}
	}
	return found, nil
}

// values are the tensor's, from the JSON or the next of the binary tail.
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

// wav is 16 kHz, mono, 16-bit PCM with the shortest of headers.
func wav(samples []int16) []byte {
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
