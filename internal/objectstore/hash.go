package objectstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
)

// Hash reads an object and returns its SHA-256 in lower-case hex.
func Hash(ctx context.Context, from Getter, key string) (string, error) {
	body, _, err := from.Get(ctx, key)
	if err != nil {
		return "", err
	}
	defer body.Close()
	return HashBody(body)
}

// HashBody is Hash for an object that is open.
func HashBody(body io.Reader) (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, body); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
