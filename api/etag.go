package api

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"orak/api/resource"
)

// vary lists the request headers on which answers depend: the tenant, and the
// encoding.
const vary = resource.HeaderTenant + ", " + fiber.HeaderAcceptEncoding

// notModified sets the ETag of an answer, and reports whether the caller has it
// already, so that 304 is the answer. Only private caches may store the answer, and
// must revalidate it: an analysis changes with a reprocess, and an erasure removes
// it. An empty etag sets none.
func notModified(c *fiber.Ctx, etag string) bool {
	c.Set(fiber.HeaderCacheControl, "private, no-cache")
	if etag == "" {
		return false
	}
	etag = `"` + etag + `"`
	c.Set(fiber.HeaderETag, etag)
	for _, given := range c.Request().Header.PeekAll(fiber.HeaderIfNoneMatch) {
		for tag := range strings.SplitSeq(string(given), ",") {
			// Weak comparison, as RFC 9110 requires for this header.
			if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}
