package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"orak/internal/auth"
	"orak/internal/config"
)

// ensureKey makes the API key of the data folder at its first start: for every tenant,
// with every scope, since anyone who can read the folder can do everything anyway. It
// returns the path of the file; "" where callers are not authenticated.
//
// The credential is written to a file of another name first, so that a crash leaves
// neither a file without its key nor a key that nobody knows. A key that was revoked is
// not made again: its file is kept as it is. Without the file a new key is made.
func (c *upCommand) ensureKey(ctx context.Context, dataDir string, keys *auth.Keys) (path string, err error) {
	if c.App.Auth.Mode != auth.ModeRequired {
		return "", nil
	}
	path = filepath.Join(dataDir, config.StandaloneKeyFile)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	begun := path + ".begun"
	text, err := os.ReadFile(begun)
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte(auth.NewCredential() + "\n")
		err = replaceFile(begun, text)
	}
	if err != nil {
		return "", fmt.Errorf("writing the API key: %w", err)
	}
	n := auth.NewKey{Name: "standalone", Tenant: auth.EveryTenant, Scopes: auth.Scopes}
	if err := keys.Ensure(ctx, strings.TrimSpace(string(text)), n, "orak-standalone"); err != nil {
		return "", fmt.Errorf("making the API key: %w", err)
	}
	return path, os.Rename(begun, path)
}
