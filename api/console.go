package api

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"orak/web"
)

// notPages are the first segments of paths that never are a page of the console: whoever
// asks for something of another kind there must learn that it does not exist.
var notPages = []string{"v1", "docs", "assets", "livez", "readyz", "metrics", "debug"}

// consolePolicy is the Content-Security-Policy of the page, around its nonce. Libraries
// that draw insert style elements, which the nonce permits; nothing inline else runs.
var consolePolicy = [2]string{
	"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-",
	"'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; worker-src 'self' blob:; manifest-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

// getConsole answers what no route has with the console: its files by their names, and
// its page at every path that a browser opens, since the page has addresses of its own.
func (s *Server) getConsole(pages *web.Pages) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if c.Method() != http.MethodGet && c.Method() != http.MethodHead {
			return c.Next()
		}
		name := strings.TrimPrefix(c.Path(), "/")
		if f, ok := pages.File(name); ok {
			return sendConsoleFile(c, f)
		}
		first, _, _ := strings.Cut(name, "/")
		if name != "" && (slices.Contains(notPages, first) || !strings.Contains(c.Get(fiber.HeaderAccept), fiber.MIMETextHTML)) {
			return c.Next()
		}
		return sendConsolePage(c, pages)
	}
}

// sendConsolePage answers with the page. It has no ETag: each answer has a nonce of its
// own, and a page that was kept would have another one than the policy that comes with 304.
func sendConsolePage(c *fiber.Ctx, pages *web.Pages) error {
	nonce := rand.Text()
	c.Set(fiber.HeaderContentSecurityPolicy, consolePolicy[0]+nonce+consolePolicy[1])
	c.Set(fiber.HeaderCacheControl, "no-cache")
	c.Set(fiber.HeaderVary, fiber.HeaderAccept+", "+fiber.HeaderAcceptEncoding)
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderPermissionsPolicy, "microphone=(self), camera=(), geolocation=(), payment=(), usb=()")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Send(pages.Index(nonce))
}

// sendConsoleFile answers with a file of the console.
func sendConsoleFile(c *fiber.Ctx, f *web.File) error {
	known := notModified(c, f.ETag)
	c.Set(fiber.HeaderCacheControl, "no-cache")
	if f.Immutable {
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	}
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	if known {
		return c.SendStatus(http.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, f.MediaType)
	if zipped := f.Gzip(); zipped != nil && c.Request().Header.HasAcceptEncoding("gzip") {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		c.Set(fiber.HeaderETag, `W/"`+f.ETag+`"`)
		return c.Send(zipped)
	}
	return c.Send(f.Content)
}
