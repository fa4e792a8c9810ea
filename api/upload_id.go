package api

import (
	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"orak"
	"orak/api/resource"
)

// idOf reads the upload id in the path. A malformed id is not found.
func idOf(c *fiber.Ctx) (orak.UploadID, error) {
	id, err := orak.ParseUploadID(c.Params("id"))
	if err != nil {
		return "", refuse(codeNotFound, "There is no such upload.")
	}
	exchangeOf(c).upload = id
	return id, nil
}

// maxIdempotencyKey bounds the key, in bytes.
const maxIdempotencyKey = 255

// newID returns the id of an upload: a new one, or, with an idempotency key, the id
// that follows from tenant and key, so that every replica gives a repeat the same id.
func newID(t orak.Tenant, key string) (id orak.UploadID, repeatable bool, err error) {
	if key == "" {
		u, err := uuid.NewV7()
		return orak.UploadID(u.String()), false, err
	}
	if len(key) > maxIdempotencyKey {
		return "", false, refuse(codeInvalidRequest, resource.HeaderIdempotencyKey+" must be at most 255 characters.")
	}
	for _, b := range []byte(key) {
		if b < 0x20 || b > 0x7e {
			return "", false, refuse(codeInvalidRequest, resource.HeaderIdempotencyKey+" must be printable ASCII.")
		}
	}
	// A tenant has no zero byte, so two pairs never make the same name.
	u := uuid.NewSHA1(idempotencySpace(), []byte(string(t)+"\x00"+key))
	return orak.UploadID(u.String()), true, nil
}

// idempotencySpace is the UUID namespace of upload ids made of keys. It must never
// change: a repeat would become a second upload.
func idempotencySpace() uuid.UUID { return uuid.MustParse("6f72616b-7570-5c6f-8164-6b6579737631") }

func linksOf(id orak.UploadID) resource.Links { return resource.LinksOf(id) }
