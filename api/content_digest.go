package api

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"orak/api/resource"
)

// parseDigest reads the SHA-256 from a Content-Digest header (RFC 9530); nil if the
// header is absent or has only other algorithms.
func parseDigest(header string) ([]byte, error) {
	for member := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(member), "=")
		if name != "sha-256" {
			continue
		}
		encoded, opened := strings.CutPrefix(value, ":")
		encoded, closed := strings.CutSuffix(encoded, ":")
		sum, err := base64.StdEncoding.DecodeString(encoded)
		if !opened || !closed || err != nil || len(sum) != sha256.Size {
			return nil, refuse(codeInvalidRequest, resource.HeaderContentDigest+" must look like sha-256=:<base64>:.")
		}
		return sum, nil
	}
	return nil, nil
}
