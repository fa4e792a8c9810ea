package api

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"
)

// Pages of dead letters.
const (
	defaultPage = 50
	maxPage     = 200
)

func pageOf(c *fiber.Ctx) (size int, token []byte, err error) {
	size = defaultPage
	if given := c.Query("page_size"); given != "" {
		if size, err = strconv.Atoi(given); err != nil || size < 1 || size > maxPage {
			return 0, nil, refuse(codeInvalidRequest, "page_size must be 1 to "+strconv.Itoa(maxPage)+".")
		}
	}
	if given := c.Query("page_token"); given != "" {
		if token, err = decodePage(given); err != nil {
			return 0, nil, refuse(codeInvalidRequest, "page_token must be the token of an earlier page.").because(err)
		}
	}
	return size, token, nil
}

// encodePage makes a page_token of Temporal's token, with a checksum, because Temporal
// spends a long time on a damaged token.
func encodePage(token []byte) string {
	if len(token) == 0 {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(slices.Clone(token), crc32.ChecksumIEEE(token)))
}

func decodePage(given string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(given)
	if err != nil {
		return nil, fmt.Errorf("decoding the page token: %w", err)
	}
	cut := len(b) - crc32.Size
	if cut < 1 || binary.BigEndian.Uint32(b[cut:]) != crc32.ChecksumIEEE(b[:cut]) {
		return nil, errors.New("decoding the page token: it is damaged")
	}
	return b[:cut], nil
}
