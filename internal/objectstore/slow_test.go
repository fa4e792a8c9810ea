package objectstore_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/objectstore"
)

// pausing returns a body that closes paused in its middle and waits there until
// goOn is closed.
func pausing(before, after int) (body io.Reader, paused <-chan struct{}, goOn chan<- struct{}) {
	stops, goes := make(chan struct{}), make(chan struct{})
	wait := readFunc(func([]byte) (int, error) {
		close(stops)
		<-goes
		return 0, io.EOF
	})
	return io.MultiReader(bytes.NewReader(make([]byte, before)), wait, bytes.NewReader(make([]byte, after))), stops, goes
}

// The connection to the store must not wait for a body: its server would time
// out, and a slow client would look like an outage.
func TestBodyThatIsSlowerThanTheStallTimeoutIsStored(t *testing.T) {
	t.Parallel()
	cfg := server(t)
	cfg.StallTimeout = time.Second
	s, err := objectstore.New(cfg)
	require.NoError(t, err)
	require.NoError(t, s.EnsureBucket(t.Context()))
	t.Cleanup(s.Close)
	for name, size := range map[string]int64{"small": 2 << 20, "large": 12 << 20, "unknown": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			total := int(size)
			if size < 0 {
				total = 12 << 20
			}
			body, paused, goOn := pausing(total-1<<20, 1<<20)
			go func() {
				<-paused
				time.Sleep(3 * cfg.StallTimeout) // what is tested is the time itself
				close(goOn)
			}()
			info, err := s.Put(t.Context(), name, body, objectstore.PutOptions{Size: size})
			require.NoError(t, err)
			require.EqualValues(t, total, info.Size)
		})
	}
}

func TestSlowBodiesOccupyNoPlace(t *testing.T) {
	t.Parallel()
	cfg := server(t)
	cfg.Parts, cfg.PartWait = 1, time.Minute
	s, err := objectstore.New(cfg)
	require.NoError(t, err)
	require.NoError(t, s.EnsureBucket(t.Context()))
	t.Cleanup(s.Close)
	slow, paused, goOn := pausing(6<<20, 1<<20)
	stored := make(chan error, 1)
	go func() {
		_, err := s.Put(t.Context(), "slow", slow, objectstore.PutOptions{Size: -1})
		stored <- err
	}()
	<-paused
	_, err = s.Put(t.Context(), "other", bytes.NewReader(make([]byte, 12<<20)), objectstore.PutOptions{Size: -1})
	require.NoError(t, err)
	close(goOn)
	require.NoError(t, <-stored)
}

func TestWaitForAPlaceIsBounded(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}, 10), make(chan struct{})
	store := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- struct{}{}
		<-answer
	}))
	t.Cleanup(store.Close)
	reg := prometheus.NewRegistry()
	s, err := objectstore.New(objectstore.Config{
		Endpoint: strings.TrimPrefix(store.URL, "http://"), Bucket: "bucket", AccessKey: "a", SecretKey: "s", Parts: 1, PartWait: 50 * time.Millisecond,
	}, objectstore.WithMetrics(reg))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	first := make(chan error, 1)
	go func() {
		_, err := s.Put(t.Context(), "first", bytes.NewReader(make([]byte, 1<<20)), objectstore.PutOptions{Size: 1 << 20})
		first <- err
	}()
	<-asked
	_, err = s.Put(t.Context(), "second", bytes.NewReader(make([]byte, 1<<20)), objectstore.PutOptions{Size: 1 << 20})
	require.Equal(t, orak.ClassOverload, orak.AsFault(err).Class, "%v", err)
	require.Empty(t, orak.AsFault(err).Dependency, "it is no outage")
	n, err := testutil.GatherAndCount(reg, "orak_store_part_wait_exceeded_total")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	close(answer)
	<-first
}
