package api

import (
	"bytes"
	"encoding/base64"
	"io"
	"math"
	"mime/multipart"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"orak"
	"orak/api/resource"
	"orak/internal/auth"
	"orak/internal/objectstore"
)

// The fuzz tests of this file call the parsers of requests; those of
// fuzz_requests_test.go send requests to a server.

// fuzzBoundary is that of every form here.
const fuzzBoundary = "b"

// asked is a request with headers, each a name and a value, as a handler sees it.
func asked(t *testing.T, target string, headers ...[2]string) *fiber.Ctx {
	t.Helper()
	app := fiber.New()
	raw := &fasthttp.RequestCtx{}
	raw.Request.Header.SetMethod(fiber.MethodGet)
	raw.Request.SetRequestURI(target)
	for _, h := range headers {
		raw.Request.Header.Add(h[0], h[1])
	}
	c := app.AcquireCtx(raw)
	t.Cleanup(func() { app.ReleaseCtx(c) })
	c.Locals(localExchange, &exchange{caller: auth.Caller{Tenant: orak.DefaultTenant}})
	return c
}

// requireRefusal requires that err says what is wrong with the request.
func requireRefusal(t *testing.T, err error) {
	t.Helper()
	require.Less(t, meanings[asRefusal(err).code].status, 500, "%v", err)
}

// readForm reads the file of a form as an upload does.
func readForm(t *testing.T, data []byte, boundary string) (rec *recording, content []byte, err error) {
	t.Helper()
	conn, other := net.Pipe()
	defer conn.Close()
	defer other.Close()
	b := &body{src: bytes.NewReader(data), length: int64(len(data)), limit: noLimit, conn: conn, idle: time.Minute}
	s := &Server{}
	rec, err = s.fromForm(b, boundary, description{}, 1<<20)
	if err != nil {
		return nil, nil, err
	}
	content, err = io.ReadAll(rec)
	if err != nil {
		return nil, nil, s.broken(err)
	}
	return rec, content, nil
}

// filesOf returns the content of each file of a form, as mime/multipart reads it, if it is
// closed and without a fault.
func filesOf(data []byte, boundary string) (files []string, err error) {
	for parts := multipart.NewReader(bytes.NewReader(data), boundary); ; {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return nil, err
		}
		if _, isFile, err := partFile(p.Header); err != nil || isFile {
			files = append(files, string(content))
		}
	}
}

// What is accepted is the only file of a whole form, byte by byte.
func FuzzFormIsReadWhole(f *testing.F) {
	for _, seed := range []string{
		"", "--b", "--b--", "--b\r\n\r\n", "\r\n--b\r\n--b--\r\n",
		"--b\r\nContent-Disposition: form-data; name=file; filename=a.wav\r\n\r\nRIFF\r\n--b--\r\n",
		"--b\r\nContent-Disposition: form-data; name=file; filename=a.wav\r\n\r\nRIFF\r\n--b--",
		"--b\r\nContent-Disposition: form-data; name=file; filename=a.wav\r\n\r\nRIFF\r\n--b\r\n",
		"--b\nContent-Disposition: form-data; name=file; filename=a.wav\n\nRIFF\n--b--\n",
		"--b\r\nContent-Disposition: form-data; name=owner\r\n\r\nkim\r\n--b\r\nContent-Disposition: form-data; name=f; filename*=UTF-8''%C3%9C.wav\r\n\r\nRIFF\r\n--b--\r\nafter",
		"--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=f; filename=b\r\n\r\n2\r\n--b--\r\n",
		"--b\r\nContent-Disposition: form-data; name=f; filename=\"a\r\n b\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\r\n--b--\r\n",
		"--b\r\nContent-Disposition: form-data; name=metadata\r\n\r\n{\"a\":1}\r\n--b\r\nContent-Disposition: form-data; name=metadata\r\n\r\n{}\r\n--b--\r\n",
		"--b\r\nX: " + strings.Repeat("x", 30_000) + "\r\n\r\n", "preamble\r\n--b  \r\nContent-Disposition: ;;filename=\"\r\n\r\nx\r\n--b--\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, content, err := readForm(t, data, fuzzBoundary)
		if err != nil {
			requireRefusal(t, err)
			return
		}
		files, err := filesOf(data, fuzzBoundary)
		require.NoError(t, err)
		require.Equal(t, []string{string(content)}, files)
		require.Equal(t, rec.filename, orak.CleanFilename(rec.filename))
		require.Equal(t, int64(len(content)), rec.read)
	})
}

// Whatever a client puts into a form arrives, or is refused.
func FuzzFormRoundTrip(f *testing.F) {
	f.Add("a.wav", "kim", []byte("RIFF"))
	f.Add(`C:\my "best" take;1.wav`, "", []byte("\r\n--b--\r\n"))
	f.Add("\r\n\r\n노래.wav", "\xff", []byte{})
	f.Fuzz(func(t *testing.T, name, owner string, content []byte) {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		require.NoError(t, w.SetBoundary("a-boundary-that-no-recording-has-0123456789"))
		if bytes.Contains(content, []byte(w.Boundary())) || strings.Contains(owner, w.Boundary()) {
			return
		}
		require.NoError(t, w.WriteField("owner", owner))
		p, err := w.CreateFormFile("file", name)
		require.NoError(t, err)
		_, err = p.Write(content)
		require.NoError(t, err)
		require.NoError(t, w.Close())

		want, badOwner := orak.ParseOwner(owner)
		rec, got, err := readForm(t, form.Bytes(), w.Boundary())
		if err != nil {
			requireRefusal(t, err)
			require.True(t, badOwner != nil || name == "" || len(name) > maxPartHead/3 || !plainASCII(name), "%v", err)
			return
		}
		require.NoError(t, badOwner)
		require.Equal(t, want, rec.owner)
		require.True(t, bytes.Equal(content, got))
		require.True(t, utf8.ValidString(rec.filename))
		require.LessOrEqual(t, len(rec.filename), orak.MaxFilename)
		if plainASCII(name) {
			require.Equal(t, orak.CleanFilename(name), rec.filename)
		}
	})
}

// plainASCII reports whether a header carries text as it is.
func plainASCII(text string) bool {
	for _, r := range text {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return text == strings.TrimSpace(text)
}

func FuzzTusMetadata(f *testing.F) {
	for _, seed := range []string{
		"", " ", ",", "filename", "filename YS53YXY=", "name YS53YXY=,filename Yg==", "owner a2lt,kind c29uZw==,metadata eyJhIjoxfQ==",
		"owner a2lt,owner a2lt", "filename !", " filename  YQ==", "filename YQ==\t", "metadata e30", "kind eA==",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		filename, about, err := tusMetadata(header)
		if err != nil {
			requireRefusal(t, err)
			return
		}
		require.Equal(t, filename, orak.CleanFilename(filename))
		owner, err := orak.ParseOwner(about.owner)
		require.NoError(t, err)
		require.Equal(t, about.owner, owner)
		_, err = orak.ParseMetadata([]byte(about.metadata))
		require.NoError(t, err)
	})
}

func FuzzTusMetadataRoundTrip(f *testing.F) {
	f.Add("a.wav", "kim")
	f.Add("\x00/..", ", owner")
	f.Fuzz(func(t *testing.T, filename, owner string) {
		encode := base64.StdEncoding.EncodeToString
		gotName, about, err := tusMetadata("filename " + encode([]byte(filename)) + ",owner " + encode([]byte(owner)))
		want, badOwner := orak.ParseOwner(owner)
		require.Equal(t, badOwner == nil, err == nil, "%v, %v", badOwner, err)
		if err == nil {
			require.Equal(t, orak.CleanFilename(filename), gotName)
			require.Equal(t, want, about.owner)
		}
	})
}

func FuzzTusHeaders(f *testing.F) {
	f.Add("0", "")
	f.Add("9223372036854775807", "sha1 qUqP5cyxm6YcTAhz05Hph5gvu9M=")
	f.Add("9223372036854775808", "sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
	f.Add("+1", "md5 YQ==")
	f.Add("-0", "sha1")
	f.Add("1_000", "sha1  =")
	f.Add("0x1f", "SHA1 qUqP5cyxm6YcTAhz05Hph5gvu9M=")
	f.Fuzz(func(t *testing.T, offset, checksum string) {
		c := asked(t, "/v1/tus", [2]string{headerUploadOffset, offset}, [2]string{"Upload-Checksum", checksum})
		if n, err := tusNumber(c, headerUploadOffset); err != nil {
			requireRefusal(t, err)
		} else {
			require.GreaterOrEqual(t, n, int64(0))
			digits := strings.TrimLeft(c.Get(headerUploadOffset), "0")
			require.Equal(t, strings.TrimLeft(strconv.FormatInt(n, 10), "0"), digits)
		}
		sum, err := tusChecksum(c)
		if err != nil {
			requireRefusal(t, err)
			return
		}
		require.Equal(t, c.Get("Upload-Checksum") == "", sum == nil)
		if sum != nil {
			require.Len(t, sum.Want, sum.Sum.Size())
		}
	})
}

func FuzzDigest(f *testing.F) {
	good := "sha-256=:" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + ":"
	f.Add(good, "")
	f.Add(good, good)
	f.Add("", "sha-512=:YQ==:, "+good+";x=1")
	f.Add("sha-256=:YQ==:", "sha-256")
	f.Add("sha-256=(:YQ==: 1)", "sha-256=1.5")
	f.Add("sha-256=:", "=")
	f.Fuzz(func(t *testing.T, content, repr string) {
		c := asked(t, "/", [2]string{resource.HeaderContentDigest, content}, [2]string{resource.HeaderReprDigest, repr})
		sum, err := digestOf(c)
		if err != nil {
			requireRefusal(t, err)
			return
		}
		if sum == nil {
			return
		}
		require.Len(t, sum, 32)
		again, err := digestHeader(sum)
		require.NoError(t, err)
		parsed, err := parseDigest(resource.HeaderContentDigest, []string{again})
		require.NoError(t, err)
		require.Equal(t, sum, parsed)
	})
}

func FuzzRange(f *testing.F) {
	const etag = "e"
	for _, seed := range []string{"", "bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0", "bytes=5-2", "bytes=999-", "bytes=0-99999999999999999999", "bytes=--1", "bytes=1-2,3-4", "lines=1", "bytes= 1-2", "bytes=-"} {
		f.Add(seed, "", uint32(100))
		f.Add(seed, `"e"`, uint32(0))
		f.Add(seed, `W/"e"`, uint32(1))
	}
	f.Fuzz(func(t *testing.T, asks, unless string, size uint32) {
		c := asked(t, "/", [2]string{fiber.HeaderRange, asks}, [2]string{fiber.HeaderIfRange, unless})
		info := objectstore.Info{ETag: etag, Size: int64(size)}
		p, err := download{recording: true}.part(c, info)
		if err != nil {
			require.Equal(t, codeRange, asRefusal(err).code)
			return
		}
		require.GreaterOrEqual(t, p.offset, int64(0))
		require.LessOrEqual(t, p.offset+p.length, info.Size)
		if !p.partial {
			require.Equal(t, part{length: info.Size}, p)
			return
		}
		require.Positive(t, p.length)
		require.Contains(t, []string{"", `"e"`}, c.Get(fiber.HeaderIfRange))
	})
}

func FuzzIfNoneMatch(f *testing.F) {
	for _, seed := range []string{"", "*", `"e"`, `W/"e"`, `"x", W/"e"`, `"x,"e"`, `e`, `""`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		c := asked(t, "/", [2]string{fiber.HeaderIfNoneMatch, header})
		if notModified(c, "e") {
			require.True(t, strings.Contains(header, `"e"`) || strings.Contains(header, "*"), header)
		}
	})
}

func FuzzPageToken(f *testing.F) {
	f.Add("", []byte("token"))
	f.Add("AAAA", []byte{})
	f.Add(encodePage([]byte("token")), []byte{0})
	f.Fuzz(func(t *testing.T, given string, token []byte) {
		if decoded, err := decodePage(given); err == nil {
			again, err := decodePage(encodePage(decoded))
			require.NoError(t, err)
			require.Equal(t, decoded, again)
		}
		made := encodePage(token)
		decoded, err := decodePage(made)
		require.Equal(t, len(token) == 0, err != nil)
		require.True(t, bytes.Equal(token, decoded))
	})
}

func FuzzUploadFilters(f *testing.F) {
	for _, seed := range []string{
		"", "status=completed&status=failed", "key=F%23+minor&tempo_min=60&tempo_max=1e3", "low=C4&high=Bb3", "from=1h&to=2026-02-01T00:00:00Z",
		"page_size=200&page_token=x", "kind=song&owner=kim&text=a%00b", "tempo_min=NaN", "duration_max=Inf", "low=H9", "from=-1h", "a=b;c=d", "%zz", "key=minor", "tempo_min=0x1p-2",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := queryOf(asked(t, "/v1/uploads?"+query))
		if err != nil {
			requireRefusal(t, err)
			return
		}
		require.NoError(t, q.Validate())
		require.Equal(t, orak.DefaultTenant, q.Tenant)
		require.LessOrEqual(t, q.Limit, maxPage)
		for _, bound := range []float64{q.Tempo.Min, q.Tempo.Max, q.Duration.Min, q.Duration.Max, q.Sings.Min, q.Sings.Max} {
			require.False(t, math.IsNaN(bound) || math.IsInf(bound, 0) || bound < 0)
		}
	})
}
