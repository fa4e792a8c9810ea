package api

import (
	"bytes"
	"net/http"
	"net/url"

	"github.com/gofiber/fiber/v2"
)

// netHTTP adapts a net/http handler with small answers. It does not pass the request's
// body on: Fiber's own adaptor would read all of it into memory.
func netHTTP(h http.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		req := (&http.Request{
			Method: c.Method(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			URL:    &url.URL{Path: c.Path(), RawQuery: string(c.Request().URI().QueryString())},
			Header: c.GetReqHeaders(), Host: c.Hostname(), Body: http.NoBody,
		}).WithContext(c.UserContext())
		w := &answer{header: http.Header{}, status: http.StatusOK}
		h.ServeHTTP(w, req)
		for k, vs := range w.header {
			for _, v := range vs {
				c.Response().Header.Add(k, v)
			}
		}
		return c.Status(w.status).Send(w.body.Bytes())
	}
}

// answer collects what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

var _ http.ResponseWriter = (*answer)(nil)

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
