package api_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/client"
)

// cuttingProxy passes each connection on to one of the servers in turn, and cuts the
// first cuts connections after so many bytes of the client.
func cuttingProxy(t *testing.T, cuts int64, after int64, servers ...string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	var made, cut atomic.Int64
	go func() {
		for {
			from, err := ln.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", servers[int(made.Add(1))%len(servers)])
			if err != nil {
				_ = from.Close()
				continue
			}
			go func() {
				defer from.Close()
				defer to.Close()
				_, _ = io.Copy(from, to)
			}()
			go func() {
				defer from.Close()
				defer to.Close()
				n, _ := io.CopyN(to, from, after)
				if n == after && cut.Add(1) > cuts {
					_, _ = io.Copy(to, from)
				}
			}()
		}
	}()
	return "http://" + ln.Addr().String()
}

func TestTusGoClientGoesOnAfterCuts(t *testing.T) {
	b := setup(t)
	server := cuttingProxy(t, 4, 3<<20, b.Addr(), b.replica().Addr())
	content := wav(20 << 20)
	path := filepath.Join(t.TempDir(), "long take.wav")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	cl, err := client.New(client.Config{Server: server})
	require.NoError(t, err)
	var retries int
	var last atomic.Int64
	accepted, err := cl.SendResumable(t.Context(), client.Sending{
		Path: path, Owner: "user-17",
		Retry:    func(err error, _ time.Duration) { retries++; t.Log(err) },
		Progress: func(sent, _ int64) { last.Store(sent) },
	})
	require.NoError(t, err)
	require.Positive(t, retries)
	require.EqualValues(t, len(content), last.Load())
	u := b.arrived("/v1/tus/"+string(accepted.ID), content)
	require.Equal(t, accepted.SHA256, u.SHA256)
	require.Equal(t, "long take.wav", u.Filename)
	require.Equal(t, "user-17", u.Owner)
}
