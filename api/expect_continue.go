package api

import (
	"bytes"
	"net/http"

	"github.com/valyala/fasthttp"
)

const (
	headerExpect      = "Expect"
	expectContinue    = "100-continue"
	prefetchedOfABody = 1 // the fewest bytes that fasthttp can wait for
)

// received handles the head of a request before fasthttp waits for its body.
//
// fasthttp waits for up to 8 KiB of a body before it calls the handler; a client that
// sends nothing could then not be refused. It also recognizes only one spelling of
// one expectation: received adds that spelling to all others, so that every
// expectation reaches expect.
func received(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	var others []string
	asked := false
	for _, given := range h.PeekAll(headerExpect) {
		asked = true
		if !bytes.EqualFold(given, []byte(expectContinue)) {
			others = append(others, string(given))
		}
	}
	switch {
	case asked && !h.IsHTTP11():
		h.Del(headerExpect) // RFC 9110: ignore it
	case asked:
		h.Set(headerExpect, expectContinue)
		for _, given := range others {
			h.Add(headerExpect, given)
		}
	}
	return fasthttp.RequestConfig{MaxRequestBodySize: prefetchedOfABody}
}

// unmetExpectation reports whether the client expects anything but 100-continue.
func unmetExpectation(ctx *fasthttp.RequestCtx) bool {
	return len(ctx.Request.Header.PeekAll(headerExpect)) > 1
}

// expect handles a request with Expect: 100-continue. It runs the handler with a body
// that is not sent yet. If the handler answers without reading the body, that is the
// answer, and the client does not send the body. If the handler tries to read,
// nothing has happened yet, and it is run again with the body.
func (s *Server) expect(next fasthttp.RequestHandler) func(ctx *fasthttp.RequestCtx) int {
	return func(ctx *fasthttp.RequestCtx) int {
		conn := connOf(ctx)
		conn.Busy()
		b := newUnsentBody(ctx)
		ctx.SetUserValue(localBody, b)
		s.handle(ctx, next)
		if b.finish(); b.asked {
			ctx.Response.Reset()
			return http.StatusContinue
		}
		conn.Linger() // the client may be sending already
		return ctx.Response.StatusCode()
	}
}
