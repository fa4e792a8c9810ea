package api

import (
	"bytes"
	"crypto/sha256"

	"github.com/dunglas/httpsfv"
	"github.com/gofiber/fiber/v2"

	"orak/api/resource"
)

// digestAlgorithm is the algorithm of RFC 9530 that is verified and sent.
const digestAlgorithm = "sha-256"

// digestOf returns the SHA-256 of a request's body from its Content-Digest or
// Repr-Digest, which say the same where there is no Content-Encoding; nil if there is
// neither, or only other algorithms.
func digestOf(c *fiber.Ctx) (sum []byte, err error) {
	for _, name := range []string{resource.HeaderContentDigest, resource.HeaderReprDigest} {
		found, err := parseDigest(name, headerValues(c, name))
		switch {
		case err != nil:
			return nil, err
		case found == nil:
		case sum != nil && !bytes.Equal(sum, found):
			return nil, refuse(codeInvalidRequest, resource.HeaderContentDigest+" and "+resource.HeaderReprDigest+" differ.")
		default:
			sum = found
		}
	}
	return sum, nil
}

func headerValues(c *fiber.Ctx, name string) []string {
	var values []string
	for _, v := range c.Request().Header.PeekAll(name) {
		values = append(values, string(v))
	}
	return values
}

// parseDigest reads the SHA-256 from the values of a digest header.
func parseDigest(name string, values []string) ([]byte, error) {
	if len(values) == 0 {
		return nil, nil
	}
	malformed := refuse(codeInvalidRequest, name+" must look like sha-256=:<base64>:.")
	members, err := httpsfv.UnmarshalDictionary(values)
	if err != nil {
		return nil, malformed.because(err)
	}
	member, given := members.Get(digestAlgorithm)
	if !given {
		return nil, nil
	}
	item, single := member.(httpsfv.Item)
	sum, binary := item.Value.([]byte)
	if !single || !binary || len(sum) != sha256.Size {
		return nil, malformed
	}
	return sum, nil
}

// digestHeader is the value of a digest header.
func digestHeader(sum []byte) (string, error) {
	d := httpsfv.NewDictionary()
	d.Add(digestAlgorithm, httpsfv.NewItem(sum))
	return httpsfv.Marshal(d)
}
