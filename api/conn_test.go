package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/api/resource"
)

// raw is a connection that sends arbitrary bytes.
type raw struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func (b *bundle) dial(t *testing.T) *raw {
	t.Helper()
	c, err := net.Dial("tcp", b.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(30*time.Second)))
	return &raw{t, c, bufio.NewReader(c)}
}

func (r *raw) send(text string) {
	r.t.Helper()
	_, err := io.WriteString(r.Conn, text)
	require.NoError(r.t, err)
}

// answer reads one response.
func (r *raw) answer() reply {
	r.t.Helper()
	resp, err := http.ReadResponse(r.r, nil)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return reply{resp.StatusCode, resp.Header, body, resp.Close}
}

// ended requires that the connection ends without further bytes.
func (r *raw) ended() {
	r.t.Helper()
	rest, err := io.ReadAll(r.r)
	if !errors.Is(err, syscall.ECONNRESET) {
		require.NoError(r.t, err)
	}
	require.Empty(r.t, string(rest))
}

// smuggled is a request within a body.
const smuggled = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"

func TestUnreadBodyIsNeverRunAsARequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	padding := strings.Repeat("x", 20_000) // more than fasthttp reads ahead
	form := "--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n"
	for name, request := range map[string]string{
		"refused upload":       withLength("POST /v1/uploads", padding+smuggled),
		"unasked chunks":       withChunk("POST /v1/uploads", smuggled),
		"encoded":              withLength("POST /v1/uploads", smuggled, "Content-Encoding: gzip"),
		"refused form":         withLength("POST /v1/uploads", form+padding+smuggled, "Content-Type: multipart/form-data; boundary=b"),
		"too long":             "POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n" + padding + smuggled,
		"unknown path":         withLength("POST /nowhere", smuggled),
		"unknown path, chunks": withChunk("POST /nowhere", smuggled),
		"wrong method":         withLength("DELETE /v1/uploads", smuggled),
		"unknown method":       withLength("BREW /v1/uploads", smuggled),
		"get with a body":      withLength("GET /livez", smuggled),
		"get with chunks":      withChunk("GET /livez", smuggled),
		"too much json":        withLength("POST /v1/dead-letters/"+someID+"/discard", strings.Repeat(" ", 70_000)+smuggled),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := b.dial(t)
			c.send(request)
			r := c.answer()
			require.True(t, r.closes, "the answer ends the connection")
			rest, _ := io.ReadAll(c.r) // a reset counts as an end
			require.NotContains(t, string(rest), "HTTP/1.1")
		})
	}
}

func withLength(line, body string, headers ...string) string {
	headers = append(headers, fmt.Sprintf("Content-Length: %d", len(body)))
	return line + " HTTP/1.1\r\nHost: localhost\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + body
}

func withChunk(line, body string, headers ...string) string {
	headers = append(headers, "Transfer-Encoding: chunked")
	return line + " HTTP/1.1\r\nHost: localhost\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + oneChunk(body) + "0\r\n\r\n"
}

const someID = "0192c0de-0000-7000-8000-000000000001"

func TestConnectionIsKeptAfterTheWholeBodyWasRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.dial(t)
	content := wav(30_000)
	for range 2 {
		c.send(fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(content), content))
		require.Equal(t, http.StatusAccepted, c.answer().status)
		digest := contentDigest(content)
		c.send(fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n%s: %s\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", digest[0], digest[1], len(content), content))
		require.Equal(t, http.StatusAccepted, c.answer().status)
		c.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
		require.Equal(t, "alive\n", string(c.answer().body))
	}
}

func TestBodyThatIsCutOffIsNeverStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := string(wav(40_000))
	digest := contentDigest([]byte(content))
	for _, sent := range []int{100, 9000, len(content) - 1} {
		for name, request := range map[string]string{
			"length": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(content), content[:sent]),
			"chunk":  fmt.Sprintf("Transfer-Encoding: chunked\r\n%s: %s\r\n\r\n%x\r\n%s", digest[0], digest[1], len(content), content[:sent]),
			// Cut between two chunks, where fasthttp sees a plain end.
			"chunks": fmt.Sprintf("Transfer-Encoding: chunked\r\n%s: %s\r\n\r\n%x\r\n%s\r\n", digest[0], digest[1], sent, content[:sent]),
			"form":   "Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n" + oneChunk("--b\r\nContent-Disposition: form-data; name=f; filename=a.wav\r\n\r\n"+content[:sent]) + "0\r\n\r\n",
		} {
			c := b.dial(t)
			c.send("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\n" + request)
			require.NoError(t, c.Conn.(*net.TCPConn).CloseWrite())
			r := c.answer()
			require.Equal(t, http.StatusBadRequest, r.status, "%s of %d: %s", name, sent, r.body)
			c.ended()
		}
	}
	require.Empty(t, b.keys())
}

func oneChunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

func TestUploadWithAKeyCanBeRepeatedAfterACutOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := wav(40_000)
	c := b.dial(t)
	c.send(fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: k\r\nContent-Length: %d\r\n\r\n%s", len(content), content[:20_000]))
	require.NoError(t, c.Conn.(*net.TCPConn).CloseWrite())
	problem(t, c.answer(), http.StatusBadRequest, "incomplete-body")

	a := into[resource.Accepted](t, b.upload(content, header{"Idempotency-Key", "k"}), http.StatusAccepted)
	require.Equal(t, hexSum(content), a.SHA256)
	b.eventually(func() bool { return len(b.keys()) == 1 }, "the marker is removed")
}

func TestClientThatIsStillSendingCanReadItsRefusal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.dial(t)
	c.send("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 101000000\r\n\r\n")
	// The client continues to send long after the server has answered and closed.
	piece := strings.Repeat("x", 1<<20)
	for range 30 {
		if _, err := io.WriteString(c.Conn, piece); err != nil {
			t.Fatalf("the connection was reset: %v", err)
		}
	}
	problem(t, c.answer(), http.StatusRequestEntityTooLarge, "too-large")
}

func TestSlowClientIsServedAndSilentOneIsNot(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) {
		b.cfg.BodyTimeout = time.Second
		b.cfg.HeaderTimeout = time.Second
	})
	content := wav(40_000)
	head := fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", len(content))

	// Each piece arrives in time, the whole takes longer than any timeout.
	slow := b.dial(t)
	slow.send(head + string(content[:10_000]))
	pieces := time.NewTicker(150 * time.Millisecond)
	defer pieces.Stop()
	for rest := content[10_000:]; len(rest) > 0; rest = rest[3000:] {
		<-pieces.C
		slow.send(string(rest[:3000]))
	}
	require.Equal(t, http.StatusAccepted, slow.answer().status)

	silent := b.dial(t)
	silent.send(head + string(content[:10_000]))
	problem(t, silent.answer(), http.StatusRequestTimeout, "timeout")
	silent.ended()
	b.eventually(func() bool { return len(b.keys()) == 1 }, "only the slow one's recording is kept")
}

func TestExpectContinueIsAnswered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := wav(30_000)
	c := b.dial(t)
	c.send(fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(content)))
	line, err := c.r.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "100")
	_, err = c.r.ReadString('\n')
	require.NoError(t, err)
	c.send(string(content))
	require.Equal(t, http.StatusAccepted, c.answer().status)
}

func TestMalformedRequestIsAnsweredWithAProblem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for request, code := range map[string]string{
		"NONSENSE\r\n\r\n": "invalid-request",
		"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: " + strings.Repeat("x", 20_000) + "\r\n\r\n": "header-too-large",
	} {
		c := b.dial(t)
		c.send(request)
		r := c.answer()
		problem(t, reply{r.status, http.Header{"Content-Type": r.header["Content-Type"], "X-Request-Id": {instance(t, r)}}, r.body, true}, r.status, code)
	}
}

func instance(t *testing.T, r reply) string {
	return into[resource.Problem](t, r, r.status).Instance
}

func TestStopEndsIdleConnectionsAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	idle := b.dial(t)
	idle.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.Equal(t, http.StatusOK, idle.answer().status)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, b.Stop(ctx))
	require.NoError(t, b.Stop(ctx))
	_, err := net.Dial("tcp", b.Addr())
	require.Error(t, err)
}

func TestIdleConnectionAcceptsAnUploadLater(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) {
		b.cfg.BodyTimeout = 500 * time.Millisecond
		b.cfg.KeepAlive = 30 * time.Second
	})
	c := b.dial(t)
	c.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.Equal(t, http.StatusOK, c.answer().status)
	time.Sleep(time.Second) // idle for longer than the write timeout of an answer
	content := wav(30_000)
	c.send(fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(content)))
	c.continued()
	c.send(string(content))
	require.Equal(t, http.StatusAccepted, c.answer().status)
}

// continued reads 100 Continue.
func (r *raw) continued() {
	r.t.Helper()
	line, err := r.r.ReadString('\n')
	require.NoError(r.t, err)
	require.Equal(r.t, "HTTP/1.1 100 Continue\r\n", line)
	_, err = r.r.ReadString('\n')
	require.NoError(r.t, err)
}

func TestRequestIsRefusedByItsHeadBeforeTheBodyIsSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, test := range map[string]struct {
		head, code string
		status     int
	}{
		"too long":               {"POST /v1/uploads HTTP/1.1\r\nContent-Length: 10000000000\r\n", "too-large", http.StatusRequestEntityTooLarge},
		"compressed":             {"POST /v1/uploads HTTP/1.1\r\nContent-Length: 1000\r\nContent-Encoding: gzip\r\n", "unsupported-encoding", http.StatusUnsupportedMediaType},
		"no tenant's name":       {"POST /v1/uploads HTTP/1.1\r\nContent-Length: 1000\r\nX-Orak-Tenant: ***\r\n", "invalid-tenant", http.StatusBadRequest},
		"a key that is too long": {"POST /v1/uploads HTTP/1.1\r\nContent-Length: 1000\r\nIdempotency-Key: " + strings.Repeat("k", 256) + "\r\n", "invalid-request", http.StatusBadRequest},
		"a malformed digest":     {"POST /v1/uploads HTTP/1.1\r\nContent-Length: 1000\r\nContent-Digest: sha-256=:x:\r\n", "invalid-request", http.StatusBadRequest},
		"chunks without digest":  {"POST /v1/uploads HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", "length-required", http.StatusLengthRequired},
		"a form of no boundary":  {"POST /v1/uploads HTTP/1.1\r\nContent-Length: 1000\r\nContent-Type: multipart/form-data\r\n", "invalid-request", http.StatusBadRequest},
		"no such path":           {"POST /nowhere HTTP/1.1\r\nContent-Length: 1000\r\n", "not-found", http.StatusNotFound},
		"no such method":         {"BREW /v1/uploads HTTP/1.1\r\nContent-Length: 1000\r\n", "method-not-allowed", http.StatusMethodNotAllowed},
	} {
		for _, expect := range []string{"Expect: 100-continue\r\n", ""} {
			c := b.dial(t)
			c.send(test.head + "Host: localhost\r\n" + expect + "\r\n")
			if expect == "" && test.code != "length-required" {
				c.send("x") // only the first byte of the body
			}
			r := c.answer()
			require.Equal(t, test.status, r.status, name)
			require.Equal(t, "urn:orak:problem:"+test.code, into[resource.Problem](t, r, r.status).Type, name)
			require.True(t, r.closes, name)
		}
	}
	require.Empty(t, b.keys())
}

func TestUnsupportedExpectationIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, expect := range []string{"Expect: 200-ok", "Expect: 100-continue, more", "Expect: 100-continue\r\nExpect: more"} {
		c := b.dial(t)
		c.send("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n" + expect + "\r\n\r\n")
		r := c.answer()
		require.Equal(t, http.StatusExpectationFailed, r.status, expect)
		require.True(t, r.closes)
	}
	content := wav(1000)
	for _, head := range []string{
		"POST /v1/uploads HTTP/1.1\r\nExpect: 100-Continue\r\n",
		"POST /v1/uploads HTTP/1.0\r\nExpect: whatever\r\n", // no HTTP/1.0 client can expect anything
	} {
		c := b.dial(t)
		c.send(fmt.Sprintf("%sHost: localhost\r\nContent-Length: %d\r\n\r\n", head, len(content)))
		if strings.Contains(head, "HTTP/1.1") {
			c.continued()
		}
		c.send(string(content))
		require.Equal(t, http.StatusAccepted, c.answer().status, head)
	}
}

func TestStopDoesNotWaitForIdleConnections(t *testing.T) {
	t.Parallel()
	b := setup(t)
	silent, half := b.dial(t), b.dial(t)
	half.send("GET /livez HTTP/1.1\r\nHost: local")
	b.eventually(func() bool { return strings.Contains(b.gathered(), `orak_connections{listener="api"} 2`) }, "both are accepted")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	began := time.Now()
	require.NoError(t, b.Stop(ctx))
	require.Less(t, time.Since(began), 5*time.Second)
	silent.ended()
}

func TestIdleConnectionsMakeRoomForNewOnes(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) { b.cfg.MaxConnections = 5 })
	for range 30 {
		b.dial(t)
	}
	content := wav(20_000)
	for range 3 {
		c := b.dial(t)
		c.send(fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(content), content))
		require.Equal(t, http.StatusAccepted, c.answer().status)
	}
	require.Contains(t, b.gathered(), `orak_connections{listener="api"} 5`)
}

func TestServerThatEndsByItselfReportsIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.BreakListener())
	select {
	case err := <-b.Fatal():
		require.ErrorContains(t, err, "serving the API")
	case <-time.After(10 * time.Second):
		t.Fatal("the server did not report its end")
	}
}
