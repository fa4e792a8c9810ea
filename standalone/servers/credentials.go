package servers

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Credentials is the access key of the store.
type Credentials struct {
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
}

// loadCredentials reads the store's access key from path, and makes a
// random one if there is none: a known default key would let every web page that
// finds the port write to the store.
func loadCredentials(path string) (Credentials, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createCredentials(path)
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("reading the store's access key: %w", err)
	}
	var c Credentials
	if err := json.Unmarshal(data, &c); err != nil {
		return Credentials{}, fmt.Errorf("reading the store's access key from %s: %w", path, err)
	}
	if c.AccessKey == "" || c.SecretKey == "" {
		return Credentials{}, fmt.Errorf("reading the store's access key from %s: it is incomplete", path)
	}
	return c, nil
}

// createCredentials writes to a temporary name first, so that a kill leaves
// either no key or a whole one.
func createCredentials(path string) (Credentials, error) {
	c := Credentials{AccessKey: "orak" + rand.Text()[:16], SecretKey: rand.Text() + rand.Text()}
	data, err := json.Marshal(c)
	if err != nil {
		return Credentials{}, fmt.Errorf("encoding the store's access key: %w", err)
	}
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o600); err != nil {
		return Credentials{}, fmt.Errorf("writing the store's access key: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return Credentials{}, fmt.Errorf("writing the store's access key: %w", err)
	}
	return c, nil
}
