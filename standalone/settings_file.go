package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"orak/internal/config"
	"orak/standalone/servers"
)

// settings are the keys and values of a configuration file, in groups.
type settings map[string]any

// leaveSettings writes the settings by which the orak commands of this user
// find the stack, and returns a function that removes them. api is the API's URL,
// empty if it does not run; brokers are Kafka's. A kill leaves the file behind, and
// the commands then report that nothing answers.
func leaveSettings(at servers.Addresses, key servers.Credentials, api, index string, brokers ...string) (remove func() error, err error) {
	all := settings{}
	if api != "" {
		all["server"] = api
	}
	if index != "" {
		all["index"] = settings{"dir": index}
	}
	if len(brokers) > 0 {
		all["kafka"] = settings{"brokers": brokers}
	}
	if at.Temporal != "" {
		all["temporal"] = settings{"address": at.Temporal, "web-ui": at.TemporalUI}
	}
	if at.S3 != "" {
		all["s3"] = settings{"endpoint": at.S3, "access-key": key.AccessKey, "secret-key": key.SecretKey}
	}
	text, err := json.MarshalIndent(all, "", "  ") // JSON is YAML, too
	if err != nil {
		return nil, fmt.Errorf("writing the settings for the commands: %w", err)
	}
	path := filepath.Join(at.DataDir, config.StandaloneFile)
	if err := replaceFile(path, append(text, '\n')); err != nil {
		return nil, fmt.Errorf("writing the settings for the commands: %w", err)
	}
	return func() error {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the settings for the commands: %w", err)
		}
		return nil
	}, nil
}

// replaceFile replaces the file at path atomically.
func replaceFile(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
