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

	"orak/api"
)

// raw is a connection that sends what a well-behaved client would not.
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

// ended reads on to the connection's end, of which nothing may be left.
func (r *raw) ended() {
	r.t.Helper()
	rest, err := io.ReadAll(r.r)
	if !errors.Is(err, syscall.ECONNRESET) {
		require.NoError(r.t, err)
	}
	require.Empty(r.t, string(rest))
}

// smuggled is a request that hides in a body.
const smuggled = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"

func TestAnUnreadBodyIsNeverRunAsARequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	padding := strings.Repeat("x", 20_000) // beyond what fasthttp reads ahead
	form := "--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n"
	for name, request := range map[string]string{
		"refused upload":       withLength("POST /v1/uploads", padding+smuggled),
		"unasked chunks":       withChunk("POST /v1/uploads", smuggled),
		"encoded":              withLength("POST /v1/uploads", smuggled, "Content-Encoding: gzip"),
		"refused form":         withLength("POST /v1/uploads", form+padding+smuggled, "Content-Type: multipart/form-data; boundary=b"),
		"too long":             "POST /v1/uploads HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n" + padding + smuggled,
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
	return line + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + body
}

func withChunk(line, body string, headers ...string) string {
	headers = append(headers, "Transfer-Encoding: chunked")
	return line + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + oneChunk(body) + "0\r\n\r\n"
}

const someID = "0192c0de-0000-7000-8000-000000000001"

func TestAConnectionIsKeptWhenTheWholeBodyWasRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.dial(t)
	content := wav(30_000)
	for range 2 {
		c.send(fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(content), content))
		require.Equal(t, http.StatusAccepted, c.answer().status)
		digest := contentDigest(content)
		c.send(fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n%s: %s\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", digest[0], digest[1], len(content), content))
		require.Equal(t, http.StatusAccepted, c.answer().status)
		c.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
		require.Equal(t, "alive\n", string(c.answer().body))
	}
}

func TestABodyThatIsCutOffIsNeverStored(t *testing.T) {
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
			c.send("POST /v1/uploads HTTP/1.1\r\nHost: x\r\n" + request)
			require.NoError(t, c.Conn.(*net.TCPConn).CloseWrite())
			r := c.answer()
			require.Equal(t, http.StatusBadRequest, r.status, "%s of %d: %s", name, sent, r.body)
			c.ended()
		}
	}
	require.Empty(t, b.keys())
}

func oneChunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

func TestACutOffUploadWithAKeyCanBeRepeated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := wav(40_000)
	c := b.dial(t)
	c.send(fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nContent-Length: %d\r\n\r\n%s", len(content), content[:20_000]))
	require.NoError(t, c.Conn.(*net.TCPConn).CloseWrite())
	problem(t, c.answer(), http.StatusBadRequest, "incomplete-body")

	a := into[api.Accepted](t, b.upload(content, header{"Idempotency-Key", "k"}), http.StatusAccepted)
	require.Equal(t, hexSum(content), a.SHA256)
	b.eventually(func() bool { return len(b.keys()) == 1 }, "the marker is removed")
}

func TestAClientThatStillSendsCanReadItsRefusal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.dial(t)
	c.send("POST /v1/uploads HTTP/1.1\r\nHost: x\r\nContent-Length: 101000000\r\n\r\n")
	// It goes on sending long after the server has answered and closed.
	piece := strings.Repeat("x", 1<<20)
	for range 30 {
		if _, err := io.WriteString(c.Conn, piece); err != nil {
			t.Fatalf("the connection was reset: %v", err)
		}
	}
	problem(t, c.answer(), http.StatusRequestEntityTooLarge, "too-large")
}

func TestASlowClientIsServedAndASilentOneIsNot(t *testing.T) {
	t.Parallel()
	b := setup(t, func(b *bundle) {
		b.cfg.BodyTimeout = time.Second
		b.cfg.HeaderTimeout = time.Second
	})
	content := wav(40_000)
	head := fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(content))

	// Each piece comes in time, the whole takes longer than any timeout.
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
	c.send(fmt.Sprintf("POST /v1/uploads HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(content)))
	line, err := c.r.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "100")
	_, err = c.r.ReadString('\n')
	require.NoError(t, err)
	c.send(string(content))
	require.Equal(t, http.StatusAccepted, c.answer().status)
}

func TestWhatIsNoRequestIsAProblemToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for request, code := range map[string]string{
		"NONSENSE\r\n\r\n": "invalid-request",
		"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 20_000) + "\r\n\r\n": "header-too-large",
	} {
		c := b.dial(t)
		c.send(request)
		r := c.answer()
		problem(t, reply{r.status, http.Header{"Content-Type": r.header["Content-Type"], "X-Request-Id": {instance(t, r)}}, r.body, true}, r.status, code)
	}
}

func instance(t *testing.T, r reply) string {
	return into[api.Problem](t, r, r.status).Instance
}

func TestStopEndsIdleConnectionsAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	idle := b.dial(t)
	idle.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	require.Equal(t, http.StatusOK, idle.answer().status)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, b.Stop(ctx))
	require.NoError(t, b.Stop(ctx))
	_, err := net.Dial("tcp", b.Addr())
	require.Error(t, err)
}
