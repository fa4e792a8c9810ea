package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// webhooksKeys reads the key from which the secrets of webhooks are derived from the data
// folder, and makes a random one if there is none.
func webhooksKeys(dir string) ([]string, error) {
	path := filepath.Join(dir, "webhooks-key")
	text, err := os.ReadFile(path)
	if err == nil {
		return []string{strings.TrimSpace(string(text))}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the key of webhooks: %w", err)
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	key := "standalone=" + base64.StdEncoding.EncodeToString(random)
	// A kill leaves either no key or a whole one.
	if err := replaceFile(path, []byte(key+"\n")); err != nil {
		return nil, fmt.Errorf("writing the key of webhooks: %w", err)
	}
	return []string{key}, nil
}
