package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"orak"
)

// storeEvents is a notification of a bucket, in S3's format. Of everything else in it
// nothing is used.
type storeEvents struct {
	Records []struct {
		S3 struct {
			Object struct {
				// Key is encoded like a form's value.
				Key string `json:"key"`
			} `json:"object"`
		} `json:"s3"`
	}
}

// postStoreEvents takes the notifications of the bucket: a recording that was put is
// completed without its client. A notification is only a hint: what it names is looked
// at in the store, and what it leaves out the sweep finds.
func (s *Server) postStoreEvents(c *fiber.Ctx) error {
	b := bodyOf(c)
	b.limit = maxStoreEvents
	text, err := io.ReadAll(b)
	switch {
	case errors.Is(err, errTooLarge):
		return refuse(codeTooLarge, "The body may have at most "+formatBytes(maxStoreEvents)+".")
	case err != nil:
		return s.broken(err)
	}
	var events storeEvents
	if err := json.Unmarshal(text, &events); err != nil {
		return refuse(codeInvalidRequest, "The body must be a bucket's notification in S3's format.").because(err)
	}
	for _, r := range events.Records {
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil {
			continue
		}
		if t, id, ok := orak.ParseIncomingKey(key); ok {
			s.direct.Hint(t, id)
		}
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// maxStoreEvents bounds a notification, in bytes.
const maxStoreEvents = 256 << 10
