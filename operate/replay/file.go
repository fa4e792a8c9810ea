package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// File stores what Resume needs.
type File struct{ path string }

// NewFile returns the File at path.
func NewFile(path string) *File { return &File{path} }

// DefaultFile returns the File of the replay that key identifies, in the user's
// cache folder.
func DefaultFile(key ...string) (*File, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("finding the cache folder: %w", err)
	}
	words, err := json.Marshal(key)
	if err != nil {
		return nil, fmt.Errorf("naming the replay's state: %w", err)
	}
	sum := sha256.Sum256(words)
	return NewFile(filepath.Join(cache, "orak", "replay", hex.EncodeToString(sum[:8])+".json")), nil
}

// Path returns the path of the file.
func (f *File) Path() string { return f.path }

// Load reads the file; found is false where it does not exist.
func (f *File) Load() (saved Saved, found bool, err error) {
	data, err := os.ReadFile(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return Saved{}, false, nil
	}
	if err != nil {
		return Saved{}, false, fmt.Errorf("reading the replay's state: %w", err)
	}
	if err := json.Unmarshal(data, &saved); err != nil {
		return Saved{}, false, fmt.Errorf("reading the replay's state in %s: %w", f.path, err)
	}
	if saved.Bounds == nil || saved.Began.IsZero() {
		return Saved{}, false, fmt.Errorf("reading the replay's state in %s: it is not the state of a replay", f.path)
	}
	return saved, true, nil
}

// Save replaces the file atomically.
func (f *File) Save(s Saved) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("writing the replay's state: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return fmt.Errorf("writing the replay's state: %w", err)
	}
	fresh := f.path + ".new"
	if err := os.WriteFile(fresh, data, 0o600); err != nil {
		return fmt.Errorf("writing the replay's state: %w", err)
	}
	if err := os.Rename(fresh, f.path); err != nil {
		return fmt.Errorf("writing the replay's state: %w", err)
	}
	return nil
}

// Remove removes the file, if it exists.
func (f *File) Remove() error {
	if err := os.Remove(f.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the replay's state: %w", err)
	}
	return nil
}
