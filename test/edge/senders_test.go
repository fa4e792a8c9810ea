package edge

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/internal/media/mediatest"
)

// wav returns a recording of about n bytes.
func wav(n int) []byte { return mediatest.WAV(16000, 1, make([]int16, n/2)) }

// The head of a request and its first bytes, after which the sender is slow.
func slowBody(sent int) []byte {
	return append([]byte("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n"), wav(sent)...)
}

func slowForm(sent int) []byte {
	return append([]byte("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 50000000\r\n\r\n"+
		"--b\r\nContent-Disposition: form-data; name=file; filename=a.wav\r\n\r\n"), wav(sent)...)
}

// storm opens n connections that each send begin, and then about 200 bytes a
// second, until ended is called.
func (s *service) storm(n int, begin []byte) (ended func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	var all, begun sync.WaitGroup
	begun.Add(n)
	for range n {
		all.Go(func() { trickle(ctx, s.t, s.addr, begin, begun.Done) })
	}
	begun.Wait()
	return func() { cancel(); all.Wait() }
}

// trickle is one slow sender. It continues after a refusal for as long as the
// connection accepts bytes.
func trickle(ctx context.Context, t *testing.T, addr string, begin []byte, begun func()) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		begun()
		t.Errorf("a slow sender cannot connect: %v", err)
		return
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	_, err = c.Write(begin)
	begun()
	piece := make([]byte, 100)
	for tick := time.NewTicker(500 * time.Millisecond); err == nil && ctx.Err() == nil; <-tick.C {
		_, err = c.Write(piece)
	}
}

// honest uploads a whole recording, and sends it again as Retry-After asks.
func (s *service) honest(content []byte) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		resp, err := http.Post("http://"+s.addr+"/v1/uploads", "audio/wav", bytes.NewReader(content))
		require.NoError(s.t, err)
		resp.Body.Close()
		if resp.StatusCode == http.StatusAccepted {
			return
		}
		wait, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
		require.NoError(s.t, err, "answer %d has no Retry-After", resp.StatusCode)
		require.True(s.t, time.Now().Before(deadline), "answer %d for too long", resp.StatusCode)
		time.Sleep(wait)
	}
}

// alive checks that /livez answers within a second, ten times.
func (s *service) alive() {
	s.t.Helper()
	for range 10 {
		began := time.Now()
		require.Equal(s.t, http.StatusOK, s.status("/livez"), "/livez within a second")
		require.Less(s.t, time.Since(began), time.Second, "/livez")
	}
}
