package api

import (
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"orak/internal/listen"
)

// localBody is the user value of a request that holds its *body.
const localBody = "orak.body"

// closeUnread wraps the whole of Fiber, its own refusals included, because of one
// trap: fasthttp goes on reading where the handler stopped. What is left of a
// streamed body would be run as the next request on the connection, with
// whatever authority a proxy in front gives it. So the connection ends unless
// the body was read to its end. Nothing is drained: the rest may be endless.
func (s *Server) closeUnread(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		conn := connOf(ctx)
		conn.Busy()
		b := newBody(ctx, s.cfg.BodyTimeout)
		ctx.SetUserValue(localBody, b)
		defer func() {
			if !b.finish() {
				ctx.Response.Header.SetConnectionClose()
				conn.Linger()
			}
		}()
		s.handle(ctx, next)
	}
}

// handle answers what Fiber would answer in plain text, before any middleware,
// and has Fiber answer the rest.
func (s *Server) handle(ctx *fasthttp.RequestCtx, next fasthttp.RequestHandler) {
	switch {
	case unmetExpectation(ctx):
		writeProblem(ctx, refuse(codeExpectation, "Of expectations, only 100-continue can be met."), "")
	case !slices.Contains(fiber.DefaultMethods, string(ctx.Method())):
		writeProblem(ctx, refuse(codeMethodNotAllowed, "No resource here knows this method."), "")
	default:
		next(ctx)
	}
}

func connOf(ctx *fasthttp.RequestCtx) *listen.Conn { return ctx.Conn().(*listen.Conn) }

func bodyOf(c *fiber.Ctx) *body { return c.Context().UserValue(localBody).(*body) }
