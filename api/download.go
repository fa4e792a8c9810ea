package api

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"orak"
	"orak/api/resource"
	"orak/internal/objectstore"
)

// getAnalysis streams the analysis.
func (s *Server) getAnalysis(c *fiber.Ctx) error { return s.getResult(c, orak.AnalysisKey) }

// getPitch streams the curve of the fundamental frequency.
func (s *Server) getPitch(c *fiber.Ctx) error { return s.getResult(c, orak.PitchKey) }

// getResult streams one of the results of a completed upload.
func (s *Server) getResult(c *fiber.Ctx, key func(orak.Tenant, orak.UploadID) string) error {
	st, err := s.lookupFor(c)
	if err != nil {
		return err
	}
	switch {
	case st.Status == orak.StatusCompleted:
	case st.Status.Final():
		return refuse(codeNoAnalysis, "The upload is "+string(st.Status)+".")
	default:
		r := refuse(codeAnalysisNotReady, "The upload is "+string(st.Status)+"; its events report when it is completed.")
		r.again = st.again()
		return r
	}
	err = s.send(c, download{key: key(st.Upload.Tenant, st.Upload.ID), mediaType: fiber.MIMEApplicationJSON})
	if errors.Is(err, fs.ErrNotExist) {
		exchangeOf(c).log.ErrorContext(c.UserContext(), "a completed upload lacks a result", "upload_id", st.Upload.ID)
		return refuse(codeNoAnalysis, "The analysis was removed.")
	}
	return err
}

// getAudio streams the converted recording, which is there from the end of the
// conversion on.
func (s *Server) getAudio(c *fiber.Ctx) error {
	st, err := s.lookupFor(c)
	if err != nil {
		return err
	}
	err = s.send(c, download{
		key: orak.AudioKey(st.Upload.Tenant, st.Upload.ID), mediaType: "audio/wav", recording: true, disposition: "inline",
	})
	if errors.Is(err, fs.ErrNotExist) {
		return st.withoutAudio()
	}
	return err
}

// withoutAudio is the answer about an upload that has no converted recording.
func (st state) withoutAudio() error {
	if st.Status.Final() {
		return refuse(codeNoAudio, "The upload is "+string(st.Status)+", and has no converted recording.")
	}
	r := refuse(codeAudioNotReady, "The upload is "+string(st.Status)+"; its events report how it proceeds.")
	r.again = st.again()
	return r
}

// getOriginal streams the recording as it was sent, for saving. Nobody but its sender
// has vouched for its bytes: they are never shown as a page of this server.
func (s *Server) getOriginal(c *fiber.Ctx) error {
	st, err := s.lookupFor(c)
	if err != nil {
		return err
	}
	err = s.send(c, download{
		key: orak.OriginalKey(st.Upload.Tenant, st.Upload.ID), mediaType: safeMedia(st.Upload.ContentType), recording: true,
		disposition: attachment(st.Upload), sha256: st.Upload.SHA256,
	})
	if errors.Is(err, fs.ErrNotExist) {
		return refuse(codeNoAudio, "The recording was removed.")
	}
	return err
}

// again is the Retry-After for a result of an upload that has not ended.
func (st state) again() time.Duration {
	if st.ended() {
		return pausedRetryAfter // it waits for an operator
	}
	return retryAfter
}

// safeMedia returns a media type that no browser runs: that of a recording which
// another program announced was not sniffed.
func safeMedia(mediaType string) string {
	if strings.HasPrefix(mediaType, "audio/") || strings.HasPrefix(mediaType, "video/") {
		return mediaType
	}
	return fiber.MIMEOctetStream
}

// attachment is the Content-Disposition with the file name of u, in ASCII or as in
// RFC 8187.
func attachment(u orak.Upload) string {
	name := orak.CleanFilename(u.Filename)
	if name == "" {
		name = string(u.ID)
	}
	if d := mime.FormatMediaType("attachment", map[string]string{"filename": name}); d != "" {
		return d
	}
	return "attachment"
}

// download is a stored object, as a route sends it.
type download struct {
	key       string
	mediaType string
	// recording means audio, of which ranges may be requested; a result is JSON,
	// which may be compressed.
	recording bool
	// disposition is the Content-Disposition; "" sends none.
	disposition string
	// sha256 is the digest of the object in hex; "" means unknown.
	sha256 string
}

// send answers with an object: with 304 if the caller has it, with the part that Range
// asks for, or with all of it. A missing object is fs.ErrNotExist. The answer is
// streamed.
func (s *Server) send(c *fiber.Ctx, d download) error {
	info, err := s.store.Stat(c.UserContext(), d.key)
	if err != nil {
		return err
	}
	if notModified(c, info.ETag) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	part, err := d.part(c, info)
	if err != nil {
		return err
	}
	body, err := s.openPart(c, info, part)
	if err != nil {
		return err
	}
	d.describe(c)
	if part.partial {
		c.Response().Header.SetContentRange(int(part.offset), int(part.offset+part.length-1), int(info.Size))
		c.Status(fiber.StatusPartialContent)
	}
	return c.SendStream(body, int(part.length))
}

// describe sets the headers of the object.
func (d download) describe(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentType, d.mediaType)
	if d.disposition != "" {
		c.Set(fiber.HeaderContentDisposition, d.disposition)
	}
	if !d.recording {
		return
	}
	c.Set(fiber.HeaderAcceptRanges, "bytes")
	// A recording may be a polyglot: a page, for a browser that is led to it.
	c.Set(fiber.HeaderContentSecurityPolicy, "sandbox; default-src 'none'")
	sum, err := hex.DecodeString(d.sha256)
	if err != nil || len(sum) == 0 {
		return
	}
	if value, err := digestHeader(sum); err == nil {
		c.Set(resource.HeaderReprDigest, value)
	}
}

// part is a part of an object, or all of it.
type part struct {
	offset, length int64
	partial        bool
}

// part returns what a request asks for. Several ranges at once are answered with the
// whole, as RFC 9110 permits, and so is If-Range with another ETag or with a date.
func (d download) part(c *fiber.Ctx, info objectstore.Info) (part, error) {
	whole := part{length: info.Size}
	asked := c.Get(fiber.HeaderRange)
	switch {
	case !d.recording, c.Method() != http.MethodGet, !strings.HasPrefix(asked, "bytes="), strings.Contains(asked, ","):
		return whole, nil
	case c.Get(fiber.HeaderIfRange) != "" && c.Get(fiber.HeaderIfRange) != `"`+info.ETag+`"`:
		return whole, nil
	}
	first, last, err := fasthttp.ParseByteRange([]byte(asked), int(info.Size))
	if err != nil || first > last {
		r := refuse(codeRange, "The recording has "+formatBytes(info.Size)+".").because(err)
		r.size = &info.Size
		return part{}, r
	}
	return part{offset: int64(first), length: int64(last-first) + 1, partial: true}, nil
}

// openPart opens a part of an object, within Config.MaxDownloads and
// Config.MaxTenantDownloads. Nothing is opened where no byte is sent.
func (s *Server) openPart(c *fiber.Ctx, info objectstore.Info, p part) (io.ReadCloser, error) {
	if c.Method() == http.MethodHead || p.length == 0 {
		return http.NoBody, nil
	}
	release, err := s.downloads.take(exchangeOf(c).caller.Tenant)
	switch {
	case errors.Is(err, errNoPlace):
		return nil, refuse(codeUnavailable, "The service is sending as many recordings as it can at once. Try again later.")
	case err != nil:
		r := refuse(codeRateLimited, fmt.Sprintf("The tenant may download %d recordings and results at once from each instance of the server. Read or close some.", s.cfg.MaxTenantDownloads))
		r.again = time.Second
		return nil, r
	}
	body, err := s.store.GetRangeOf(c.UserContext(), info, p.offset, p.length)
	if err != nil {
		release()
		if errors.Is(err, objectstore.ErrChanged) {
			return nil, refuse(codeUnavailable, "The result was just made again. Repeat the request.").because(err)
		}
		return nil, err
	}
	return &placed{ReadCloser: body, release: release}, nil
}

// placed is a body that holds a place until it is closed.
type placed struct {
	io.ReadCloser
	release func()
}

// Close implements io.Closer.
func (p *placed) Close() error {
	defer p.release()
	return p.ReadCloser.Close()
}
