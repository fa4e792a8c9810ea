package edge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/media/mediatest"
)

// `task bench:phones` sets 1,000 phones and recordings of 1 MB.
var (
	phones     = flag.Int("phones", 20, "how many slow phones upload at once")
	phoneBytes = flag.Int("phone-bytes", 150_000, "bytes of a phone's recording on average; the least is half of it")
)

// A phone sends phoneRate bytes a second, phoneStep at a time. Its connection is cut
// after a twentieth to a whole of the average recording.
const (
	phoneRate = 32_000
	phoneStep = 8_000
)

func TestRecordingsOfSlowPhonesArriveWholeAndDelayNobody(t *testing.T) {
	// As in a container of 512 MiB, for which the default settings are.
	s := start(t, "", "GOMEMLIMIT=435MiB")
	s.answers(t.Context(), 20) // connections, pools and files that a first request makes
	alone, quiet := s.answers(t.Context(), max(50, *phones/4)), s.memory()

	var all sync.WaitGroup
	var cuts atomic.Int64
	begun := time.Now()
	sent := make([]phone, *phones)
	for i := range sent {
		sent[i] = phone{addr: s.addr, content: mediatest.WAV(16000, 1, mediatest.Noise(*phoneBytes/4+rand.IntN(*phoneBytes/2)))}
		all.Go(func() {
			// They do not all come in the same second.
			time.Sleep(rand.N(5 * time.Second))
			n, err := sent[i].upload(t.Context())
			cuts.Add(int64(n))
			if err != nil {
				t.Errorf("phone %d: %v", i, err)
			}
		})
	}
	done, stop := context.WithCancel(t.Context())
	go func() { all.Wait(); stop() }()
	beside := s.answers(done, 0)
	t.Logf("%d phones were cut %d times and ended after %v; memory %d MiB before, %d MiB at most", *phones, cuts.Load(), time.Since(begun).Round(time.Second), quiet>>20, s.peak()>>20)
	t.Logf("p50 and p99 of other uploads: %v and %v of %d alone, %v and %v of %d beside the phones: %.2f and %.2f times",
		at(alone, 0.5), at(alone, 0.99), len(alone), at(beside, 0.5), at(beside, 0.99), len(beside),
		float64(at(beside, 0.5))/float64(at(alone, 0.5)), float64(at(beside, 0.99))/float64(at(alone, 0.99)))
	require.Less(t, s.peak(), int64(memoryBound))

	store := s.servers.Store(t)
	for i := range sent {
		object, err := store.GetObject(t.Context(), s.bucket, orak.OriginalKey(orak.DefaultTenant, sent[i].id), minio.GetObjectOptions{})
		require.NoError(t, err)
		stored, err := io.ReadAll(object)
		require.NoError(t, err, "phone %d", i)
		require.NoError(t, object.Close())
		require.Equal(t, sum(sent[i].content), sum(stored), "phone %d: %d of %d bytes", i, len(stored), len(sent[i].content))
	}
	require.Empty(t, s.unfinished())
}

func sum(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

// answers uploads n recordings of 1 MB whole, four at once with pauses, or as many
// as it can until ctx ends if n is 0, and returns how long the answers took, sorted.
func (s *service) answers(ctx context.Context, n int) []time.Duration {
	s.t.Helper()
	content := wav(1_000_000)
	var (
		mu   sync.Mutex
		took []time.Duration
		all  sync.WaitGroup
		next atomic.Int64
	)
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil && (n == 0 || next.Add(1) <= int64(n)) {
				begun := time.Now()
				resp, err := http.Post("http://"+s.addr+"/v1/uploads", "audio/wav", bytes.NewReader(content))
				if err != nil {
					s.t.Errorf("an upload beside the phones: %v", err)
					return
				}
				_, err = io.Copy(io.Discard, resp.Body)
				if resp.Body.Close(); err != nil || resp.StatusCode != http.StatusAccepted {
					s.t.Errorf("an upload beside the phones: status %d, %v", resp.StatusCode, err)
					return
				}
				mu.Lock()
				took = append(took, time.Since(begun))
				mu.Unlock()
				time.Sleep(rand.N(time.Second))
			}
		})
	}
	all.Wait()
	require.NotEmpty(s.t, took)
	slices.Sort(took)
	return took
}

func at(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Round(100 * time.Microsecond)
}

// phone uploads one recording by tus, slowly and with cuts.
type phone struct {
	addr    string
	content []byte
	id      orak.UploadID
}

// upload returns how often the connection was cut.
func (p *phone) upload(ctx context.Context) (cuts int, err error) {
	var resp *http.Response
	err = p.again(ctx, func() error {
		resp, err = p.ask(ctx, http.MethodPost, "/v1/tus", "Upload-Length", strconv.Itoa(len(p.content)))
		return wants(resp, err, http.StatusCreated)
	})
	if err != nil {
		return 0, fmt.Errorf("creation: %w", err)
	}
	p.id = orak.UploadID(path.Base(resp.Header.Get("Location")))
	for {
		var offset int
		err := p.again(ctx, func() error {
			resp, err := p.ask(ctx, http.MethodHead, "/v1/tus/"+string(p.id))
			if err := wants(resp, err, http.StatusOK); err != nil {
				return err
			}
			offset, err = strconv.Atoi(resp.Header.Get("Upload-Offset"))
			return err
		})
		switch {
		case err != nil:
			return cuts, fmt.Errorf("asking for the offset: %w", err)
		case offset == len(p.content):
			return cuts, nil
		}
		if err := p.patch(ctx, offset); err != nil {
			return cuts, fmt.Errorf("sending from %d on: %w", offset, err)
		}
		cuts++
	}
}

// patch sends from offset on until the end, or until the connection is cut.
func (p *phone) patch(ctx context.Context, offset int) error {
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	rest := p.content[offset:]
	if _, err := fmt.Fprintf(conn, "PATCH /v1/tus/%s HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: %d\r\nContent-Length: %d\r\n\r\n", p.id, offset, len(rest)); err != nil {
		return err
	}
	until := min(len(rest), *phoneBytes/20+rand.IntN(*phoneBytes))
	for tick := time.NewTicker(time.Second * phoneStep / phoneRate); len(rest) > 0 && until > 0; <-tick.C {
		n := min(phoneStep, until)
		if _, err := conn.Write(rest[:n]); err != nil {
			return nil // the server has refused the rest; HEAD tells where to go on
		}
		rest, until = rest[n:], until-n
	}
	if len(rest) > 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	// Everything is sent: what the answer is, HEAD tells as well.
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err = io.ReadAtLeast(conn, make([]byte, 4096), len("HTTP/1.1 204"))
	return err
}

// ask sends a request without a body.
func (p *phone) ask(ctx context.Context, method, path string, headers ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+p.addr+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	for pair := range slices.Chunk(headers, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		err = resp.Body.Close()
	}
	return resp, err
}

// errLater means that the server asks to come again.
var errLater = errors.New("later")

func wants(resp *http.Response, err error, status int) error {
	switch {
	case err != nil:
		return err
	case resp.StatusCode == status:
		return nil
	case resp.StatusCode == http.StatusLocked || resp.Header.Get("Retry-After") != "":
		return fmt.Errorf("%w: status %d", errLater, resp.StatusCode)
	default:
		return fmt.Errorf("status %d", resp.StatusCode)
	}
}

// again repeats f while the server asks for it.
func (p *phone) again(ctx context.Context, f func() error) error {
	for deadline := time.Now().Add(patience); ; {
		err := f()
		if !errors.Is(err, errLater) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(100*time.Millisecond + rand.N(time.Second)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
