package modelserver

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
)

// inferring answers like a server with the Open Inference Protocol, in binary or JSON.
func inferring(t *testing.T, inBinary bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		cut, lengthErr := strconv.Atoi(r.Header.Get(headerLength))
		var in inference
		if err != nil || lengthErr != nil || json.Unmarshal(body[:cut], &in) != nil || in.Inputs[0].Shape[1] < 1 || in.Inputs[0].Shape[1]*4 != len(body)-cut {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		samples := make([]int16, in.Inputs[0].Shape[1])
		for i := range samples {
			samples[i] = int16(math.Round(32768 * float64(math.Float32frombits(binary.LittleEndian.Uint32(body[cut+4*i:])))))
		}
		// As in a real model, half a hop gives no frame.
		f := first(samples[:len(samples)/160*160])
		out := []tensor{output("f0_hz", f.Curve.F0Hz, inBinary), output("voicing", f.Curve.Voicing, inBinary)}
		head, err := json.Marshal(inference{ModelName: engine.Name, ModelVersion: engine.Version, Outputs: out})
		if err != nil {
			t.Error(err)
		}
		if !inBinary {
			_, _ = w.Write(head)
			return
		}
		w.Header().Set(headerLength, strconv.Itoa(len(head)))
		for _, values := range [][]float32{f.Curve.F0Hz, f.Curve.Voicing} {
			head = append(head, floats(values...)...)
		}
		_, _ = w.Write(head)
	}
}

func output(name string, values []float32, inBinary bool) tensor {
	out := tensor{Name: name, Datatype: "FP32", Shape: []int{1, len(values)}, Data: values}
	if inBinary {
		out.Data, out.Parameters = nil, map[string]any{"binary_data_size": 4 * len(values)}
	}
	return out
}

func floats(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func TestJSONTensorsEqualBinaryTensors(t *testing.T) {
	t.Parallel()
	for _, inBinary := range []bool{true, false} {
		got, err := New(serve(t, inferring(t, inBinary))).Infer(t.Context(), samplesFrom(ramp(5000)))
		require.NoError(t, err)
		require.Equal(t, first(samplesFrom(ramp(5000))), got)
	}
}

func TestUnvoicedFrameHasNoPitch(t *testing.T) {
	t.Parallel()
	f0, voicing := make([]float32, minFramesOIP), make([]float32, minFramesOIP)
	f0[0], voicing[0], f0[1], voicing[1] = 200, 0.5, 200, 0.49
	head, err := json.Marshal(inference{ModelName: "m", ModelVersion: "1", Outputs: []tensor{output("f0_hz", f0, false), output("voicing", voicing, false)}})
	require.NoError(t, err)
	got, err := New(serve(t, answering(200, string(head)))).Infer(t.Context(), make([]int16, 320))
	require.NoError(t, err)
	require.Equal(t, []float32{200, 0}, got.Curve.F0Hz)
}

func TestInvalidInferenceIsTheServersFault(t *testing.T) {
	t.Parallel()
	nan := make([]float32, minFramesOIP)
	nan[3] = float32(math.NaN())
	ones := make([]float32, minFramesOIP)
	for i := range ones {
		ones[i] = 1
	}
	head := func(size string) string {
		return `{"model_name":"m","model_version":"1","outputs":[{"name":"f0_hz","datatype":"FP32","shape":[1,100],"parameters":{"binary_data_size":` + size +
			`}},{"name":"voicing","datatype":"FP32","shape":[1,100],"parameters":{"binary_data_size":400}}]}`
	}
	binary := func(head string, f0, voicing []float32) http.HandlerFunc {
		return answering(200, head+string(floats(f0...))+string(floats(voicing...)), headerLength, strconv.Itoa(len(head)))
	}
	for name, handler := range map[string]http.HandlerFunc{
		"NaN for a pitch":         binary(head("400"), nan, ones),
		"NaN for a voicing":       binary(head("400"), ones, nan),
		"too few bytes":           binary(head("400"), ones, ones[:50]),
		"no multiple of 4":        binary(head("399"), ones, ones),
		"a size below 0":          binary(head("-4"), ones, ones),
		"a size beyond the end":   binary(head("1e12"), ones, ones),
		"a size of parts":         binary(head("398.5"), ones, ones),
		"a header that is longer": answering(200, "{}", headerLength, "3"),
		"a header that is none":   answering(200, "{}", headerLength, "x"),
		"a header below 0":        answering(200, "{}", headerLength, "-1"),
		"nothing":                 answering(200, "{}"),
		"another datatype":        answering(200, `{"model_name":"m","model_version":"1","outputs":[{"name":"f0_hz","datatype":"INT8","shape":[1,1],"data":[1]}]}`),
		"no voicing":              binary(`{"model_name":"m","model_version":"1","outputs":[{"name":"f0_hz","datatype":"FP32","shape":[1,100],"parameters":{"binary_data_size":400}}]}`, ones, nil),
		"no version":              answering(200, `{"model_name":"m","outputs":[]}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(serve(t, handler)).Infer(t.Context(), make([]int16, 16000))
			require.Equal(t, orak.ClassDependency, faultOf(t, err).Class, "%v", err)
		})
	}
}

func TestModelNameIsEscapedInThePath(t *testing.T) {
	t.Parallel()
	var path string
	cfg := serve(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		answering(404, "")(w, r)
	})
	cfg.Model = "../a b"
	_, err := New(cfg).Infer(t.Context(), nil)
	require.Error(t, err)
	require.Equal(t, "/v2/models/..%2Fa%20b/infer", path)
}
