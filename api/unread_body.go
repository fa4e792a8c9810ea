package api

import (
	"net/http"
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"orak/internal/listen"
)

// localBody is the key of the user value that holds the *body of a request.
const localBody = "orak.body"

// closeUnread wraps Fiber, including Fiber's own refusals, and closes the connection
// unless the body was read to its end. fasthttp continues to read where the handler
// stopped, so the rest of a streamed body would be run as the next request on the
// connection, with the authority that a proxy in front gives it (request
// smuggling). The rest is not drained, since it may be endless.
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

// handle answers requests that Fiber would answer in plain text before any
// middleware, and passes the others to Fiber.
func (s *Server) handle(ctx *fasthttp.RequestCtx, next fasthttp.RequestHandler) {
	switch {
	case unmetExpectation(ctx):
		writeProblem(ctx, refuse(codeExpectation, "The only supported expectation is 100-continue."), "")
	case !slices.Contains(fiber.DefaultMethods, string(ctx.Method())):
		// No resource has this one either; Fiber answers it with those that the
		// resource has.
		ctx.Request.Header.SetMethod(http.MethodTrace)
		next(ctx)
	default:
		next(ctx)
	}
}

func connOf(ctx *fasthttp.RequestCtx) *listen.Conn { return ctx.Conn().(*listen.Conn) }

func bodyOf(c *fiber.Ctx) *body { return c.Context().UserValue(localBody).(*body) }
