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

// received sees the head of a request before anything of its body is awaited.
//
// fasthttp waits for up to 8 KiB of a body before it calls the handler, which a
// client that sends nothing would keep from refusing it. And it knows only one
// spelling of one expectation: that is made of all others, which stay beside
// it, so that all of them come to expect.
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
		h.Del(headerExpect) // RFC 9110: to be ignored
	case asked:
		h.Set(headerExpect, expectContinue)
		for _, given := range others {
			h.Add(headerExpect, given)
		}
	}
	return fasthttp.RequestConfig{MaxRequestBodySize: prefetchedOfABody}
}

// unmetExpectation reports whether the client expects what nobody here does.
func unmetExpectation(ctx *fasthttp.RequestCtx) bool {
	return len(ctx.Request.Header.PeekAll(headerExpect)) > 1
}

// expect decides on a request with Expect: 100-continue. The handler is run
// with a body that is not there yet: where it answers without asking for the
// body, that is the answer, and the client never sends it. Where it asks,
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
		conn.Linger() // it may not have waited
		return ctx.Response.StatusCode()
	}
}
