package api

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cors"

	"orak/api/resource"
)

// preflightAge is how long a browser may remember the answer to a preflight request.
// Chromium keeps it for 2 hours at most.
const preflightAge = 2 * time.Hour

// crossOrigin permits the pages of Config.Origins to read answers and to send requests
// with a credential in a header, and answers their preflight requests. Cookies are never
// accepted from them.
func crossOrigin(origins []string) fiber.Handler {
	return cors.New(cors.Config{
		AllowOrigins: strings.Join(origins, ","),
		AllowMethods: "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS",
		AllowHeaders: strings.Join([]string{
			fiber.HeaderAuthorization, fiber.HeaderAccept, fiber.HeaderContentType, fiber.HeaderContentDisposition,
			fiber.HeaderRange, fiber.HeaderIfRange, fiber.HeaderIfNoneMatch, fiber.HeaderIfMatch,
			"X-Namespace", // of the Temporal Web UI
			HeaderLastEventID, HeaderRequestID, "traceparent", "tracestate",
			resource.HeaderTenant, resource.HeaderIdempotencyKey, resource.HeaderContentDigest, resource.HeaderReprDigest,
			"Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata", "Upload-Defer-Length", "Upload-Concat", "Upload-Checksum", "X-HTTP-Method-Override",
		}, ","),
		ExposeHeaders: strings.Join([]string{
			fiber.HeaderLocation, fiber.HeaderETag, fiber.HeaderRetryAfter, fiber.HeaderContentDisposition,
			fiber.HeaderAcceptRanges, fiber.HeaderContentRange, fiber.HeaderContentLength,
			"RateLimit", "RateLimit-Policy", "WWW-Authenticate",
			HeaderRequestID, resource.HeaderContentDigest, resource.HeaderReprDigest,
			"Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm",
			"Upload-Length", "Upload-Offset", "Upload-Metadata", "Upload-Expires", "Upload-Defer-Length",
		}, ","),
		MaxAge: int(preflightAge / time.Second),
	})
}
