package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/api/resource"
	"orak/internal/auth"
)

// in is the bundle for one input of a fuzz test.
func (b *bundle) in(t *testing.T) *bundle {
	t.Helper()
	one := *b
	one.t = t
	return &one
}

// sendable is text without the bytes that no client of Go sends in a header.
func sendable(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= ' ' && c != 0x7f {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// postAny posts a body that the contract may not allow, and that is accepted nevertheless:
// Go reads the names of JSON in upper and lower case.
func (b *bundle) postAny(path, body string, headers ...header) reply {
	b.t.Helper()
	req := b.request(http.MethodPost, path, strings.NewReader(body), append(headers, header{"Content-Type", "application/json"})...)
	req.GetBody = nil
	return b.do(req)
}

// original is the stored recording of an upload.
func (b *bundle) original(id orak.UploadID) []byte {
	b.t.Helper()
	stored, _, err := b.store.Get(b.t.Context(), orak.OriginalKey(orak.DefaultTenant, id))
	require.NoError(b.t, err)
	defer stored.Close()
	content, err := io.ReadAll(stored)
	require.NoError(b.t, err)
	return content
}

// readContract reads the contract before the first input, which would otherwise wait for
// it: on a busy machine for longer than the 10 s after which Go takes an input for hung.
func readContract(f *testing.F) {
	f.Helper()
	_, err := router()
	require.NoError(f, err)
}

func FuzzUploadRequest(f *testing.F) {
	readContract(f)
	shared := setup(f)
	content := wav(200)
	f.Add("audio/wav", "", "", content)
	f.Add("audio/wav", `attachment; filename="a.wav"`, "sha-256=:YQ==:", content)
	f.Add("multipart/form-data; boundary=b", "", "", formWith(`Content-Disposition: form-data; name="file"; filename="a.wav"`, content))
	f.Add("multipart/form-data; boundary=b", "", "", []byte("--b\r\n\r\n--b--"))
	f.Add(`multipart/form-data; boundary="`, ";;", "sha-256", []byte{})
	f.Add("multipart/mixed", "\xff", "=", []byte("OggS"))
	f.Fuzz(func(t *testing.T, contentType, disposition, digest string, body []byte) {
		b := shared.in(t)
		r := b.upload(body, header{"Content-Type", sendable(contentType)}, header{"Content-Disposition", sendable(disposition)}, header{"Content-Digest", sendable(digest)})
		if r.status != http.StatusAccepted {
			require.Less(t, r.status, 500, "%s", r.body)
			return
		}
		stored := b.original(into[resource.Upload](t, r, http.StatusAccepted).ID)
		if strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), "multipart/") {
			require.True(t, bytes.Contains(body, stored))
			return
		}
		require.True(t, bytes.Equal(body, stored))
	})
}

func FuzzTusRequest(f *testing.F) {
	readContract(f)
	shared := setup(f)
	content := wav(200)
	f.Add("200", "0", "filename YS53YXY=", "", content)
	f.Add("200", "0", "", "sha1 qUqP5cyxm6YcTAhz05Hph5gvu9M=", content)
	f.Add("300", "0", "owner a2lt", "", content)
	f.Add("9223372036854775807", "-1", ",", "md5", []byte{})
	f.Add("1", "1", "\xff", "", []byte("xx"))
	f.Fuzz(func(t *testing.T, length, offset, metadata, checksum string, body []byte) {
		b := shared.in(t)
		r := b.do(b.request(http.MethodPost, "/v1/tus", nil, tusVersion, header{"Upload-Length", sendable(length)}, header{"Upload-Metadata", sendable(metadata)}))
		if r.status != http.StatusCreated {
			require.Less(t, r.status, 500, "%s", r.body)
			return
		}
		path := "/v1/" + r.header.Get("Location")
		headers := []header{tusVersion, tusBytes, {"Upload-Offset", sendable(offset)}}
		if checksum != "" {
			headers = append(headers, header{"Upload-Checksum", sendable(checksum)})
		}
		r = b.do(b.request(http.MethodPatch, path, bytes.NewReader(body), headers...))
		require.Less(t, r.status, 500, "%s", r.body)
		if r.status != http.StatusNoContent {
			return
		}
		require.Equal(t, strconv.Itoa(len(body)), r.header.Get("Upload-Offset"), "the offset was 0")
		require.Equal(t, len(body), b.offset(path))
		if size, err := strconv.Atoi(sendable(length)); err == nil && size == len(body) {
			require.True(t, bytes.Equal(body, b.original(orak.UploadID(path[strings.LastIndex(path, "/")+1:]))))
		}
	})
}

func FuzzDirectRequest(f *testing.F) {
	readContract(f)
	shared := setup(f)
	for _, seed := range []string{
		`{"size":1000}`, `{"size":1000,"filename":"../a.wav","owner":"kim","kind":"song","metadata":{"take":1}}`, `{"size":100000000,"part_size":5242880}`,
		`{"size":1e3}`, `{"size":-1}`, `{"size":9223372036854775807,"part_size":9223372036854775807}`, `{"size":1,"sha256":"x"}`, `{"size":1,"metadata":[]}`,
		`{"size":1,"size":2,"SIZE":3}`, `null`, `[]`, `{}{}`, `{"size":1,"owner":"\u0000"}`, `{"size":1,"metadata":null}`, "{\"size\":1,\"filename\":\"\xff\"}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		b := shared.in(t)
		r := b.postAny("/v1/uploads/direct", body)
		if r.status != http.StatusCreated {
			require.Less(t, r.status, 500, "%s", r.body)
			return
		}
		made := into[resource.Direct](t, r, http.StatusCreated)
		require.Equal(t, http.StatusOK, b.get(made.Links.Self).status)
		require.Equal(t, http.StatusNoContent, b.do(b.request(http.MethodDelete, made.Links.Self, nil)).status)
	})
}

// The routes with a body of JSON that need nothing but the keys.
var jsonRoutes = []string{
	"/v1/upload-tokens", "/v1/admin/keys", "/v1/admin/keys/aaaaaaaaaaaa/rotate", "/v1/store-events", "/v1/webhooks",
	"/v1/dead-letters/" + someID + "/discard", "/v1/uploads/direct/" + someID + "/parts",
}

func FuzzJSONRequest(f *testing.F) {
	readContract(f)
	shared := setupGuarded(f)
	_, credential := shared.key(auth.NewKey{Tenant: orak.DefaultTenant, Scopes: auth.Scopes})
	for i := range jsonRoutes {
		f.Add(uint8(i), `{"owner":"kim","max_bytes":1000,"expires_in_seconds":60}`)
		f.Add(uint8(i), `{"name":"","scopes":["upload"],"expires_at":"9999-12-31T23:59:59Z"}`)
		f.Add(uint8(i), `{"Records":[{"s3":{"object":{"key":"%zz"}}}]}`)
		f.Add(uint8(i), `{"url":"https://a.example","events":["completed"]}`)
		f.Add(uint8(i), `{"overlap_seconds":-1,"reason":"x","numbers":[0,-1,10001]}`)
		f.Add(uint8(i), `null`)
		f.Add(uint8(i), strings.Repeat("[", 10_000))
	}
	f.Fuzz(func(t *testing.T, route uint8, body string) {
		b := shared.in(t)
		r := b.postAny(jsonRoutes[int(route)%len(jsonRoutes)], body, credential)
		// What needs Temporal or the keys of webhooks answers 503 here.
		require.NotEqual(t, http.StatusInternalServerError, r.status, "%s", r.body)
	})
}

// Whatever bytes a connection brings, the server answers without a fault of its own, or
// closes it.
func FuzzConnection(f *testing.F) {
	readContract(f)
	shared := setup(f)
	for _, seed := range []string{
		"", "\r\n", smuggled, withLength("POST /v1/uploads", string(wav(100))), withChunk("POST /v1/uploads", smuggled),
		"POST /v1/uploads HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST /v1/tus HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 1\r\nExpect: 100-continue\r\n\r\n",
		"GET /v1/uploads?page_token=%00 HTTP/1.1\r\nHost: a\r\nX-Orak-Tenant: a\r\nX-Orak-Tenant: b\r\n\r\n" + smuggled,
		"GET //v1/../livez HTTP/1.0\r\nRange: bytes=0-\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\nOrigin: null\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		answers := string(shared.exchange(t, sent))
		require.NotContains(t, answers, "HTTP/1.1 500 ")
		if answers != "" {
			require.True(t, strings.HasPrefix(answers, "HTTP/1."), "%.200q", answers)
		}
		require.Equal(t, http.StatusOK, shared.in(t).get("/livez").status)
	})
}

// exchange sends bytes, ends the sending, and returns what is answered within a second.
func (b *bundle) exchange(t *testing.T, sent []byte) []byte {
	t.Helper()
	conn, err := net.Dial("tcp", b.Addr())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Second)))
	if _, err := conn.Write(sent); err != nil {
		require.True(t, closed(err), fmt.Sprint(err))
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		require.True(t, closed(err), fmt.Sprint(err))
	}
	answers, err := io.ReadAll(conn)
	if err != nil {
		require.True(t, closed(err) || errors.Is(err, os.ErrDeadlineExceeded), fmt.Sprint(err))
	}
	return answers
}

// closed reports whether the server has closed the connection.
func closed(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ENOTCONN)
}
