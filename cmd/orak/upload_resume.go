package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"orak/client"
	"orak/internal/terminal"
)

const (
	// resumableFrom is the size in bytes from which a file is sent resumably.
	resumableFrom = 8 << 20
	// unfinishedFor is how long an upload that did not end can go on: servers keep
	// it for 24 hours at most.
	unfinishedFor = 24 * time.Hour
)

// unfinished is an upload that can go on if the command is given again.
type unfinished struct {
	// key is the Idempotency-Key; with it, the server finds the upload.
	key string
	// resumed means that an earlier command began the upload.
	resumed bool
	// path is the file that has the key; "" if it cannot be kept.
	path string
}

// keptKey is the JSON of the file. It has no name of the recording.
type keptKey struct {
	IdempotencyKey string    `json:"idempotency-key"`
	BeganAt        time.Time `json:"began-at"`
}

// resumes returns the upload of a large file, begun by this command or an earlier one;
// nil for other recordings. The key is kept in the user's cache folder. A file that
// was changed since is another recording.
func (u *uploadCmd) resumes(con *console, from toSend) *unfinished {
	info, err := os.Stat(from.path)
	if err != nil || info.Size() < resumableFrom {
		return nil
	}
	if u.IdempotencyKey != "" {
		return &unfinished{key: u.IdempotencyKey}
	}
	again := &unfinished{key: client.NewIdempotencyKey()}
	if from.typed != from.path { // a copy of a pipe
		return again
	}
	if again.path, err = u.keyPath(con, from.path, info); err != nil {
		con.Tell("%s %s could not go on after an interruption: %v", con.Marks.Note, terminal.Clean(from.name), err)
		return again
	}
	kept, err := readKey(again.path)
	if err == nil && con.Now().Sub(kept.BeganAt) < unfinishedFor {
		again.key, again.resumed = kept.IdempotencyKey, true
		return again
	}
	if err := writeKey(again.path, keptKey{again.key, con.Now()}); err != nil {
		con.Tell("%s %s could not go on after an interruption: %v", con.Marks.Note, terminal.Clean(from.name), err)
		again.path = ""
	}
	return again
}

// keyPath follows from the server, the tenant, what is said of the recording, and the
// file.
func (u *uploadCmd) keyPath(con *console, file string, info os.FileInfo) (string, error) {
	cache := cacheFolder(con.environ)
	if cache == "" {
		return "", errors.New("neither XDG_CACHE_HOME nor HOME is set")
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d %d %q %q %q", u.Server, u.Tenant, file, info.Size(), info.ModTime().UnixNano(), u.Owner, u.Kind, u.Metadata))
	return filepath.Join(cache, "orak", "uploads", hex.EncodeToString(sum[:])+".json"), nil
}

// cacheFolder is the user's; "" if there is none.
func cacheFolder(environ []string) string {
	var home, xdg string
	for _, entry := range environ {
		switch name, value, _ := strings.Cut(entry, "="); name {
		case "HOME":
			home = value
		case "XDG_CACHE_HOME":
			xdg = value
		}
	}
	if xdg == "" && home != "" {
		return filepath.Join(home, ".cache")
	}
	return xdg
}

func readKey(path string) (kept keptKey, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err == nil && kept.IdempotencyKey == "" {
		err = errors.New("it has no key")
	}
	return kept, err
}

func writeKey(path string, kept keptKey) error {
	text, err := json.Marshal(kept)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	return err
}

// settle forgets the upload if the command given again should begin another one: it is
// accepted, or was refused for good. ended means that an earlier command's upload has
// ended at the server, so that this one may begin anew.
func (f *unfinished) settle(err error) (ended bool) {
	if f == nil {
		return false
	}
	status := 0
	if refusal, ok := errors.AsType[*client.Error](err); ok {
		status = refusal.Problem.Status
	}
	switch status {
	case http.StatusBadRequest, http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		f.forget()
	case 0:
		if err == nil {
			f.forget()
		}
	}
	return status == http.StatusGone && f.resumed
}

// forget ends the upload: the command given again begins another one.
func (f *unfinished) forget() {
	if f.path != "" {
		_ = os.Remove(f.path) // an old key makes a repeat the same upload
	}
}
