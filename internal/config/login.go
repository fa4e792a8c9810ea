package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// StandaloneKeyFile is the file in the data folder with the API key of a standalone
// stack.
const StandaloneKeyFile = "api-key"

// serverFlag and keyFlag are the settings that belong together: a key is only ever sent
// to the server that it is for.
const (
	serverFlag = "server"
	keyFlag    = "api-key"
)

// Login is a server and the API key for it, as a user keeps them.
type Login struct {
	Server string `json:"server"`
	APIKey string `json:"api-key"`
}

// LoginPath returns the path of the user's login file, which has mode 600: below
// XDG_CONFIG_HOME, or else below .config in HOME. It is empty if neither is set.
func LoginPath(environ []string) string {
	var home, xdg string
	for _, entry := range environ {
		switch name, value, _ := strings.Cut(entry, "="); name {
		case "HOME":
			home = value
		case "XDG_CONFIG_HOME":
			xdg = value
		}
	}
	if xdg == "" && home == "" {
		return ""
	}
	return filepath.Join(cmp.Or(xdg, filepath.Join(home, ".config")), "orak", "login.json")
}

// SaveLogin replaces the login file.
func SaveLogin(path string, l Login) error {
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the login: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the folder of the login: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "login-*") // with mode 600
	if err != nil {
		return fmt.Errorf("writing the login: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the login: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// readLogin reads the user's login, if there is one.
func (r *resolver) readLogin(opts Options) error {
	path := LoginPath(opts.Environ)
	if opts.Environ == nil {
		path = LoginPath(os.Environ())
	}
	if path == "" {
		return nil
	}
	text, err := readPrivate(path, opts)
	if err != nil || text == nil {
		return err
	}
	if err := json.Unmarshal(text, &r.login); err != nil {
		return fmt.Errorf("reading the login %s: %w; orak login writes it anew", path, err)
	}
	r.loginPath = path
	return nil
}

// readPrivate reads a file that must belong to this user and be accessible to nobody
// else. It returns nil without an error if there is none, or if it is not private, which
// it warns of.
func readPrivate(path string, opts Options) ([]byte, error) {
	private, err := isPrivate(path, opts)
	if err != nil || !private {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return text, nil
}

// KeyFor returns the API key for a server where none is set: that of the standalone
// stack or of the login, whichever is for this server; "" if neither is.
func (l *Loaded) KeyFor(server string) (string, error) {
	server = strings.TrimRight(server, "/")
	if own, ok := l.resolver.standalone.values[serverFlag]; ok && strings.TrimRight(own.value, "/") == server {
		path := filepath.Join(filepath.Dir(l.resolver.standalone.path), StandaloneKeyFile)
		text, err := readPrivate(path, l.resolver.opts)
		return strings.TrimSpace(string(text)), err
	}
	if login := l.resolver.login; login.APIKey != "" && strings.TrimRight(login.Server, "/") == server {
		return login.APIKey, nil
	}
	return "", nil
}
