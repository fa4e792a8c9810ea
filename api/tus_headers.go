package api

import (
	"crypto/sha1" //nolint:gosec // named by the protocol; it guards against damage, not against attackers
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"orak"
	"orak/internal/objectstore"
	"orak/internal/resumable"
)

// checksumAlgorithms are the values of Tus-Checksum-Algorithm.
const checksumAlgorithms = "sha1,sha256"

// maxChecked bounds the body of a request with a checksum, of which nothing counts
// before its last byte.
const maxChecked = objectstore.MinPartSize

// tusNumber reads a header that is a number of bytes.
func tusNumber(c *fiber.Ctx, name string) (int64, error) {
	given, err := onlyHeader(c, name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(given, 10, 63)
	if err != nil || given[0] == '+' {
		return 0, refuse(codeInvalidRequest, name+": want a number of bytes.")
	}
	return int64(n), nil
}

// tusMetadata reads Upload-Metadata: pairs of a name and a base64 value, separated by
// commas. Names without a meaning here are ignored, as is the declared media type.
func tusMetadata(given string) (filename string, about description, err error) {
	if strings.TrimSpace(given) == "" {
		return "", about, nil
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(given, ",") {
		name, encoded, _ := strings.Cut(strings.TrimSpace(pair), " ")
		value, err := base64.StdEncoding.DecodeString(encoded)
		if name == "" || err != nil || seen[name] {
			return "", about, refuse(codeInvalidRequest, headerUploadMeta+": want names, each once, with values in base64. Nothing was stored.")
		}
		seen[name] = true
		switch {
		case name == "filename" || name == "name" && filename == "":
			filename = orak.CleanFilename(string(value))
		case describes(name):
			if err := about.set(name, string(value)); err != nil {
				return "", about, err
			}
		}
	}
	return filename, about, nil
}

// tusBody is the body of a request that may have up to most bytes; nil if it has none.
func (s *Server) tusBody(c *fiber.Ctx, most int64) (*resumable.Body, error) {
	b := bodyOf(c)
	declared, err := tusChecksum(c)
	switch {
	case err != nil:
		return nil, err
	case b.length == 0:
		return nil, nil
	case c.Get(fiber.HeaderContentType) != tusMediaType:
		return nil, refuse(codeTusMedia, "Send the bytes as "+tusMediaType+".")
	case c.Get(fiber.HeaderContentEncoding) != "":
		return nil, refuse(codeUnsupportedEncoding, "Send the recording without Content-Encoding.")
	case b.length > most:
		return nil, refuse(codeTooLarge, "The request has more bytes than "+headerUploadLength+" leaves.")
	case declared != nil && (b.length < 0 || b.length > maxChecked):
		return nil, refuse(codeTooLarge, "A request with Upload-Checksum must have Content-Length, of at most "+formatBytes(maxChecked)+".")
	}
	if b.unsent {
		// Nothing may happen before the client has sent the body; see Server.expect.
		_, err := b.Read(make([]byte, 1))
		return nil, err
	}
	return &resumable.Body{Reader: b, Checksum: declared, Interrupt: b.evict}, nil
}

// tusChecksum reads Upload-Checksum; nil if there is none.
func tusChecksum(c *fiber.Ctx) (*resumable.Checksum, error) {
	given, err := onlyHeader(c, "Upload-Checksum")
	if err != nil || given == "" {
		return nil, err
	}
	algorithm, encoded, _ := strings.Cut(given, " ")
	var sum hash.Hash
	switch algorithm {
	case "sha1":
		sum = sha1.New() //nolint:gosec // see the import
	case "sha256":
		sum = sha256.New()
	default:
		return nil, refuse(codeInvalidRequest, "Upload-Checksum: want one of "+checksumAlgorithms+".")
	}
	want, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(want) != sum.Size() {
		return nil, refuse(codeInvalidRequest, "Upload-Checksum: want the algorithm and the checksum in base64.")
	}
	return &resumable.Checksum{Sum: sum, Want: want}, nil
}
