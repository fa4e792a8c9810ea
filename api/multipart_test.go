package api_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFormWithASecondFileIsRefusedWhateverItsSize(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, size := range []int{60, 1000, 60_000, 200_000} {
		contentType, body := form(t, file("first.wav", wav(1000)), field("between", "x"), file("second.wav", wav(size)))
		p := problem(t, b.upload(body, header{"Content-Type", contentType}), http.StatusBadRequest, "invalid-request")
		if size < 60_000 {
			require.Contains(t, p.Detail, "one recording per request")
		}
	}
	b.eventually(func() bool { return len(b.keys()) == 0 }, "nothing is stored")
}

// formWith is a form with one file whose part begins with these header lines.
func formWith(lines string, content []byte) []byte {
	return fmt.Appendf(nil, "--b\r\n%s\r\n\r\n%s\r\n--b--\r\n", lines, content)
}

var formType = header{"Content-Type", "multipart/form-data; boundary=b"}

func TestFileNameOfAFormIsOptional(t *testing.T) {
	t.Parallel()
	b := setup(t)
	names := map[string]string{
		`form-data; name="file"; filename="a.wav"`:                                    "a.wav",
		`form-data; name="file"; filename="my "best" take.wav"`:                       `my "best" take.wav`,
		`form-data; filename="my "best" take.wav"; name="file"`:                       `my "best" take.wav`,
		`form-data; name="file"; filename=my take.wav`:                                "my take.wav",
		`form-data; name=file; filename=a.wav`:                                        "a.wav",
		`form-data; name="file"; FileName=(1).wav; x=y`:                               "(1).wav",
		`form-data; name="file"; filename="a.wav`:                                     "a.wav",
		`form-data; name="file"; filename*=UTF-8''%C3%9Cbung.wav`:                     "Übung.wav",
		`form-data; name="file"; filename="x y.wav"; filename*=UTF-8''%C3%9Cbung.wav`: "Übung.wav",
		`form-data; name=a b; filename*=utf-8'en'%C3%9Cbung.wav`:                      "Übung.wav",
		`form-data; name="file"; filename=노래.wav`:                                     "노래.wav",
		`form-data; name="file"; filename="a;b.wav"`:                                  "a;b.wav",
	}
	got := map[string]string{}
	for disposition := range names {
		r := b.upload(formWith("Content-Disposition: "+disposition, wav(1000)), formType)
		require.Equal(t, http.StatusAccepted, r.status, "%s: %s", disposition, r.body)
		got[string(into[struct{ ID string }](t, r, http.StatusAccepted).ID)] = disposition
	}
	for _, e := range b.announced(len(names)) {
		u := uploadOf(t, e)
		disposition := got[string(u.ID)]
		want := names[disposition]
		require.Equal(t, strings.Trim(want, `"`), strings.Trim(u.Filename, `"`), disposition)
	}
}

func TestMalformedFormIsExplained(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for lines, want := range map[string]string{
		"Content-Disposition form-data; name=file; filename=a.wav": "cannot be parsed",
		"Content-Disposition: form-data; name=file; filename":      "cannot be parsed",
		"Content-Disposition: form-data; name=file":                "no file",
		"Content-Disposition: form-data; name=f; filename=\"\"":    "no file",
	} {
		p := problem(t, b.upload(formWith(lines, wav(1000)), formType), http.StatusBadRequest, "invalid-request")
		require.Contains(t, p.Detail, want, lines)
	}
	require.Empty(t, b.keys())
}

func TestFormIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fits := "X: " + strings.Repeat("x", 15_000) + "\r\nContent-Disposition: form-data; name=file; filename=a.wav"
	require.Equal(t, http.StatusAccepted, b.upload(formWith(fits, wav(1000)), formType).status)
	p := problem(t, b.upload(formWith("X: "+strings.Repeat("x", 40_000), wav(1000)), formType), http.StatusBadRequest, "invalid-request")
	require.Contains(t, p.Detail, "16384 bytes")

	fields := make([]func(*multipart.Writer), 0, 102)
	for range 101 {
		fields = append(fields, field("a", "b"))
	}
	contentType, many := form(t, append(fields, file("a.wav", wav(1000)))...)
	p = problem(t, b.upload(many, header{"Content-Type", contentType}), http.StatusBadRequest, "invalid-request")
	require.Contains(t, p.Detail, "100 parts")

	contentType, large := form(t, field("a", strings.Repeat("x", 1<<20)), file("a.wav", wav(1000)))
	p = problem(t, b.upload(large, header{"Content-Type", contentType}), http.StatusBadRequest, "invalid-request")
	require.Contains(t, p.Detail, "before the file")
}

// An endless header is refused as soon as it is too large.
func TestHeaderOfAPartWithoutAnEndIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.dial(t)
	c.send("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 50000000\r\n\r\n--b\r\n")
	line := "X: " + string(bytes.Repeat([]byte("x"), 1000)) + "\r\n"
	c.send(strings.Repeat(line, 40))
	require.Contains(t, problem(t, c.answer(), http.StatusBadRequest, "invalid-request").Detail, "16384 bytes")
}
