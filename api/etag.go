package api

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"orak/api/resource"
)

// vary are the headers of a request that an answer depends on: whose it is, and
// how a proxy in front may compress it.
const vary = resource.HeaderTenant + ", " + fiber.HeaderAcceptEncoding

// notModified gives an answer its validator, and reports whether the caller has it
// already, which a 304 says. A cache asks each time, and is the caller's own:
// an analysis is another one after a reprocess, and gone after an erasure. An
// empty etag validates nothing.
func notModified(c *fiber.Ctx, etag string) bool {
	c.Set(fiber.HeaderCacheControl, "private, no-cache")
	if etag == "" {
		return false
	}
	etag = `"` + etag + `"`
	c.Set(fiber.HeaderETag, etag)
	for _, given := range c.Request().Header.PeekAll(fiber.HeaderIfNoneMatch) {
		for tag := range strings.SplitSeq(string(given), ",") {
			// Compared weakly, as RFC 9110 has it for this header.
			if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}
