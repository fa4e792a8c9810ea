package objectstore_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/objectstore"
	"orak/internal/objectstore/storetest"
)

func TestStoreMeetsItsContractOnARealServer(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t) })
}

func TestFailedPutsLeaveNoParts(t *testing.T) {
	t.Parallel()
	s := open(t)
	body := io.MultiReader(io.LimitReader(zeros{}, 12<<20), failingReader{})
	_, err := s.Put(t.Context(), "k", body, objectstore.PutOptions{Size: -1})
	require.ErrorIs(t, err, errFailing)

	ctx, cancel := context.WithCancel(t.Context())
	_, err = s.Put(ctx, "k", &cancelAfter{left: 12 << 20, cancel: cancel}, objectstore.PutOptions{Size: -1})
	require.ErrorIs(t, err, context.Canceled)

	n, err := s.AbortIncomplete(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestAbortIncompleteKeepsRunningUploads(t *testing.T) {
	t.Parallel()
	s := open(t)
	aborted := -1
	body := io.MultiReader(io.LimitReader(zeros{}, 7<<20), readFunc(func([]byte) (int, error) {
		n, err := s.AbortIncomplete(t.Context(), time.Now().Add(-time.Hour))
		require.NoError(t, err)
		aborted = n
		return 0, io.EOF
	}))
	_, err := s.Put(t.Context(), "k", body, objectstore.PutOptions{Size: -1})
	require.NoError(t, err)
	require.Zero(t, aborted)
}

func TestAbortIncompleteRemovesAbandonedParts(t *testing.T) {
	t.Parallel()
	s := open(t)
	body := io.MultiReader(io.LimitReader(zeros{}, 7<<20), readFunc(func([]byte) (int, error) {
		n, err := s.AbortIncomplete(t.Context(), time.Now().Add(time.Hour))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		return 0, io.EOF
	}))
	_, err := s.Put(t.Context(), "k", body, objectstore.PutOptions{Size: -1})
	require.Error(t, err)
	_, err = s.Stat(t.Context(), "k")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestRefusalNamesTheSettingToCheck(t *testing.T) {
	t.Parallel()
	open(t) // a server that answers
	for name, wrong := range map[string]struct {
		change func(*objectstore.Config)
		want   string
	}{
		"access key": {func(c *objectstore.Config) { c.AccessKey = "nobody" }, "ORAK_S3_ACCESS_KEY"},
		"secret key": {func(c *objectstore.Config) { c.SecretKey = "wrong" }, "ORAK_S3_SECRET_KEY"},
		"no key":     {func(c *objectstore.Config) { c.AccessKey, c.SecretKey = "orak", "" }, "ORAK_S3_SECRET_KEY"},
		"bucket":     {func(c *objectstore.Config) { c.Bucket = "there-is-no-such-bucket" }, "ORAK_S3_BUCKET"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := server(t)
			wrong.change(&cfg)
			s, err := objectstore.New(cfg)
			require.NoError(t, err)
			t.Cleanup(s.Close)
			_, putErr := s.Put(t.Context(), "k", strings.NewReader("x"), objectstore.PutOptions{Size: 1})
			var listErr error
			for _, listErr = range s.List(t.Context(), "") {
			}
			for _, err := range []error{putErr, listErr} {
				var fault *orak.Fault
				require.ErrorAs(t, err, &fault)
				require.Equal(t, orak.ClassDependency, fault.Class, err)
				require.Equal(t, orak.DependencyStore, fault.Dependency)
				require.Contains(t, err.Error(), wrong.want)
				require.NotContains(t, fault.Message, "ORAK_", "owners of uploads set nothing")
				require.NotContains(t, err.Error(), "cannot be reached")
			}
		})
	}
}

func TestUnreachableServerIsADependencyFault(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := ln.Addr().String()
	require.NoError(t, ln.Close())
	s, err := objectstore.New(objectstore.Config{Endpoint: addr, Bucket: "bucket", AccessKey: "a", SecretKey: "s"})
	require.NoError(t, err)
	_, putErr := s.Put(t.Context(), "k", strings.NewReader("x"), objectstore.PutOptions{Size: 1})
	_, statErr := s.Stat(t.Context(), "k")
	_, _, getErr := s.Get(t.Context(), "k")
	var listErr error
	for _, err := range s.List(t.Context(), "") {
		listErr = err
	}
	for _, err := range []error{putErr, statErr, getErr, listErr, s.Delete(t.Context(), "k"), s.Ping(t.Context()), s.EnsureBucket(t.Context())} {
		var f *orak.Fault
		require.ErrorAs(t, err, &f)
		require.Equal(t, orak.ClassDependency, f.Class, err.Error())
		require.NotContains(t, f.Message, addr)
	}
}

// Not parallel: it measures the heap of the process.
func TestMemoryIsIndependentOfTheSizeOfTheBody(t *testing.T) {
	s := open(t)
	for name, size := range map[string]int64{"known": 100_000_000, "unknown": -1} {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		before, peak := m.HeapInuse, uint64(0)
		left := 100_000_000
		body := readFunc(func(p []byte) (int, error) {
			if left == 0 {
				return 0, io.EOF
			}
			if left%(8<<20) < len(p) {
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
			}
			n := min(len(p), left)
			left -= n
			return n, nil
		})
		info, err := s.Put(t.Context(), "large", body, objectstore.PutOptions{Size: size})
		require.NoError(t, err)
		require.Equal(t, int64(100_000_000), info.Size)
		grown := int64(peak) - int64(before)
		t.Logf("%s size: the heap grew by %d KiB for 100 MB", name, grown>>10)
		require.Less(t, grown, int64(40<<20), name)
	}
}

func TestConfigValidates(t *testing.T) {
	t.Parallel()
	good := objectstore.Config{Endpoint: "127.0.0.1:9000", Bucket: "bucket", PartSize: 8 << 20, Parts: 1, PartWait: time.Second, StallTimeout: time.Second}
	require.NoError(t, good.Validate())
	for name, spoil := range map[string]func(*objectstore.Config){
		"endpoint": func(c *objectstore.Config) { c.Endpoint = "http://host" },
		"bucket":   func(c *objectstore.Config) { c.Bucket = "" },
		"part":     func(c *objectstore.Config) { c.PartSize = 1 },
		"parts":    func(c *objectstore.Config) { c.Parts = -1 },
		"wait":     func(c *objectstore.Config) { c.PartWait = -1 },
		"stall":    func(c *objectstore.Config) { c.StallTimeout = -1 },
	} {
		bad := good
		spoil(&bad)
		require.Error(t, bad.Validate(), name)
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

var errFailing = errors.New("cut off")

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errFailing }

type cancelAfter struct {
	left   int
	cancel context.CancelFunc
}

func (c *cancelAfter) Read(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		c.cancel()
	}
	return len(p), nil
}

func TestPutTakesTheDigestOfItsCallerAndTheServerChecksIt(t *testing.T) {
	t.Parallel()
	s := open(t)
	sum := sha256.Sum256([]byte("recording"))
	digest := hex.EncodeToString(sum[:])
	opts := objectstore.PutOptions{Size: 9, SHA256: func() string { return digest }}
	_, err := s.Put(t.Context(), "k", strings.NewReader("recording"), opts)
	require.NoError(t, err)
	_, err = s.Put(t.Context(), "other", strings.NewReader("Recording"), opts)
	require.Error(t, err)
	_, err = s.Stat(t.Context(), "other")
	require.ErrorIs(t, err, fs.ErrNotExist)
}
