package api_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/internal/objectstore"
)

// converted returns a converted recording: the header says promised samples, of which
// some are there, and a chunk of another kind stands before them.
func converted(promised int, samples ...int16) []byte {
	le := binary.LittleEndian
	b := append([]byte("RIFF"), le.AppendUint32(nil, uint32(50+2*promised))...)
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00LIST\x05\x00\x00\x00INFOx\x00data"...)
	b = le.AppendUint32(b, uint32(2*promised))
	for _, s := range samples {
		b = le.AppendUint16(b, uint16(s))
	}
	return b
}

// ramp has n samples, of which each is 256 above the one before until it wraps.
func ramp(n int) []int16 {
	samples := make([]int16, n)
	for i := range samples {
		samples[i] = int16(i << 8)
	}
	return samples
}

func (b *bundle) heard(audio []byte) (path string) {
	b.t.Helper()
	p, path := b.completed(wav(100))
	b.put(orak.AudioKey(orak.DefaultTenant, p.Upload.ID), audio, "audio/wav")
	return path + "/waveform"
}

func TestWaveformIsOfTheConvertedRecording(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	path := b.heard(converted(10, ramp(10)...))
	want := resource.Waveform{Version: 2, Channels: 1, SampleRate: 16000, SamplesPerPixel: 4, Bits: 8, Length: 3, Data: []int8{0, 3, 4, 7, 8, 9}}
	for _, query := range []string{"?points=3", "?points=4", "?samples_per_pixel=4"} {
		require.Equal(t, want, into[resource.Waveform](t, b.get(path+query), http.StatusOK), query)
	}
	all := into[resource.Waveform](t, b.get(path), http.StatusOK)
	require.Equal(t, 2, all.SamplesPerPixel, "no more points than there are")
	require.Equal(t, 5, all.Length)
	require.Equal(t, []int8{0, 9}, into[resource.Waveform](t, b.get(path+"?points=1"), http.StatusOK).Data)
	none := b.get(b.heard(converted(0)))
	require.Contains(t, string(none.body), `"length":0,"data":[]`)
	problem(t, b.get(path, tenant("band")), http.StatusNotFound, "not-found")
	require.Contains(t, b.gathered(), "orak_api_waveforms_in_flight 0")
}

func TestWaveformHasAtMostThePointsAskedFor(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	path := b.heard(converted(300_000, ramp(300_000)...))
	for points, perPixel := range map[int]int{1: 1 << 19, 4000: 128, 2344: 128, 2343: 256} {
		w := into[resource.Waveform](t, b.get(fmt.Sprintf("%s?points=%d", path, points)), http.StatusOK)
		require.Equal(t, perPixel, w.SamplesPerPixel, points)
		require.LessOrEqual(t, w.Length, points)
		require.Equal(t, (300_000+perPixel-1)/perPixel, w.Length)
		require.Len(t, w.Data, 2*w.Length)
	}
	require.Equal(t, 100_000, into[resource.Waveform](t, b.get(path+"?samples_per_pixel=3"), http.StatusOK).Length)
	p := problem(t, b.get(path+"?samples_per_pixel=2"), http.StatusBadRequest, "invalid-request")
	require.Contains(t, p.Detail, "samples_per_pixel must be at least 3 for this recording")
}

func TestWaveformParametersAreChecked(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	path := b.heard(converted(10, ramp(10)...))
	for _, query := range []string{
		"points=0", "points=-1", "points=100001", "points=4e3", "points=", "points=9999999999999999999999", "points=1&points=2", "samples_per_pixel=1",
		"samples_per_pixel=16777217", "samples_per_pixel=x", "points=4&samples_per_pixel=4", "point=4", "points=%zz",
	} {
		problem(t, b.get(path+"?"+query), http.StatusBadRequest, "invalid-request")
	}
}

func TestWaveformIsCachedAndCompressed(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	path := b.heard(converted(20_000, ramp(20_000)...))
	plain := b.get(path, header{"Accept-Encoding", "identity"})
	require.Equal(t, "private, no-cache", plain.header.Get("Cache-Control"))
	r := b.get(path, header{"Accept-Encoding", "gzip"})
	require.Equal(t, "gzip", r.header.Get("Content-Encoding"))
	require.Equal(t, plain.body, decompressed(t, r.body))
	require.Equal(t, "W/"+plain.header.Get("ETag"), r.header.Get("ETag"))
	again := b.get(path, header{"If-None-Match", r.header.Get("ETag")})
	require.Equal(t, http.StatusNotModified, again.status)
	require.Empty(t, again.body)
	require.Equal(t, http.StatusOK, b.get(path+"?points=10", header{"If-None-Match", r.header.Get("ETag")}).status, "another resolution")
	head := b.do(b.request(http.MethodHead, path, nil))
	require.Equal(t, http.StatusOK, head.status)
	require.Equal(t, plain.header.Get("ETag"), head.header.Get("ETag"))
	require.Empty(t, head.body)
}

// What the converter did not write is the server's fault, and nothing of it is shown.
func TestWaveformOfDamagedRecordingIsAnError(t *testing.T) {
	t.Parallel()
	b := setupTemporal(t)
	whole := converted(1000, ramp(1000)...)
	noLength := converted(1000, ramp(1000)...)
	copy(noLength[len(noLength)-2004:], "\xff\xff\xff\xff")
	for name, audio := range map[string][]byte{
		"cut off": whole[:len(whole)-1], "only a header": converted(1000), "half a header": whole[:20], "nothing": {}, "text": []byte(strings.Repeat("la", 100)),
		"no length": noLength, "a length of 4 GB": converted(1<<31-2, ramp(10)...),
	} {
		r := b.get(b.heard(audio))
		problem(t, r, http.StatusInternalServerError, "internal")
		require.Empty(t, r.header.Get("ETag"), name)
	}
	require.Contains(t, b.gathered(), "orak_api_waveforms_in_flight 0")
}

// slowStore blocks the reads of recordings until release is closed.
type slowStore struct {
	*objectstore.Store
	opened  chan struct{}
	release chan struct{}
}

func (s *slowStore) GetRangeOf(ctx context.Context, info objectstore.Info, offset, length int64) (io.ReadCloser, error) {
	body, err := s.Store.GetRangeOf(ctx, info, offset, length)
	s.opened <- struct{}{}
	return &slowBody{ReadCloser: body, wait: func() {
		select {
		case <-s.release:
		case <-ctx.Done():
		}
	}}, err
}

type slowBody struct {
	io.ReadCloser
	wait func()
}

func (s *slowBody) Read(p []byte) (int, error) {
	s.wait()
	return s.ReadCloser.Read(p)
}

func TestWaveformsAreBoundedInAllAndForEachTenant(t *testing.T) {
	t.Parallel()
	slow := &slowStore{opened: make(chan struct{}, 2), release: make(chan struct{})}
	b := setupTemporal(t, func(b *bundle) {
		b.cfg.MaxWaveforms, b.cfg.MaxTenantWaveforms = 2, 1
		slow.Store = b.store
		b.deps.Store = slow
	})
	paths := map[orak.Tenant]string{}
	for _, of := range []orak.Tenant{"choir", "band", "duo"} {
		p, path := b.completedOf(of, wav(100))
		b.put(orak.AudioKey(of, p.Upload.ID), converted(10, ramp(10)...), "audio/wav")
		paths[of] = path + "/waveform"
	}
	made := make(chan int, 2)
	for _, of := range []orak.Tenant{"choir", "band"} {
		req := b.request(http.MethodGet, paths[of], nil, tenant(of))
		go func() {
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				made <- 0
				return
			}
			_ = resp.Body.Close()
			made <- resp.StatusCode
		}()
		<-slow.opened
		if of == "choir" {
			r := b.get(paths["choir"], tenant("choir"))
			problem(t, r, http.StatusTooManyRequests, "rate-limited")
			require.Equal(t, "1", r.header.Get("Retry-After"))
		}
	}
	problem(t, b.get(paths["duo"], tenant("duo")), http.StatusServiceUnavailable, "unavailable")
	close(slow.release)
	require.Equal(t, http.StatusOK, <-made)
	require.Equal(t, http.StatusOK, <-made)
	go func() { <-slow.opened }()
	require.Equal(t, http.StatusOK, b.get(paths["duo"], tenant("duo")).status)
}

// A store that does not send is an outage, not a defect.
func TestWaveformThatTakesTooLongIsUnavailable(t *testing.T) {
	t.Parallel()
	slow := &slowStore{opened: make(chan struct{}, 1), release: make(chan struct{})}
	b := setupTemporal(t, func(b *bundle) {
		b.cfg.RequestTimeout = time.Second
		slow.Store = b.store
		b.deps.Store = slow
	})
	problem(t, b.get(b.heard(converted(10<<20, ramp(10<<20)...))), http.StatusServiceUnavailable, "unavailable")
}

// The hour is in the store of the tests, on the same machine.
func BenchmarkWaveformOfAnHour(b *testing.B) {
	hour := setupTemporal(b)
	path := hour.heard(converted(3600*16000, ramp(3600*16000)...))
	req := hour.request(http.MethodGet, path, nil)
	for b.Loop() {
		resp, err := http.DefaultClient.Do(req)
		require.NoError(b, err)
		require.Equal(b, http.StatusOK, resp.StatusCode)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(b, err)
		require.NoError(b, resp.Body.Close())
	}
}
