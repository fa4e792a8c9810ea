package objectstore

import (
	"bytes"
	"io"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

func TestBufferGrowsWithWhatHasArrived(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	all := newBuffers(5<<20, m.buffered)
	for arrived, want := range map[int]float64{
		0: smallPart, smallPart - 1: smallPart, smallPart + 1: largePart, largePart + 1: 5 << 20, 5 << 20: 5 << 20,
	} {
		p := all.take()
		sent := bytes.NewReader(make([]byte, arrived))
		held, last, err := p.fill(sent)
		require.NoError(t, err)
		require.Len(t, held, arrived)
		require.Equal(t, arrived < 5<<20, last)
		require.InDelta(t, want, testutil.ToFloat64(m.buffered), 0, "%d arrived", arrived)
		p.release(true)
	}
	require.Zero(t, testutil.ToFloat64(m.buffered))
}

func TestPartKeepsEveryByteWhileItGrows(t *testing.T) {
	t.Parallel()
	want := make([]byte, 3*largePart)
	for i := range want {
		want[i] = byte(i * i >> 7)
	}
	p := newBuffers(5<<20, newMetrics().buffered).take()
	held, last, err := p.fill(struct{ io.Reader }{bytes.NewReader(want)})
	require.NoError(t, err)
	require.True(t, last)
	require.True(t, bytes.Equal(want, held))
}
