package api

import (
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// localBody is the user value of a request that holds its *body.
const localBody = "orak.body"

// edge wraps the whole of Fiber, its own refusals included, because of one
// trap: fasthttp goes on reading where the handler stopped. What is left of a
// streamed body would be run as the next request on the connection, with
// whatever authority a proxy in front gives it. So the connection ends unless
// the body was read to its end. Nothing is drained: the rest may be endless.
func (s *Server) edge(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		b := newBody(ctx, s.cfg.BodyTimeout)
		ctx.SetUserValue(localBody, b)
		defer func() {
			if !b.finish() {
				ctx.Response.Header.SetConnectionClose()
				if c, ok := ctx.Conn().(*conn); ok {
					c.linger = true
				}
			}
			s.rollWrite(ctx)
		}()
		if !slices.Contains(fiber.DefaultMethods, string(ctx.Method())) {
			// Fiber would answer this in plain text, before any middleware.
			writeProblem(ctx, refuse(codeMethodNotAllowed, "No resource here knows this method."), "")
			return
		}
		next(ctx)
	}
}

// rollWrite gives the client some time to read what is written next. There is
// no limit on a whole answer: event streams have no end.
func (s *Server) rollWrite(ctx *fasthttp.RequestCtx) {
	// A connection that is gone is met again by the write itself.
	_ = ctx.Conn().SetWriteDeadline(time.Now().Add(s.cfg.BodyTimeout))
}

func bodyOf(c *fiber.Ctx) *body { return c.Context().UserValue(localBody).(*body) }
