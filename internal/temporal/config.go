package temporal

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"orak/internal/secure"
)

// Config says which Temporal server and namespace to use.
type Config struct {
	Address     string        `help:"Frontend of the Temporal server, as host:port." default:"127.0.0.1:7233"`
	Namespace   string        `help:"Temporal namespace." default:"default"`
	WebUI       string        `name:"web-ui" help:"Address of the Temporal Web UI, for links in dead letters and alerts. Empty: no links." default:"http://127.0.0.1:8233"`
	Compression string        `help:"Compression of requests to Temporal, which answers alike. gzip saves traffic over a long distance or where it is billed; none saves processor time of orak and of Temporal." enum:"none,gzip" default:"none"`
	DialTimeout time.Duration `name:"dial-timeout" help:"How long to retry to reach the server at the start." default:"1m"`
	TLS         bool          `name:"tls" help:"Use TLS."`
	secure.Files
	TLSServerName string        `name:"tls-server-name" help:"Name that the server's certificate must have. Empty means the host of the address."`
	APIKey        string        `name:"api-key" help:"API key for Temporal. It needs tls." secret:""`
	CodecKeys     []string      `name:"codec-keys" help:"Keys with which what workflows take, return and remember is encrypted before it is sent to Temporal, each as ID=BASE64 of 32 random bytes. The first one encrypts, all decrypt; the word none in front of them means that nothing is encrypted yet: keep an old key for as long as Temporal keeps what it encrypted. The same for all roles and commands. Empty: no encryption. A file with them must not be readable by others." secret:"private"`
	Retention     time.Duration `help:"How long closed workflows are kept, if orak registers the namespace. Keep it longer than Kafka's retention: closed workflows are how a repeated upload is recognized." default:"720h"`
}

// Validate returns an error for the first setting that cannot work.
func (c Config) Validate() error {
	if _, _, err := net.SplitHostPort(c.Address); err != nil {
		return fmt.Errorf("address %q: want host:port: %w", c.Address, err)
	}
	if c.Namespace == "" {
		return errors.New("namespace: missing")
	}
	if c.DialTimeout <= 0 {
		return fmt.Errorf("dial-timeout %v: want more than 0", c.DialTimeout)
	}
	if c.Retention < 24*time.Hour {
		return fmt.Errorf("retention %v: want at least 24h", c.Retention)
	}
	if err := c.Files.ValidateFor(c.TLS); err != nil {
		return err
	}
	if c.APIKey != "" && !c.TLS {
		return errors.New("api-key: it needs tls, since it would be sent in clear")
	}
	if _, err := parseKeys(c.CodecKeys); err != nil {
		return fmt.Errorf("codec-keys: %w", err)
	}
	if c.TLSServerName != "" && !c.TLS {
		return errors.New("tls-server-name: it needs tls")
	}
	if c.WebUI == "" {
		return nil
	}
	if u, err := url.Parse(c.WebUI); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("web-ui %q: want an http or https address", c.WebUI)
	}
	return nil
}

// WorkflowURL links to a run in the Web UI, or to the latest run if runID is empty.
// It returns an empty string without a Web UI.
func (c Config) WorkflowURL(workflowID, runID string) string {
	if c.WebUI == "" {
		return ""
	}
	u := c.workflows() + "/" + url.PathEscape(workflowID)
	if runID != "" {
		u += "/" + url.PathEscape(runID) + "/history"
	}
	return u
}

// QueryURL links to the list of workflows that a visibility query finds. It returns
// an empty string without a Web UI.
func (c Config) QueryURL(query string) string {
	if c.WebUI == "" {
		return ""
	}
	return c.workflows() + "?query=" + url.QueryEscape(query)
}

func (c Config) workflows() string {
	return strings.TrimRight(c.WebUI, "/") + "/namespaces/" + url.PathEscape(c.Namespace) + "/workflows"
}
