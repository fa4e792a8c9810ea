package api

import (
	"bytes"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// leastCompressed is the shortest body that is compressed, in bytes: a shorter one fits
// into a packet.
const leastCompressed = 1 << 10

// gzipped compresses a response in place; fasthttp bounds how many it compresses at once
// by the number of processors.
var gzipped = fasthttp.CompressHandlerLevel(func(*fasthttp.RequestCtx) {}, fasthttp.CompressDefaultCompression)

// compress compresses an answer of JSON or HTML for a client that accepts gzip. Recordings hardly
// shrink, and a compressed event stream would wait for its buffer to fill.
func compress(c *fiber.Ctx) {
	resp := c.Response()
	if !isCompressible(resp.Header.ContentType()) || len(resp.Header.Peek(fiber.HeaderContentEncoding)) > 0 || resp.StatusCode() == fiber.StatusNoContent || c.Method() == fiber.MethodHead {
		return
	}
	if resp.IsBodyStream() {
		if n := resp.Header.ContentLength(); n >= 0 && n < leastCompressed {
			return
		}
	} else if len(resp.Body()) < leastCompressed {
		return
	}
	if !c.Request().Header.HasAcceptEncoding("gzip") {
		return
	}
	gzipped(c.Context())
	// The bytes of two encodings differ, and a strong validator would call them equal.
	if etag := resp.Header.Peek(fiber.HeaderETag); len(etag) > 0 && !bytes.HasPrefix(etag, []byte("W/")) {
		resp.Header.SetBytesV(fiber.HeaderETag, append([]byte("W/"), etag...))
	}
}

func isCompressible(mediaType []byte) bool {
	return bytes.HasPrefix(mediaType, []byte(fiber.MIMEApplicationJSON)) || bytes.HasPrefix(mediaType, []byte("application/problem+json")) ||
		bytes.HasPrefix(mediaType, []byte(fiber.MIMETextHTML))
}
