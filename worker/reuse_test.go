package worker_test

import (
	"context"
	"io"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/activities"
)

// known is an engine with an identity that counts its analyses.
type known struct {
	engine orak.Engine
	ran    *atomic.Int32
}

var _ activities.Analyzer = known{}

func (k known) Identity(context.Context) (orak.Engine, error) { return k.engine, nil }

func (k known) Analyze(_ context.Context, wav io.Reader, _ func(float64)) (orak.Analysis, orak.PitchCurve, error) {
	k.ran.Add(1)
	_, err := io.Copy(io.Discard, wav)
	return orak.Analysis{Engine: k.engine}, orak.PitchCurve{HopS: 0.01, F0Hz: []float32{440}, Voicing: []float32{1}}, err
}

// On the real store, whose keys contain the characters of an engine's name.
func TestSameBytesAreAnalyzedOnceUntilTheirUploadIsErased(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	engine := known{orak.Engine{Name: "orak-pitch", Version: "1+orak-builtin.2"}, new(atomic.Int32)}
	r.quick()
	r.deps.Analyzer = engine
	r.start()
	recording := []byte("the same bytes " + uuid.NewString())
	first := r.upload(recording)
	require.NoError(t, r.closed(first))
	second := r.upload(recording)
	require.NoError(t, r.closed(second))
	require.EqualValues(t, 1, engine.ran.Load())
	curve := func(u orak.Upload) string {
		body, _, err := r.store.Open(t.Context(), orak.PitchKey(u.Tenant, u.ID))
		require.NoError(t, err)
		defer body.Close()
		text, err := io.ReadAll(body)
		require.NoError(t, err)
		return string(text)
	}
	require.JSONEq(t, `{"hop_s":0.01,"f0_hz":[440],"voicing":[1]}`, curve(second))
	pointers := func() (n int) {
		for _, err := range r.store.Keys(t.Context(), orak.FinishedPrefix(second.Tenant, second.SHA256)) {
			require.NoError(t, err)
			n++
		}
		return n
	}
	require.Equal(t, 1, pointers())
	r.erased(r.erase(second))
	require.Zero(t, pointers())
	require.NoError(t, r.closed(r.upload(recording)))
	require.EqualValues(t, 2, engine.ran.Load(), "the pointer to the erased upload is removed")
}
