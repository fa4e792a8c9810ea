package listen

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// failing is a listener whose first Accepts fail with the given errors.
type failing struct {
	net.Listener
	mu     sync.Mutex
	errors []error
}

func (f *failing) Accept() (net.Conn, error) {
	f.mu.Lock()
	if len(f.errors) > 0 {
		err := f.errors[0]
		f.errors = f.errors[1:]
		f.mu.Unlock()
		return nil, err
	}
	f.mu.Unlock()
	return f.Listener.Accept()
}

func accepting(no syscall.Errno) error {
	return &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", no)}
}

func open(t *testing.T, most int, errs ...error) *Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := New(&failing{Listener: ln, errors: errs}, Options{
		Name: "test", MaxConnections: most, WriteTimeout: 10 * time.Second, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	t.Cleanup(func() { l.Close(); l.CloseAll() })
	return l
}

// dial opens a connection with a long deadline.
func dial(t *testing.T, l *Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(30*time.Second)))
	return c
}

// accepted opens a connection and returns both ends.
func accepted(t *testing.T, l *Listener) (client net.Conn, server *Conn) {
	t.Helper()
	client = dial(t, l)
	c, err := l.Accept()
	require.NoError(t, err)
	return client, c.(*Conn)
}

func TestAcceptContinuesAfterTransientFailures(t *testing.T) {
	t.Parallel()
	var errs []error
	for _, no := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR, syscall.EPROTO, syscall.EPERM} {
		errs = append(errs, accepting(no))
	}
	l := open(t, 10, errs...)
	accepted(t, l)
	require.InDelta(t, len(errs), testutil.ToFloat64(l.metrics.failed), 0)
}

func TestAcceptEndsWithABrokenListenerAndWithClose(t *testing.T) {
	t.Parallel()
	broken := open(t, 10, accepting(syscall.EBADF))
	_, err := broken.Accept()
	require.ErrorIs(t, err, syscall.EBADF)

	var errs []error
	for range 100 {
		errs = append(errs, accepting(syscall.ENFILE))
	}
	starved := open(t, 10, errs...)
	ended := make(chan error)
	go func() {
		_, err := starved.Accept()
		ended <- err
	}()
	require.Eventually(t, func() bool { return testutil.ToFloat64(starved.metrics.failed) > 3 }, 10*time.Second, time.Millisecond)
	require.NoError(t, starved.Close())
	select {
	case err := <-ended:
		require.ErrorIs(t, err, net.ErrClosed)
	case <-time.After(10 * time.Second):
		t.Fatal("it waits on after Close")
	}
}

func TestLackOfDescriptorsClosesAWaitingConnection(t *testing.T) {
	t.Parallel()
	l := open(t, 10)
	waits, _ := accepted(t, l)
	l.Listener.(*failing).errors = []error{accepting(syscall.EMFILE)}
	accepted(t, l)
	_, err := waits.Read(make([]byte, 1))
	require.Error(t, err)
	require.InDelta(t, 1, testutil.ToFloat64(l.metrics.evicted), 0)
}

func TestConnectionThatWaitedLongestMakesRoom(t *testing.T) {
	t.Parallel()
	l := open(t, 3)
	first, firstConn := accepted(t, l)
	second, _ := accepted(t, l)
	busy, busyConn := accepted(t, l)
	busyConn.Busy()
	firstConn.Busy()
	firstConn.Idle() // waits from now, less long than the second

	accepted(t, l)
	_, err := second.Read(make([]byte, 1))
	require.Error(t, err, "it has waited longest")
	for client, conn := range map[net.Conn]*Conn{first: firstConn, busy: busyConn} {
		_, err := io.WriteString(conn, "x")
		require.NoError(t, err)
		_, err = io.ReadFull(client, make([]byte, 1))
		require.NoError(t, err)
	}
	require.InDelta(t, 3, testutil.ToFloat64(l.metrics.open), 0)
	require.InDelta(t, 1, testutil.ToFloat64(l.metrics.evicted), 0)
}

func TestNewConnectionIsRefusedIfNoneWaits(t *testing.T) {
	t.Parallel()
	l := open(t, 2)
	var servers []*Conn
	for range 2 {
		_, server := accepted(t, l)
		server.Busy()
		servers = append(servers, server)
	}
	next := make(chan net.Conn, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			next <- c
		}
	}()
	for range 3 {
		refused := dial(t, l)
		_, err := io.WriteString(refused, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		answer, err := http.ReadResponse(bufio.NewReader(refused), nil)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
		require.NotEmpty(t, answer.Header.Get("Retry-After"))
		require.True(t, answer.Close)
		require.Contains(t, string(body), `"status":503`)
	}
	require.InDelta(t, 3, testutil.ToFloat64(l.metrics.refused), 0)

	require.NoError(t, servers[0].Close())
	dial(t, l)
	select {
	case <-next:
	case <-time.After(10 * time.Second):
		t.Fatal("there is room again, and nobody is let in")
	}
}

func TestDrainClosesIdleConnectionsNowAndLater(t *testing.T) {
	t.Parallel()
	l := open(t, 10)
	waits, _ := accepted(t, l)
	serves, conn := accepted(t, l)
	conn.Busy()
	l.Drain()
	_, err := waits.Read(make([]byte, 1))
	require.Error(t, err)

	_, err = io.WriteString(conn, "the answer")
	require.NoError(t, err)
	conn.Idle()
	got, err := io.ReadAll(serves)
	require.NoError(t, err)
	require.Equal(t, "the answer", string(got))
	require.InDelta(t, 0, testutil.ToFloat64(l.metrics.open), 0)
}

func TestWriteHasItsOwnDeadline(t *testing.T) {
	t.Parallel()
	l := open(t, 10)
	client, server := accepted(t, l)
	require.NoError(t, server.SetWriteDeadline(time.Now().Add(-time.Minute)))
	_, err := io.WriteString(server, "x")
	require.NoError(t, err)
	_, err = io.ReadFull(client, make([]byte, 1))
	require.NoError(t, err)
}

func TestLimitFollowsTheDescriptors(t *testing.T) {
	t.Parallel()
	for files, want := range map[uint64]int{0: fewest, 64: 20, 1024: 500, 1 << 20: (1<<20 - reserved) / 2} {
		require.Equal(t, want, allowedBy(files), fmt.Sprint(files))
	}
	require.Positive(t, Limit(0))
	require.LessOrEqual(t, Limit(0), mostDerived)
	require.Equal(t, 9, Limit(9))
}
