package modelserver

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"orak/internal/secure"
)

// Prefix begins the names of the settings.
const Prefix = "model-server-"

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// Config says which model server to use, and how.
type Config struct {
	URL     string        `name:"url" help:"Base URL of the model server, for the engines http and oip. Empty means http://127.0.0.1:8090 if one of them is set, and otherwise none: a reprocess cannot ask for them."`
	Model   string        `help:"Name of the model, for the engine oip." default:"orak-pitch"`
	Timeout time.Duration `help:"Maximum time until the answer to one window, including the wait in the server's queue." default:"2m"`
	Window  time.Duration `help:"Audio that is sent at once. It bounds the memory of the server that a long recording needs." default:"60s"`
	Context time.Duration `help:"Audio on both sides of a window whose results are dropped, to avoid seams." default:"500ms"`
	Access
	Patience time.Duration `help:"How long one window waits for a busy server before the attempt frees its slot. Neither counts as an attempt." default:"1m"`
}

// Access is how a model server that is secured lets its callers in.
type Access struct {
	secure.Files
	Token string `help:"Token that is sent to the model server (Authorization: Bearer). It needs an https address, or a server on this machine." secret:""`
}

// defaultURL is where the reference server listens.
const defaultURL = "http://127.0.0.1:8090"

// Validate returns an error for the first setting that cannot work.
func (c Config) Validate() error {
	u, err := url.Parse(cmp.Or(c.URL, defaultURL))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("url: want an http or https address")
	}
	if err := c.Files.Validate(); err != nil {
		return err
	}
	switch {
	case u.Scheme == "http" && c.Files != (secure.Files{}):
		return errors.New("tls-ca, tls-cert and tls-key: they need an https address in url")
	case u.Scheme == "http" && c.Token != "" && !isLoopback(u.Hostname()):
		return errors.New("token: it needs an https address in url, since it would be sent in clear")
	case c.Timeout <= 0:
		return fmt.Errorf("timeout %v: want more than 0", c.Timeout)
	case c.Window < time.Second:
		return fmt.Errorf("window %v: want at least 1s", c.Window)
	case c.Context < 0 || c.Context > c.Window/2:
		return fmt.Errorf("context %v: want 0 to half of the window", c.Context)
	case c.Patience < 0:
		return fmt.Errorf("patience %v: want at least 0", c.Patience)
	}
	return nil
}
